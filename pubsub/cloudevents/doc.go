// Package cloudevents turns CloudEvents into messages and back, as the
// protocol binding for AMQP says, on every backend.
//
//	m, err := cloudevents.Binary(e)
//	err = b.Publish(ctx, "orders", "", m)
//	...
//	e, err := cloudevents.FromMessage(d.Message)
//
// Events are [event.Event] of the CloudEvents SDK for Go, versions 1.0 and 0.3.
//
// The binding is for AMQP 1.0; its application properties are headers here.
// Attributes have the prefix "cloudEvents:"; "cloudEvents_", which clients of
// JMS need, is read too. A time is sent as a string, because AMQP 0-9-1 has
// whole seconds only, and read in both forms.
// See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md.
package cloudevents
