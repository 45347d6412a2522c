package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// writeTimeout is how long a browser may take to read an event.
	writeTimeout = 30 * time.Second
	// quiet is the time without news until a line goes out, to find out whether
	// the browser is still there.
	quiet = 15 * time.Second
)

// events sends a viewer what it asks to see, as server-sent events, and then
// only what changes:
//
//	view    what there is to see, without counts
//	counts  of queues in the view, by name, and in total
//	broker  why it can't be asked, or nothing
//
// See https://html.spec.whatwg.org/multipage/server-sent-events.html.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	wanted, err := parseRequest(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v := p.watch.join()
	defer v.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: w, control: http.NewResponseController(w), wanted: wanted}
	_ = s.control.SetReadDeadline(time.Time{}) // that of a request; this stream lasts longer
	if s.write([]byte("retry: 1000\n\n")) != nil {
		return
	}
	beat := time.NewTicker(quiet)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-v.news:
			err = s.tell(v.state())
		case <-beat.C:
			err = s.write([]byte(": nothing new\n\n"))
		case <-r.Context().Done():
			return
		case <-p.ending:
			return
		}
		if err != nil {
			return // the browser has gone
		}
	}
}

// stream is what one viewer has been told.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	wanted  request

	told   bool // whether the broker can be asked
	broken string
	of     *structure
	view   *view
	sent   []byte // the view
	counts map[string]count
	totals count
}

// tell sends what differs from what was told before.
func (s *stream) tell(now state) error {
	var out bytes.Buffer
	broken := ""
	if now.broken != nil {
		broken = now.broken.Error()
	}
	if !s.told || broken != s.broken {
		s.told, s.broken = true, broken
		if err := event(&out, "broker", map[string]string{"error": broken}); err != nil {
			return err
		}
	}
	if now.snapshot != nil {
		if err := s.tellView(&out, now.snapshot); err != nil {
			return err
		}
		if err := s.tellCounts(&out, now.snapshot); err != nil {
			return err
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return s.write(out.Bytes())
}

func (s *stream) tellView(out *bytes.Buffer, now *snapshot) error {
	if s.of == now.structure {
		return nil
	}
	s.of, s.view = now.structure, now.look(s.wanted)
	text, err := json.Marshal(s.view)
	if err != nil {
		return err
	}
	if bytes.Equal(text, s.sent) {
		return nil
	}
	s.sent, s.counts = text, nil
	fmt.Fprintf(out, "event: view\ndata: %s\n\n", text)
	return nil
}

func (s *stream) tellCounts(out *bytes.Buffer, now *snapshot) error {
	changed, first := map[string]count{}, s.counts == nil
	counts := make(map[string]count, len(s.view.shown))
	for _, i := range s.view.shown {
		name := now.queues[i].Name
		counts[name] = now.counts[i]
		if was, ok := s.counts[name]; !ok || was != now.counts[i] {
			changed[name] = now.counts[i]
		}
	}
	if !first && len(changed) == 0 && s.totals == now.totals {
		return nil
	}
	s.counts, s.totals = counts, now.totals
	return event(out, "counts", struct {
		Queues map[string]count `json:"queues"`
		Totals count            `json:"totals"`
	}{changed, now.totals})
}

func event(out *bytes.Buffer, name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "event: %s\ndata: %s\n\n", name, text)
	return nil
}

func (s *stream) write(text []byte) error {
	// Not every ResponseWriter has deadlines; those of a server do.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
