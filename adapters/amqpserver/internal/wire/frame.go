package wire

import (
	"bufio"
	"encoding/binary"
	"io"
)

// The types of frames, see the AMQP 0-9-1 specification, section 4.2.3.
const (
	FrameMethod    = 1
	FrameHeader    = 2
	FrameBody      = 3
	FrameHeartbeat = 8
)

const (
	frameEnd = 0xCE

	// FrameOverhead is what a frame has beside its payload, in bytes. The
	// negotiated frame-max counts it.
	FrameOverhead = 8

	// FrameMin is the least frame-max that may be negotiated.
	FrameMin = 4096
)

// Frame is one frame as it came.
type Frame struct {
	Type    uint8
	Channel uint16
	Payload []byte // valid until the next frame is read
}

// Unexpected is the error of a frame that its channel has no use for.
func (f Frame) Unexpected() *Error {
	return Errorf(UnexpectedFrame, "type %d, all octets = %s", f.Type, octets(f.Payload))
}

// Reader reads frames. It is for one goroutine at a time.
type Reader struct {
	r   *bufio.Reader
	max uint32
	buf []byte
}

// NewReader returns a Reader that takes frames of up to max bytes, the
// overhead included.
func NewReader(r io.Reader, max uint32) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 32<<10), max: max}
}

// SetMax changes the largest size of a frame.
func (r *Reader) SetMax(max uint32) { r.max = max }

// Buffered returns how many bytes have come and were not read yet.
func (r *Reader) Buffered() int { return r.r.Buffered() }

// Full reads exactly len(b) bytes that are no frame: the protocol header.
func (r *Reader) Full(b []byte) error {
	_, err := io.ReadFull(r.r, b)
	return err
}

// Next reads one frame. An error is an [*Error] if what came is no frame, or
// the connection's. A frame that is too large is refused by its header alone:
// nothing is allocated for it.
func (r *Reader) Next() (Frame, error) {
	head, err := r.r.Peek(7)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	f := Frame{Type: head[0], Channel: binary.BigEndian.Uint16(head[1:])}
	size := binary.BigEndian.Uint32(head[3:])
	if size > r.max-FrameOverhead {
		return Frame{}, Errorf(FrameError, "type %d, all octets = <<>>: {frame_too_large,%d,%d}", f.Type, size, r.max-FrameOverhead)
	}
	r.r.Discard(7)
	b, err := r.read(int(size) + 1)
	if err != nil {
		return Frame{}, err
	}
	f.Payload = b[:size]
	if end := b[size]; end != frameEnd {
		return Frame{}, Errorf(FrameError, "type %d, all octets = %s: {invalid_frame_end_marker,%d}", f.Type, octets(f.Payload), end)
	}
	switch {
	case f.Type == FrameMethod && size >= 4, f.Type == FrameHeader && size >= 12, f.Type == FrameBody, f.Type == FrameHeartbeat && size == 0:
		return f, nil
	}
	return Frame{}, Errorf(FrameError, "type %d, all octets = %s: unknown_frame", f.Type, octets(f.Payload))
}

// read reads n bytes into the buffer. It grows with what has come: a frame's
// header alone takes no memory.
func (r *Reader) read(n int) ([]byte, error) {
	b := r.buf[:0]
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, max(2*len(b), FrameMin))), b...)
		}
		at := len(b)
		b = b[:min(n, cap(b))]
		if _, err := io.ReadFull(r.r, b[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		r.buf = b
	}
	return b, nil
}

// AppendHeartbeat appends a heartbeat frame.
func AppendHeartbeat(dst []byte) []byte {
	return append(dst, FrameHeartbeat, 0, 0, 0, 0, 0, 0, frameEnd)
}

// openFrame appends a frame's header. closeFrame writes its size.
func openFrame(dst []byte, typ uint8, channel uint16) []byte {
	return append(dst, typ, byte(channel>>8), byte(channel), 0, 0, 0, 0)
}

// closeFrame ends the frame that began at start.
func closeFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start+3:], uint32(len(dst)-start-7))
	return append(dst, frameEnd)
}
