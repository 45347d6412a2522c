package emit

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// maxLine is the longest line that becomes a message: RabbitMQ takes no longer
// body. See max_message_size in https://www.rabbitmq.com/docs/configure.
const maxLine = 128 << 20

// chunkSize is how much of the input is read at a time.
const chunkSize = 64 << 10

// A chunk is some whole lines of the input, each with its newline, which only
// the very last one may lack. A chunk with an error is the last: io.EOF, or why
// no more can be read.
type chunk struct {
	data []byte
	err  error
}

// lineReader reads ahead in a goroutine of its own, so that its owner can wait for
// other things too while no line comes.
type lineReader struct {
	chunks  chan chunk
	spare   chan []byte // space of chunks that are done with
	quit    chan struct{}
	longest int // maxLine, but in tests
}

// readLines starts reading in. The owner calls stop when it wants no more.
func readLines(in io.Reader, longest int) *lineReader {
	l := &lineReader{
		chunks:  make(chan chunk, 1),
		spare:   make(chan []byte, 2),
		quit:    make(chan struct{}),
		longest: longest,
	}
	go l.run(in)
	return l
}

// stop ends the reading. It can't wait for the goroutine, which may be in a Read
// of standard input that nothing can interrupt; it ends when that returns,
// or with the process.
func (l *lineReader) stop() { close(l.quit) }

// recycle takes back the space of a chunk.
func (l *lineReader) recycle(data []byte) {
	select {
	case l.spare <- data:
	default:
	}
}

func (l *lineReader) space() []byte {
	select {
	case s := <-l.spare:
		if cap(s) <= 4*chunkSize { // else one long line would keep its space for ever
			return s[:0]
		}
	default:
	}
	return make([]byte, 0, chunkSize)
}

func (l *lineReader) run(in io.Reader) {
	buf := l.space()
	for {
		end, err := fill(in, &buf, l.longest)
		c := chunk{buf[:end], err}
		if err == io.EOF {
			c.data = buf
		}
		rest := buf[len(c.data):] // copied before the owner may hand back the space
		next := append(l.space(), rest...)
		select {
		case l.chunks <- c:
		case <-l.quit:
			return
		}
		if err != nil {
			return
		}
		buf = next
	}
}

// fill reads into *buf, which begins with the start of a line, until there is a
// whole line in it, and returns where the last whole line ends. A longer
// line than that many bytes is an error.
func fill(in io.Reader, buf *[]byte, longest int) (end int, err error) {
	b := *buf
	defer func() { *buf = b }()
	for empty := 0; ; {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(len(b), chunkSize))
		}
		had := len(b)
		n, err := in.Read(b[had:cap(b)])
		b = b[:had+n]
		if i := bytes.LastIndexByte(b[had:], '\n'); i >= 0 {
			end = had + i + 1
		}
		switch {
		case err != nil:
			return end, err
		case end > 0:
			return end, nil
		case len(b) > longest:
			return 0, fmt.Errorf("it is longer than %d bytes, the longest message that RabbitMQ takes", longest)
		case n > 0:
			empty = 0
		default:
			if empty++; empty == 100 {
				return 0, io.ErrNoProgress
			}
		}
	}
}
