package receive

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
)

// jsonMessage is a message in the format json. The names are a promise of the help
// text.
type jsonMessage struct {
	Exchange        string         `json:"exchange"`
	RoutingKey      string         `json:"routing_key"`
	Redelivered     bool           `json:"redelivered"`
	Headers         map[string]any `json:"headers,omitempty"`
	ContentType     string         `json:"content_type,omitempty"`
	ContentEncoding string         `json:"content_encoding,omitempty"`
	DeliveryMode    uint8          `json:"delivery_mode,omitempty"`
	Priority        uint8          `json:"priority,omitempty"`
	CorrelationID   string         `json:"correlation_id,omitempty"`
	ReplyTo         string         `json:"reply_to,omitempty"`
	Expiration      *int64         `json:"expiration_ms,omitempty"`
	MessageID       string         `json:"message_id,omitempty"`
	Timestamp       *time.Time     `json:"timestamp,omitempty"`
	Type            string         `json:"type,omitempty"`
	UserID          string         `json:"user_id,omitempty"`
	AppID           string         `json:"app_id,omitempty"`
	Body            *string        `json:"body,omitempty"`
	BodyBase64      []byte         `json:"body_base64,omitempty"`
}

func appendJSON(line []byte, d *pubsub.Delivery) ([]byte, error) {
	m := jsonMessage{
		Exchange:        d.Exchange,
		RoutingKey:      d.RoutingKey,
		Redelivered:     d.Redelivered,
		Headers:         jsonTable(d.Headers),
		ContentType:     d.ContentType,
		ContentEncoding: d.ContentEncoding,
		DeliveryMode:    uint8(d.DeliveryMode),
		Priority:        d.Priority,
		CorrelationID:   d.CorrelationID,
		ReplyTo:         d.ReplyTo,
		MessageID:       d.MessageID,
		Type:            d.Type,
		UserID:          d.UserID,
		AppID:           d.AppID,
	}
	if d.Expiration != nil {
		ms := d.Expiration.Milliseconds()
		m.Expiration = &ms
	}
	if !d.Timestamp.IsZero() {
		m.Timestamp = &d.Timestamp
	}
	if utf8.Valid(d.Body) {
		body := string(d.Body)
		m.Body = &body
	} else {
		m.BodyBase64 = d.Body
	}
	object, err := marshal(m)
	return append(line, object...), err
}

// marshal returns v as JSON on one line.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write a message as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// jsonTable is t with values that JSON has.
func jsonTable(t pubsub.Table) map[string]any {
	m := make(map[string]any, len(t))
	for name, v := range t {
		m[name] = jsonValue(v)
	}
	return m
}

func jsonValue(v any) any {
	switch v := v.(type) {
	case pubsub.Table:
		return jsonTable(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = jsonValue(v[i])
		}
		return list
	case string:
		if !utf8.ValidString(v) {
			return jsonBytes([]byte(v))
		}
	case []byte:
		return jsonBytes(v)
	case float32:
		return jsonFloat(v, float64(v))
	case float64:
		return jsonFloat(v, v)
	case time.Time:
		return v.UTC().Format(time.RFC3339) // a year beyond 9999 too, which json refuses
	case pubsub.Decimal:
		return json.Number(decimal(v))
	}
	return v
}

func jsonBytes(b []byte) any {
	return map[string]string{"base64": base64.StdEncoding.EncodeToString(b)}
}

// jsonFloat is v, or its name where JSON has no number for it.
func jsonFloat(v any, f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Sprint(f)
	}
	return v
}

// decimal writes d as a decimal number, exactly.
func decimal(d pubsub.Decimal) string {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	return new(big.Rat).SetFrac(big.NewInt(int64(d.Value)), scale).FloatString(int(d.Scale))
}
