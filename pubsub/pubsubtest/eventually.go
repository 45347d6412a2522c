package pubsubtest

import "time"

// eventually waits until look reports true, and ends the case if that does not
// come. saw is what it looked like, for the failure's message.
func (w *world) eventually(what string, look func() (saw any, ok bool)) {
	w.Helper()
	w.wait("%s", what)
	const longest = 50 * time.Millisecond
	pause := time.Millisecond
	for start := time.Now(); ; {
		saw, ok := look()
		if ok {
			return
		}
		if time.Since(start) > w.patience {
			w.Fatalf("waited %v for %s; saw %s", w.patience, what, show(saw))
		}
		select {
		case <-time.After(pause):
		case <-w.ctx.Done():
			w.Fatalf("the case's time is over, in the wait for %s; saw %s", what, show(saw))
		}
		pause = min(2*pause, longest)
	}
}

// unhurried runs a part of a case that has to keep pace with a time, as
// one that uses a queue again and again before it expires. do returns false if
// the machine was too slow for the time, so that what happened proves nothing;
// then it is run again with a longer one.
func (w *world) unhurried(what string, do func(limit time.Duration) (keptPace bool)) {
	w.Helper()
	for limit := 150 * time.Millisecond; limit < 5*time.Second; limit *= 3 {
		if do(limit) {
			return
		}
	}
	w.Fatalf("%s: this machine is too slow to tell", what)
}
