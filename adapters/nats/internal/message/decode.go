package message

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// Decode returns the message that came with the headers h. A message without
// the header [Header] is some other NATS client's: it has the exchange "", the
// subject as its routing key, and h as its headers: strings, or lists of them
// where a name stands more than once.
//
// MoreKeys are those of the header CC, and of the header BCC that the message
// was published with. The message is the caller's. It shares the body, and
// memory with the strings in h. An error says what is wrong with h; such a
// message was made by no version of Encode.
func Decode(h nats.Header, subject string, body []byte) (*pubsub.Publication, error) {
	p := new(pubsub.Publication)
	p.Body = body
	var err error
	if values := h[Header]; len(values) > 0 {
		err = decode(values[0], p)
	} else {
		p.RoutingKey = subject
		err = foreign(h, p)
	}
	if err != nil {
		return nil, fmt.Errorf("read a message on subject %s: %w", clip(subject), err)
	}
	if len(p.Headers) > 0 {
		delete(p.Headers, headerBCC) // a person's: nobody may see it
		if cc := carbonCopies(p.Headers); len(cc) > 0 {
			p.MoreKeys = append(cc, p.MoreKeys...)
		}
	}
	return p, nil
}

// decode reads all fields of the header.
func decode(s string, p *pubsub.Publication) error {
	for s != "" {
		var field string
		field, s, _ = strings.Cut(s, "&")
		name, value, _ := strings.Cut(field, "=")
		if err := decodeField(p, name, value); err != nil {
			return fmt.Errorf("header %s, field %s: %w", Header, clip(field), err)
		}
	}
	return nil
}

func decodeField(p *pubsub.Publication, name, value string) (err error) {
	if text := textField(p, name); text != nil {
		*text, err = parseText(value)
		return err
	}
	if escaped, ok := strings.CutPrefix(name, "h."); ok {
		return decodeHeader(p, escaped, value)
	}
	var n int64
	switch name {
	case "h":
		if p.Headers == nil {
			p.Headers = pubsub.Table{}
		}
	case "bcc":
		var key string
		key, err = parseText(value)
		p.MoreKeys = append(p.MoreKeys, key)
	case "dm":
		n, err = parseNumber(value, int64(pubsub.Persistent))
		p.DeliveryMode = pubsub.DeliveryMode(n)
	case "pri":
		n, err = parseNumber(value, math.MaxUint8)
		p.Priority = uint8(n)
	case "exp":
		n, err = parseNumber(value, math.MaxInt64/int64(time.Millisecond))
		p.Expiration = new(time.Duration(n) * time.Millisecond)
	case "ts":
		n, err = strconv.ParseInt(value, 10, 64)
		p.Timestamp = time.Unix(n, 0).UTC()
	case "given":
		n, err = parseNumber(value, math.MaxUint16)
		p.Given = pubsub.PropertyFlags(n)
	}
	return err
}

// textField returns where the text of a field belongs, or nil if the field is no
// text or not known.
func textField(p *pubsub.Publication, name string) *string {
	switch name {
	case "x":
		return &p.Exchange
	case "k":
		return &p.RoutingKey
	case "ct":
		return &p.ContentType
	case "ce":
		return &p.ContentEncoding
	case "cid":
		return &p.CorrelationID
	case "reply":
		return &p.ReplyTo
	case "id":
		return &p.MessageID
	case "type":
		return &p.Type
	case "uid":
		return &p.UserID
	case "app":
		return &p.AppID
	}
	return nil
}

func decodeHeader(p *pubsub.Publication, escaped, value string) error {
	name, err := parseText(escaped)
	if err != nil {
		return err
	}
	v, err := parseValue(value)
	if err != nil {
		return err
	}
	return addHeader(p, name, v)
}

func addHeader(p *pubsub.Publication, name string, v any) error {
	if p.Headers == nil {
		p.Headers = pubsub.Table{}
	}
	p.Headers[name] = v
	if len(p.Headers) > maxEntries {
		return fmt.Errorf("there are more than %d headers", maxEntries)
	}
	return nil
}

// parseNumber reads a number from 0 to most.
func parseNumber(s string, most int64) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n < 0 || n > most) {
		err = fmt.Errorf("it must be from 0 to %d", most)
	}
	return n, err
}

// foreign takes over the headers of a message of another NATS client.
func foreign(h nats.Header, p *pubsub.Publication) error {
	for name, values := range h {
		list := make([]any, len(values))
		for i, s := range values {
			list[i] = s
		}
		var v any = list
		if len(list) == 1 {
			v = list[0]
		}
		if err := addHeader(p, name, v); err != nil {
			return err
		}
	}
	return nil
}

// clip puts s in quotes, short enough for a message.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:most]) + "…"
}
