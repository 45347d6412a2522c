package wire

import (
	"fmt"
	"strings"
)

// Reply codes, see the AMQP 0-9-1 specification, section 1.1.
const (
	ContentTooLarge    = 311
	NoRoute            = 312
	NoConsumers        = 313
	ConnectionForced   = 320
	InvalidPath        = 402
	AccessRefused      = 403
	NotFound           = 404
	ResourceLocked     = 405
	PreconditionFailed = 406
	FrameError         = 501
	SyntaxError        = 502
	CommandInvalid     = 503
	ChannelError       = 504
	UnexpectedFrame    = 505
	ResourceError      = 506
	NotAllowed         = 530
	NotImplemented     = 540
	InternalError      = 541
)

var codeNames = map[uint16]string{
	ContentTooLarge:    "CONTENT_TOO_LARGE",
	NoRoute:            "NO_ROUTE",
	NoConsumers:        "NO_CONSUMERS",
	ConnectionForced:   "CONNECTION_FORCED",
	InvalidPath:        "INVALID_PATH",
	AccessRefused:      "ACCESS_REFUSED",
	NotFound:           "NOT_FOUND",
	ResourceLocked:     "RESOURCE_LOCKED",
	PreconditionFailed: "PRECONDITION_FAILED",
	FrameError:         "FRAME_ERROR",
	SyntaxError:        "SYNTAX_ERROR",
	CommandInvalid:     "COMMAND_INVALID",
	ChannelError:       "CHANNEL_ERROR",
	UnexpectedFrame:    "UNEXPECTED_FRAME",
	ResourceError:      "RESOURCE_ERROR",
	NotAllowed:         "NOT_ALLOWED",
	NotImplemented:     "NOT_IMPLEMENTED",
	InternalError:      "INTERNAL_ERROR",
}

// Error is why a channel or a connection is closed: what channel.close and
// connection.close carry.
type Error struct {
	Code   uint16
	Text   string // as RabbitMQ's: "NOT_FOUND - no queue 'q' in vhost '/'"
	Class  uint16 // of the method that is at fault; zero if none is
	Method uint16
}

// Errorf makes an Error. Its text begins with the code's name, as RabbitMQ's
// texts do.
func Errorf(code uint16, format string, args ...any) *Error {
	text := codeNames[code] + " - " + fmt.Sprintf(format, args...)
	if len(text) > maxShortstr {
		text = strings.ToValidUTF8(text[:maxShortstr-3], "") + "..." // as RabbitMQ cuts it
	}
	return &Error{Code: code, Text: text}
}

// Of returns a copy of e that names the method at fault.
func (e *Error) Of(m Method) *Error {
	c := *e
	c.Class, c.Method = m.ID()
	return &c
}

// Soft reports whether the error closes the channel only.
func (e *Error) Soft() bool {
	return e.Code >= ContentTooLarge && e.Code <= NoConsumers || e.Code >= AccessRefused && e.Code <= PreconditionFailed
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s (class %d method %d)", e.Code, e.Text, e.Class, e.Method)
}

// shown is how many bytes of a broken frame an error's text shows.
const shown = 64

// octets shows bytes in the way in which RabbitMQ's texts do.
func octets(b []byte) string {
	more := ""
	if len(b) > shown {
		b, more = b[:shown], ",..."
	}
	printable := len(b) > 0
	for _, c := range b {
		printable = printable && c >= ' ' && c < 0x7f
	}
	if printable {
		return fmt.Sprintf("<<%q%s>>", b, more)
	}
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprint(&s, c)
	}
	return "<<" + s.String() + more + ">>"
}
