package receive

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/gobindery/bindery/pubsub"
)

// output writes deliveries in one of the formats, each with its newline.
type output struct {
	w      *bufio.Writer
	format func(line []byte, d *pubsub.Delivery) ([]byte, error)
	line   []byte // space for one message
}

// outputSize is how much is written at once where messages come fast.
const outputSize = 64 << 10

func newOutput(w io.Writer, format string) *output {
	return &output{w: bufio.NewWriterSize(w, outputSize), format: map[string]func([]byte, *pubsub.Delivery) ([]byte, error){
		"body":    appendBody,
		"verbose": appendVerbose,
		"json":    appendJSON,
	}[format]}
}

// write writes d, perhaps not before flush.
func (o *output) write(d *pubsub.Delivery) (err error) {
	if o.line, err = o.format(o.line[:0], d); err != nil {
		return err
	}
	if _, err = o.w.Write(append(o.line, '\n')); err != nil {
		return writeError(err)
	}
	if cap(o.line) > outputSize { // else one long message would keep its space for ever
		o.line = nil
	}
	return nil
}

// flush returns once all is with the operating system.
func (o *output) flush() error {
	if err := o.w.Flush(); err != nil {
		return writeError(err)
	}
	return nil
}

func writeError(err error) error {
	return fmt.Errorf("standard output can't be written: %w; what wasn't written isn't acknowledged", err)
}

func appendBody(line []byte, d *pubsub.Delivery) ([]byte, error) {
	return append(line, d.Body...), nil
}

// appendVerbose quotes what comes from outside, so that it can't break the line
// or command a terminal.
func appendVerbose(line []byte, d *pubsub.Delivery) ([]byte, error) {
	line = append(line, "exchange="...)
	line = strconv.AppendQuote(line, d.Exchange)
	line = append(line, " key="...)
	line = strconv.AppendQuote(line, d.RoutingKey)
	line = append(line, " redelivered="...)
	line = strconv.AppendBool(line, d.Redelivered)
	line = append(line, " headers="...)
	headers, err := marshal(jsonTable(d.Headers))
	if err != nil {
		return nil, err
	}
	line = append(line, headers...)
	line = append(line, " body="...)
	return strconv.AppendQuote(line, string(d.Body)), nil
}
