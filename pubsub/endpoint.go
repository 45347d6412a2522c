package pubsub

// Endpoint is the messaging system that an [Adapter] speaks to, as traces and
// metrics name it.
type Endpoint struct {
	// System is the system's short name in lower case: "rabbitmq", "nats" or
	// "memory", for instance. Where OpenTelemetry has a name, it is that: see
	// messaging.system.name in its semantic conventions. Empty is unknown.
	System string

	// Address is the host's name or IP address, or the path of a socket. It is
	// empty where there is none, or where it is one of several.
	Address string

	// Port is the TCP port; 0 is none.
	Port int
}

// Endpointer is for an [Adapter] that can tell its [Endpoint].
type Endpointer interface {
	// Endpoint returns what the adapter was opened with. It does no I/O and is
	// safe for concurrent use.
	Endpoint() Endpoint
}

// Endpoint tells which system b speaks to; it is the zero value if the adapter
// is no [Endpointer].
func (b *Broker) Endpoint() Endpoint {
	if e, ok := b.adapter.(Endpointer); ok {
		return e.Endpoint()
	}
	return Endpoint{}
}
