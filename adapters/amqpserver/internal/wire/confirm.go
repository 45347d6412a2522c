package wire

// The methods of class confirm.

// ConfirmSelect is the method confirm.select.
type ConfirmSelect struct {
	NoWait bool
}

// ID returns 85 and 10.
func (*ConfirmSelect) ID() (class, method uint16) { return 85, 10 }

func (m *ConfirmSelect) fields(c *codec) { c.bits(&m.NoWait) }

// ConfirmSelectOk is the method confirm.select-ok.
type ConfirmSelectOk struct{}

// ID returns 85 and 11.
func (*ConfirmSelectOk) ID() (class, method uint16) { return 85, 11 }

func (*ConfirmSelectOk) fields(*codec) {}
