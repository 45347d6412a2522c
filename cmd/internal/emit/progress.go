package emit

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progressInterval is how often the progress line changes.
const progressInterval = 200 * time.Millisecond

// showProgress keeps a line on a terminal that tells how far s is, until stop
// is called, which wipes it.
func showProgress(terminal io.Writer, s *stream) (stop func()) {
	quit := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprint(terminal, "\r\x1b[K"+progress(s))
			case <-quit:
				fmt.Fprint(terminal, "\r\x1b[K")
				return
			}
		}
	})
	return func() {
		close(quit)
		shown.Wait()
	}
}

func progress(s *stream) string {
	confirmed := s.confirmed.Load() // first: it must not show more than were sent
	return fmt.Sprintf("%d lines sent, %d confirmed", s.sent.Load(), confirmed)
}
