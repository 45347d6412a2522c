package pubsub

// CallError is what a server answers to a call that it can't serve: a handler
// of [Broker.Serve] returns one, and [Caller.Call] an error that wraps one with
// the same fields. Any other error of a handler arrives as one that has its
// text. A reply that carries it has the header "x-call-error".
type CallError struct {
	// Code is for programs, as "not-found". It may be empty.
	Code string

	// Text is for people.
	Text string
}

// Error returns the text, after the code if there is one.
func (e *CallError) Error() string {
	if e == nil { // a handler's nil *CallError is an error all the same
		return "<nil>"
	}
	if e.Code == "" {
		return e.Text
	}
	return e.Code + ": " + e.Text
}

// ErrorType returns the code, for the attribute error.type of OpenTelemetry.
func (e *CallError) ErrorType() string {
	if e == nil {
		return ""
	}
	return e.Code
}

const (
	callErrorHeader     = "x-call-error"      // the text
	callErrorCodeHeader = "x-call-error-code" // the code, if there is one
)

// message is the reply that carries e.
func (e *CallError) message() Message {
	m := Message{Headers: Table{callErrorHeader: e.Text}}
	if e.Code != "" {
		m.Headers[callErrorCodeHeader] = e.Code
	}
	return m
}

// callErrorOf returns the error that a reply carries, if any.
func callErrorOf(m *Message) error {
	text, ok := m.Headers[callErrorHeader].(string)
	if !ok {
		return nil
	}
	code, _ := m.Headers[callErrorCodeHeader].(string)
	return &CallError{Code: code, Text: text}
}
