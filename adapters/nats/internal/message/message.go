// Package message is how a message travels on NATS: its body as the payload,
// all the rest in one header, Bindery, which reads like the query of a URL:
//
//	Bindery: x=logs&k=kern.critical&ct=text/plain&dm=2&h.n=i32:5&h.source=web%20shop
//
// These are the fields. x and k are always there, the others where they are not
// empty. Their order means nothing. A field that a reader doesn't know it passes
// over, so that later versions can add some.
//
//	x      exchange                   id     message id
//	k      routing key                ts     timestamp, in seconds since 1970
//	ct     content type               type   type
//	ce     content encoding           uid    user id
//	dm     delivery mode, 1 or 2      app    app id
//	pri    priority                   given  pubsub.PropertyFlags, in decimal
//	cid    correlation id             bcc    a key of the header BCC; repeated for more
//	reply  reply-to                   h.NAME the header of that name
//	exp    expiration, in ms          h      alone: there are headers, but none is left
//
// A text stands as it is if it is made of letters, digits and "-_.~/*@$!". Every other
// byte is %HH. So whatever a text holds, the header is printable ASCII without spaces.
// Take fields and values apart first, and unescape the texts then.
//
// The value of a header is a text, which is a string, or has its type before it:
//
//	web%20shop             a string; the empty one is str:
//	nil:                   nil
//	bool:true              a bool
//	i8: i16: i32: i64:     a signed integer in decimal, as i32:-5
//	u8: u16: u32:          an unsigned one
//	f32: f64:              a float, the shortest decimal that gives the same bits: f64:0.1
//	dec:12345e-2           a pubsub.Decimal: Value, "e-", Scale
//	time:1700000000        a time, in seconds since 1970
//	b64:AQID               []byte, in base64 of the URL alphabet without padding
//	[a,i32:5]              []any
//	{a=web,b=i32:5}        pubsub.Table
//
// A reader takes a value of a type that it doesn't know for the string that is
// written there. Inside of headers, a nil table, list or byte slice arrives as an
// empty one, as in AMQP.
//
// The header BCC is not sent on, only its keys are: a message that is
// dead-lettered under its own key goes to them too. The keys of the header CC
// are read from it. See https://www.rabbitmq.com/docs/sender-selected.
package message

import "github.com/gobindery/bindery/pubsub"

// Header is the NATS header that holds a message's exchange, routing key,
// properties and headers. NATS tells upper from lower case in it.
const Header = "Bindery"

// The headers that hold further routing keys.
const (
	headerCC  = "CC"
	headerBCC = "BCC"
)

// carbonCopies returns the keys of the header CC.
func carbonCopies(headers pubsub.Table) []string {
	list, _ := headers[headerCC].([]any)
	if len(list) == 0 {
		return nil
	}
	keys := make([]string, 0, len(list))
	for _, k := range list {
		if s, ok := k.(string); ok {
			keys = append(keys, s)
		}
	}
	return keys
}
