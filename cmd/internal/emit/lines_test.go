package emit

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll returns what a lineReader makes of in. Each chunk must be whole lines.
func readAll(t *testing.T, in io.Reader, max int) (string, error) {
	t.Helper()
	l := readLines(in, max)
	defer l.stop()
	var all bytes.Buffer
	for c := range l.chunks {
		all.Write(c.data)
		if c.err != nil {
			return all.String(), c.err
		}
		if !bytes.HasSuffix(c.data, []byte("\n")) {
			t.Fatalf("chunk %.40q… doesn't end with a newline", c.data)
		}
		l.recycle(c.data)
	}
	return "", errors.New("not reached")
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*chunkSize)
	for _, text := range []string{
		"", "\n", "a", "a\n", "a\nb", "\n\n", long, long + "\n" + long, "a\n" + long + "\nb\n",
		strings.Repeat("x", chunkSize-1) + "\n" + "y\n", strings.Repeat("x", chunkSize) + "\n",
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"as it is":       func(r io.Reader) io.Reader { return r },
			"one byte":       iotest.OneByteReader,
			"data with EOF":  iotest.DataErrReader,
			"half of a read": iotest.HalfReader,
		} {
			got, err := readAll(t, reader(strings.NewReader(text)), maxLine)
			if got != text || err != io.EOF {
				t.Errorf("%s: %d bytes that begin with %.20q came as %d bytes, error %v", name, len(text), text, len(got), err)
			}
		}
	}
}

func TestLinesOfAllLengths(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var text []byte
		for range 200 {
			text = append(text, bytes.Repeat([]byte{'a' + byte(r.IntN(26))}, int(r.ExpFloat64()*2000))...)
			text = append(text, '\n')
		}
		in := &randomReader{r, bytes.NewReader(text)}
		if got, err := readAll(t, in, maxLine); got != string(text) || err != io.EOF {
			t.Fatalf("seed %d: %d bytes came as %d, error %v", seed, len(text), len(got), err)
		}
	}
}

// randomReader reads less than it is asked for, also nothing.
type randomReader struct {
	r  *rand.Rand
	in io.Reader
}

func (r *randomReader) Read(b []byte) (int, error) {
	return r.in.Read(b[:r.r.IntN(len(b)+1)])
}

func TestLineTooLong(t *testing.T) {
	got, err := readAll(t, strings.NewReader("short\n"+strings.Repeat("x", 4*chunkSize)), 2*chunkSize)
	if want := "it is longer than 131072 bytes, the longest message that RabbitMQ takes"; got != "short\n" || err == nil || err.Error() != want {
		t.Errorf("got %.20q and the error %v, want %q and %q", got, err, "short\n", want)
	}
}

func TestReaderThatFails(t *testing.T) {
	broken := errors.New("broken")
	got, err := readAll(t, io.MultiReader(strings.NewReader("one\nhal"), iotest.ErrReader(broken)), maxLine)
	if got != "one\n" || err != broken {
		t.Errorf("got %q and the error %v, want the whole lines and %v", got, err, broken)
	}
	if _, err := readAll(t, idleReader{}, maxLine); err != io.ErrNoProgress {
		t.Errorf("a reader that reads nothing: got %v, want %v", err, io.ErrNoProgress)
	}
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }
