package nats

import (
	"context"
	"time"
)

// check looks in the background whether the consumer is there, and makes another
// one if it is not, or if again says so. Where another connection has taken the
// stream over, it calls lost.
func (f *feed) check(again bool) {
	f.mu.Lock()
	f.broken = f.broken || again
	if f.checking || f.consumer == "" {
		f.mu.Unlock()
		return
	}
	f.checking = true
	f.mu.Unlock()
	f.conn.running.Go(func() {
		ctx, cancel := f.conn.background()
		defer cancel()
		var err error
		for more := true; more; {
			err = f.recheck(ctx)
			f.mu.Lock()
			more = err == nil && f.broken // since then
			f.checking = more
			f.mu.Unlock()
		}
		switch {
		case err == nil:
			select {
			case <-time.After(checkPause):
			case <-ctx.Done():
			}
			f.want()
		case isCode(err, codeConsumerNotUnique, codeConsumerOverlaps, codeStreamNotFound):
			f.lost()
		case f.conn.ended.Load():
		default:
			f.conn.warn("a queue's messages can't be had; it is tried again", err, "stream", f.stream)
		}
	})
}

// checkPause is how long a feed waits before it asks again a consumer that is there but
// has not answered, as while its leader is elected.
const checkPause = 5 * time.Millisecond

func (f *feed) recheck(ctx context.Context) error {
	f.life.Lock()
	defer f.life.Unlock()
	f.mu.Lock()
	name, again := f.consumer, f.broken
	f.mu.Unlock()
	if name == "" {
		return nil
	}
	if again {
		if err := f.remove(ctx, name); err != nil {
			return err
		}
		return f.claim(ctx)
	}
	var info struct {
		Delivered struct {
			Sequence uint64 `json:"consumer_seq"`
		} `json:"delivered"`
	}
	err := f.conn.try(ctx, "look for the consumer of the stream "+f.stream, func(ctx context.Context) error {
		return f.conn.request(ctx, "CONSUMER.INFO."+f.stream+"."+name, nil, &info)
	})
	if isCode(err, codeConsumerNotFound) {
		return f.claim(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.consumer == name {
		f.sent = info.Delivered.Sequence
	}
	return err
}

// tend is called every second.
func (f *feed) tend() {
	f.mu.Lock()
	// What the server had sent then has come by now, or is lost with a connection: none that comes
	// after it may show the gap.
	f.broken = f.broken || f.sequence < f.sent
	quiet := f.broken || f.outstanding > 0 && time.Since(f.heard) > 3*pullHeartbeat
	f.mu.Unlock()
	if quiet {
		f.mu.Lock()
		f.outstanding = 0
		f.mu.Unlock()
		f.check(false)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	f.flush(ctx) // or the next time
	f.want()
}
