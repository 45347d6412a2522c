package wire

// The methods of class access.

// AccessRequest is the method access.request.
type AccessRequest struct {
	Realm                                   string
	Exclusive, Passive, Active, Write, Read bool
}

// ID returns 30 and 10.
func (*AccessRequest) ID() (class, method uint16) { return 30, 10 }

func (m *AccessRequest) fields(c *codec) {
	c.shortstr(&m.Realm)
	c.bits(&m.Exclusive, &m.Passive, &m.Active, &m.Write, &m.Read)
}

// AccessRequestOk is the method access.request-ok.
type AccessRequestOk struct {
	Ticket uint16
}

// ID returns 30 and 11.
func (*AccessRequestOk) ID() (class, method uint16) { return 30, 11 }

func (m *AccessRequestOk) fields(c *codec) { c.short(&m.Ticket) }
