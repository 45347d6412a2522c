package rabbitmq

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// slowConn is a socket whose writes wait for leave and are counted.
type slowConn struct {
	net.Conn
	leave  chan struct{} // nil: no waiting
	begun  chan struct{} // gets something when a write begins to wait, if there is room
	writes atomic.Int64
}

func (c *slowConn) Write(p []byte) (int, error) {
	if c.leave != nil {
		select {
		case c.begun <- struct{}{}:
		default:
		}
		<-c.leave
	}
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// pipe is a mergeConn and the other end of its socket.
func pipe(t *testing.T, leave chan struct{}) (*mergeConn, *slowConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowConn{Conn: near, leave: leave, begun: make(chan struct{}, 1)}
	c := newMergeConn(slow)
	t.Cleanup(func() {
		far.Close()
		c.Close()
	})
	return c, slow, far
}

// fillSlow makes a write wait: what is written from then on is gathered.
func fillSlow(t *testing.T, c *mergeConn, slow *slowConn) {
	t.Helper()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-slow.begun
}

func TestMergeKeepsOrderAndMerges(t *testing.T) {
	leave := make(chan struct{}, 1)
	c, slow, far := pipe(t, leave)
	const n = 1000
	write := func(i uint64) {
		if k, err := c.Write(binary.BigEndian.AppendUint64(nil, i)); k != 8 || err != nil {
			t.Fatalf("wrote %d, error %v", k, err)
		}
	}
	write(0) // is under way while the others gather
	for i := uint64(1); i < n; i++ {
		write(i)
	}
	close(leave)
	for want := range uint64(n) {
		var b [8]byte
		if _, err := io.ReadFull(far, b[:]); err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint64(b[:]); got != want {
			t.Fatalf("read %d; want %d", got, want)
		}
	}
	if w := slow.writes.Load(); w > 2 {
		t.Errorf("%d writes to the socket; want 2", w)
	}
}

func TestMergeWritersAtOnce(t *testing.T) {
	c, _, far := pipe(t, nil)
	const writers, each = 16, 500
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if _, err := c.Write([]byte{byte(w), byte(i >> 8), byte(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next [writers]int
	for range writers * each {
		var b [3]byte
		if _, err := io.ReadFull(far, b[:]); err != nil {
			t.Fatal(err)
		}
		if i := int(b[1])<<8 | int(b[2]); i != next[b[0]] {
			t.Fatalf("writer %d: read %d; want %d", b[0], i, next[b[0]])
		}
		next[b[0]]++
	}
	wait.Wait()
}

// A peer that doesn't read fills the buffer: waitRoom waits within its context,
// and Write beyond the hard limit until the end.
func TestMergeIsBounded(t *testing.T) {
	leave := make(chan struct{})
	c, slow, far := pipe(t, leave)
	release := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(release) // before pipe's own clean-up, which waits for writes
	fillSlow(t, c, slow)
	chunk := make([]byte, softLimit)
	for c.buffered.Load() < hardLimit {
		if _, err := c.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.waitRoom(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waitRoom: %v; want the context's end", err)
	}
	written := make(chan error)
	go func() {
		_, err := c.Write([]byte("x"))
		written <- err
	}()
	select {
	case err := <-written:
		t.Fatalf("Write did not wait: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	go io.Copy(io.Discard, far)
	release()
	if err := <-written; err != nil {
		t.Error(err)
	}
	if err := c.waitRoom(t.Context()); err != nil {
		t.Error(err)
	}
}

// The reader's error ends a Write that waits, as heartbeats that stay away do.
func TestMergeReadErrorEndsWrite(t *testing.T) {
	leave := make(chan struct{})
	c, slow, _ := pipe(t, leave)
	fillSlow(t, c, slow)
	for c.buffered.Load() < hardLimit {
		c.Write(make([]byte, softLimit))
	}
	written := make(chan error)
	go func() {
		_, err := c.Write([]byte("x"))
		written <- err
	}()
	c.SetReadDeadline(time.Now())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v; want a timeout", err)
	}
	if err := <-written; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v; want the reader's error", err)
	}
	close(leave)
}

// The error of a write in the background is not lost: the next Write and Read
// tell it.
func TestMergeTellsWriteErrors(t *testing.T) {
	c, _, _ := pipe(t, nil)
	c.SetWriteDeadline(time.Now().Add(-time.Second))
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v; want the write's timeout", err)
	}
	if n, err := c.Write([]byte("y")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %d, %v; want the write's timeout", n, err)
	}
}

// Close writes what was taken before it.
func TestMergeCloseFlushes(t *testing.T) {
	leave := make(chan struct{}, 1)
	c, _, far := pipe(t, leave)
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	c.Write(want[:10])
	c.Write(want[10:])
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	close(leave)
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, error %v; want %d", len(got), err, len(want))
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v; want that it is closed", err)
	}
}

func TestMergeReadsAhead(t *testing.T) {
	c, _, far := pipe(t, nil)
	idle := 0
	c.idle = func() { idle++ }
	want := bytes.Repeat([]byte("abcdefg"), 30_000)
	go func() {
		far.Write(want)
		far.(*net.TCPConn).CloseWrite()
	}()
	var got []byte
	sizes := []int{1, 7, 4096, 100_000}
	reads := 0
	for {
		b := make([]byte, sizes[reads%len(sizes)])
		n, err := c.Read(b)
		reads++
		got = append(got, b[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("read %d bytes; want the %d that were written", len(got), len(want))
	}
	if idle != reads {
		t.Errorf("idle was called %d times in %d reads", idle, reads)
	}
}
