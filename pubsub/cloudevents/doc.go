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
// Attributes are sent with the prefix "cloudEvents:", which is that of the
// binding 1.0.2, and the only one that the SDKs for Go and Java read. Read are
// also "cloudEvents_", which later drafts allow and the SDK for .NET writes,
// and what Knative's RabbitMQ broker has instead: attributes without a prefix,
// or with "ce-".
//
// Booleans and bytes are sent as such, integers as AMQP's long, all else as
// strings; a time too, because AMQP 0-9-1 has whole seconds only. Each is read
// in its own type, and known attributes also as strings. An extension that is a
// string stays one: only the program knows what it is, and package types of the
// SDK converts it.
//
// In structured mode the format is JSON. White space between the values of
// data in JSON is not kept, nor are types that JSON lacks: bytes, URIs and times
// among the extensions come back as strings.
//
// See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md.
package cloudevents
