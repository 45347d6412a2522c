package wire

import (
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
	src  io.Reader
	max  uint32
	buf  []byte // what has come; it was read up to at
	at   int
	more bool // the last read filled buf
}

// What buf has room for, in bytes: a connection that is idle takes little
// memory, one that sends much takes few reads. A larger frame takes its size.
const (
	readSmall = 4 << 10
	readLarge = 32 << 10
)

// NewReader returns a Reader that takes frames of up to max bytes, the
// overhead included.
func NewReader(r io.Reader, max uint32) *Reader { return &Reader{src: r, max: max} }

// SetMax changes the largest size of a frame.
func (r *Reader) SetMax(max uint32) { r.max = max }

// Full reads exactly len(b) bytes that are no frame: the protocol header.
func (r *Reader) Full(b []byte) error {
	got, err := r.await(len(b))
	r.at += copy(b, got)
	return err
}

// Next reads one frame. An error is an [*Error] if what came is no frame, or
// the connection's. A frame that is too large is refused by its header alone:
// nothing is allocated for it.
func (r *Reader) Next() (Frame, error) {
	head, err := r.await(7)
	if err != nil {
		return Frame{}, err
	}
	f := Frame{Type: head[0], Channel: binary.BigEndian.Uint16(head[1:])}
	size := binary.BigEndian.Uint32(head[3:])
	if size > r.max-FrameOverhead {
		return Frame{}, Errorf(FrameError, "type %d, all octets = <<>>: {frame_too_large,%d,%d}", f.Type, size, r.max-FrameOverhead)
	}
	b, err := r.await(FrameOverhead + int(size))
	if err != nil {
		return Frame{}, err
	}
	r.at += len(b)
	f.Payload = b[7 : 7+size]
	if end := b[7+size]; end != frameEnd {
		return Frame{}, Errorf(FrameError, "type %d, all octets = %s: {invalid_frame_end_marker,%d}", f.Type, octets(f.Payload), end)
	}
	switch {
	case f.Type == FrameMethod && size >= 4, f.Type == FrameHeader && size >= 12, f.Type == FrameBody, f.Type == FrameHeartbeat && size == 0:
		return f, nil
	}
	return Frame{}, Errorf(FrameError, "type %d, all octets = %s: unknown_frame", f.Type, octets(f.Payload))
}

// await returns the next n bytes, which are not read by that, and are valid
// until the next call. The buffer grows with what has come: a frame's header
// alone takes no memory.
func (r *Reader) await(n int) ([]byte, error) {
	for len(r.buf)-r.at < n {
		rest, room := r.buf[r.at:], max(cap(r.buf), readSmall)
		if r.more {
			room = max(room, readLarge)
		}
		if len(rest) == room {
			room = min(n, 2*room)
		}
		if room > cap(r.buf) {
			r.buf = append(make([]byte, 0, room), rest...)
		} else {
			r.buf = r.buf[:copy(r.buf, rest)]
		}
		r.at = 0
		room = min(room, max(n, readLarge)) // what comes after a large frame has to be moved
		end := len(r.buf)
		got, err := r.src.Read(r.buf[end:room])
		r.buf = r.buf[:end+got]
		r.more = len(r.buf) == room
		switch {
		case err == nil || len(r.buf) >= n:
		case err == io.EOF && len(r.buf) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
	return r.buf[r.at : r.at+n], nil
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
