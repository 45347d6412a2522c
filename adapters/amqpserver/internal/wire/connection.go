package wire

import "github.com/gobindery/bindery/pubsub"

// The methods of class connection.

// ConnectionStart is the method connection.start.
type ConnectionStart struct {
	VersionMajor, VersionMinor uint8
	ServerProperties           pubsub.Table
	Mechanisms, Locales        string
}

// ID returns 10 and 10.
func (*ConnectionStart) ID() (class, method uint16) { return 10, 10 }

func (m *ConnectionStart) fields(c *codec) {
	c.octet(&m.VersionMajor)
	c.octet(&m.VersionMinor)
	c.table(&m.ServerProperties)
	c.longstr(&m.Mechanisms)
	c.longstr(&m.Locales)
}

// ConnectionStartOk is the method connection.start-ok.
type ConnectionStartOk struct {
	ClientProperties            pubsub.Table
	Mechanism, Response, Locale string
}

// ID returns 10 and 11.
func (*ConnectionStartOk) ID() (class, method uint16) { return 10, 11 }

func (m *ConnectionStartOk) fields(c *codec) {
	c.table(&m.ClientProperties)
	c.shortstr(&m.Mechanism)
	c.longstr(&m.Response)
	c.shortstr(&m.Locale)
}

// ConnectionSecure is the method connection.secure.
type ConnectionSecure struct {
	Challenge string
}

// ID returns 10 and 20.
func (*ConnectionSecure) ID() (class, method uint16) { return 10, 20 }

func (m *ConnectionSecure) fields(c *codec) { c.longstr(&m.Challenge) }

// ConnectionSecureOk is the method connection.secure-ok.
type ConnectionSecureOk struct {
	Response string
}

// ID returns 10 and 21.
func (*ConnectionSecureOk) ID() (class, method uint16) { return 10, 21 }

func (m *ConnectionSecureOk) fields(c *codec) { c.longstr(&m.Response) }

// ConnectionTune is the method connection.tune.
type ConnectionTune struct {
	ChannelMax uint16
	FrameMax   uint32
	Heartbeat  uint16
}

// ID returns 10 and 30.
func (*ConnectionTune) ID() (class, method uint16) { return 10, 30 }

func (m *ConnectionTune) fields(c *codec) {
	c.short(&m.ChannelMax)
	c.long(&m.FrameMax)
	c.short(&m.Heartbeat)
}

// ConnectionTuneOk is the method connection.tune-ok.
type ConnectionTuneOk struct {
	ChannelMax uint16
	FrameMax   uint32
	Heartbeat  uint16
}

// ID returns 10 and 31.
func (*ConnectionTuneOk) ID() (class, method uint16) { return 10, 31 }

func (m *ConnectionTuneOk) fields(c *codec) {
	c.short(&m.ChannelMax)
	c.long(&m.FrameMax)
	c.short(&m.Heartbeat)
}

// ConnectionOpen is the method connection.open.
type ConnectionOpen struct {
	VirtualHost string
}

// ID returns 10 and 40.
func (*ConnectionOpen) ID() (class, method uint16) { return 10, 40 }

func (m *ConnectionOpen) fields(c *codec) {
	c.shortstr(&m.VirtualHost)
	c.reserved()
	c.bits()
}

// ConnectionOpenOk is the method connection.open-ok.
type ConnectionOpenOk struct{}

// ID returns 10 and 41.
func (*ConnectionOpenOk) ID() (class, method uint16) { return 10, 41 }

func (*ConnectionOpenOk) fields(c *codec) { c.reserved() }

// ConnectionClose is the method connection.close.
type ConnectionClose struct {
	ReplyCode         uint16
	ReplyText         string
	ClassID, MethodID uint16
}

// ID returns 10 and 50.
func (*ConnectionClose) ID() (class, method uint16) { return 10, 50 }

func (m *ConnectionClose) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.shortstr(&m.ReplyText)
	c.short(&m.ClassID)
	c.short(&m.MethodID)
}

// ConnectionCloseOk is the method connection.close-ok.
type ConnectionCloseOk struct{}

// ID returns 10 and 51.
func (*ConnectionCloseOk) ID() (class, method uint16) { return 10, 51 }

func (*ConnectionCloseOk) fields(*codec) {}

// ConnectionBlocked is the method connection.blocked.
type ConnectionBlocked struct {
	Reason string
}

// ID returns 10 and 60.
func (*ConnectionBlocked) ID() (class, method uint16) { return 10, 60 }

func (m *ConnectionBlocked) fields(c *codec) { c.shortstr(&m.Reason) }

// ConnectionUnblocked is the method connection.unblocked.
type ConnectionUnblocked struct{}

// ID returns 10 and 61.
func (*ConnectionUnblocked) ID() (class, method uint16) { return 10, 61 }

func (*ConnectionUnblocked) fields(*codec) {}

// ConnectionUpdateSecret is the method connection.update-secret.
type ConnectionUpdateSecret struct {
	NewSecret, Reason string
}

// ID returns 10 and 70.
func (*ConnectionUpdateSecret) ID() (class, method uint16) { return 10, 70 }

func (m *ConnectionUpdateSecret) fields(c *codec) {
	c.longstr(&m.NewSecret)
	c.shortstr(&m.Reason)
}

// ConnectionUpdateSecretOk is the method connection.update-secret-ok.
type ConnectionUpdateSecretOk struct{}

// ID returns 10 and 71.
func (*ConnectionUpdateSecretOk) ID() (class, method uint16) { return 10, 71 }

func (*ConnectionUpdateSecretOk) fields(*codec) {}
