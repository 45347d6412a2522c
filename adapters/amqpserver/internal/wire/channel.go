package wire

// The methods of class channel.

// ChannelOpen is the method channel.open.
type ChannelOpen struct{}

// ID returns 20 and 10.
func (*ChannelOpen) ID() (class, method uint16) { return 20, 10 }

func (*ChannelOpen) fields(c *codec) { c.reserved() }

// ChannelOpenOk is the method channel.open-ok.
type ChannelOpenOk struct{}

// ID returns 20 and 11.
func (*ChannelOpenOk) ID() (class, method uint16) { return 20, 11 }

func (*ChannelOpenOk) fields(c *codec) { c.reservedLong() }

// ChannelFlow is the method channel.flow.
type ChannelFlow struct {
	Active bool
}

// ID returns 20 and 20.
func (*ChannelFlow) ID() (class, method uint16) { return 20, 20 }

func (m *ChannelFlow) fields(c *codec) { c.bits(&m.Active) }

// ChannelFlowOk is the method channel.flow-ok.
type ChannelFlowOk struct {
	Active bool
}

// ID returns 20 and 21.
func (*ChannelFlowOk) ID() (class, method uint16) { return 20, 21 }

func (m *ChannelFlowOk) fields(c *codec) { c.bits(&m.Active) }

// ChannelClose is the method channel.close.
type ChannelClose struct {
	ReplyCode         uint16
	ReplyText         string
	ClassID, MethodID uint16
}

// ID returns 20 and 40.
func (*ChannelClose) ID() (class, method uint16) { return 20, 40 }

func (m *ChannelClose) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.shortstr(&m.ReplyText)
	c.short(&m.ClassID)
	c.short(&m.MethodID)
}

// ChannelCloseOk is the method channel.close-ok.
type ChannelCloseOk struct{}

// ID returns 20 and 41.
func (*ChannelCloseOk) ID() (class, method uint16) { return 20, 41 }

func (*ChannelCloseOk) fields(*codec) {}
