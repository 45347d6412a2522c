package watermill

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

const (
	// handover is how many messages may wait in a subscription's channel.
	handover = 32

	// cleanup bounds what is sent to the broker at a subscription's end.
	cleanup = 5 * time.Second

	// The pause before a queue that is gone is declared again doubles from the
	// first to the last.
	firstPause, lastPause = 50 * time.Millisecond, 5 * time.Second
)

// subscription is one Subscribe.
//
// It ends in this order: nothing more is handed out; what nobody took from out
// goes back; out is closed, so that its reader ends; flights land, or return
// to their queue when the time is up; the consumer is closed.
type subscription struct {
	s      *Subscriber
	topic  string
	fields watermill.LogFields
	out    chan *message.Message

	settling context.Context // that of outcomes; has no end
	messages context.Context // that of messages; ends last
	cancel   context.CancelFunc
	going    context.Context // ends first
	stop     context.CancelFunc

	consumer  *pubsub.Consumer
	queue     string
	temporary bool // the queue goes with the subscription

	flights  chan *flight   // those in the order of out, to settler
	landing  sync.WaitGroup // the settler and those that wait for one flight
	giveUp   chan struct{}  // closed when flights shall wait no longer
	takeBack takeBack

	// handingOut is held for reading by a goroutine other than run that sends
	// to out.
	handingOut sync.RWMutex
}

func newSubscription(ctx context.Context, s *Subscriber, topic string) *subscription {
	sn := &subscription{
		s:       s,
		topic:   topic,
		fields:  watermill.LogFields{"topic": topic},
		flights: make(chan *flight, 8*handover),
		giveUp:  make(chan struct{}),
	}
	if s.config.StrictOrder {
		sn.out = make(chan *message.Message)
	} else {
		sn.out = make(chan *message.Message, handover)
	}
	sn.settling = context.WithoutCancel(ctx)
	sn.messages, sn.cancel = context.WithCancel(ctx)
	going, stop := context.WithCancel(ctx)
	release := context.AfterFunc(s.life, stop)
	sn.going, sn.stop = going, func() { stop(); release() }
	return sn
}

// open declares what the topic needs, and consumes its queue.
func (sn *subscription) open() error {
	m := sn.s.config.Mapping
	queue, err := m.declareQueue(sn.going, sn.s.b, sn.topic)
	sn.queue, sn.temporary = queue, m.queue(sn.topic).Name == ""
	var consumer *pubsub.Consumer
	if err == nil {
		consumer, err = sn.s.b.Consume(sn.going, queue, &sn.s.config.Consume)
	}
	if err != nil {
		sn.dropQueue()
		return err // sn.consumer stays the one that ended: run cancels it at the end
	}
	sn.consumer = consumer
	return nil
}

// dropQueue deletes a temporary queue.
func (sn *subscription) dropQueue() {
	if !sn.temporary || sn.queue == "" {
		return
	}
	ctx, cancel := context.WithTimeout(sn.settling, cleanup)
	defer cancel()
	if _, err := sn.s.b.DeleteQueue(ctx, sn.queue, nil); err != nil && !errors.Is(err, pubsub.ErrClosed) {
		sn.s.config.Logger.Error("Can't delete a temporary queue; it goes with its connection", err, sn.fields)
	}
}

func (sn *subscription) run() {
	var settler sync.WaitGroup
	settler.Go(sn.settle)
	for sn.handOut() && sn.reopen() {
	}
	sn.stop()

	ctx, cancel := context.WithTimeout(sn.settling, cleanup)
	if err := sn.consumer.Cancel(ctx); err != nil && !errors.Is(err, pubsub.ErrClosed) {
		sn.s.config.Logger.Debug("Can't cancel the consumer: "+err.Error(), sn.fields)
	}
	cancel()
	sn.handingOut.Lock()
	sn.takeBack.drain(sn.out)
	close(sn.out)
	sn.handingOut.Unlock()
	close(sn.flights)
	timeout := time.AfterFunc(sn.s.config.CloseTimeout, func() { close(sn.giveUp) })
	settler.Wait()
	sn.landing.Wait()
	timeout.Stop()
	sn.cancel()
	if err := sn.consumer.Close(); err != nil && !errors.Is(err, pubsub.ErrClosed) {
		sn.s.config.Logger.Debug("Can't close the consumer: "+err.Error(), sn.fields)
	}
	sn.dropQueue()
}

// handOut hands out messages until the subscription or the consumer ends, and
// reports whether it was the consumer.
func (sn *subscription) handOut() (again bool) {
	for {
		d, err := sn.consumer.Receive(sn.going)
		if err != nil {
			if sn.going.Err() != nil || errors.Is(err, pubsub.ErrClosed) {
				return false
			}
			sn.s.config.Logger.Error("The consumer ended; subscribing again", err, sn.fields)
			return true
		}
		f, ok := sn.newFlight(d)
		if !ok {
			continue
		}
		if sn.s.config.StrictOrder {
			if !sn.handOutStrictly(f) {
				return false
			}
			continue
		}
		select {
		case sn.out <- f.m:
			sn.flights <- f
			continue
		default: // cheaper than to select among two
		}
		select {
		case sn.out <- f.m:
			sn.flights <- f
		case <-sn.going.Done():
			f.settle(pubsub.Requeue)
			return false
		}
	}
}

// handOutStrictly hands out one message and waits until it is settled. It
// reports whether the subscription goes on.
func (sn *subscription) handOutStrictly(f *flight) bool {
	select {
	case sn.out <- f.m:
	case <-sn.going.Done():
		f.settle(pubsub.Requeue)
		return false
	}
	for {
		select {
		case <-f.m.Acked():
			f.settle(pubsub.Ack)
			return true
		case <-f.m.Nacked():
			next, ok := f.nacked()
			if !ok {
				return true
			}
			f = next
			select {
			case sn.out <- f.m:
			case <-sn.going.Done():
				f.settle(pubsub.Requeue)
				return false
			}
		case <-sn.going.Done():
			sn.flights <- f // it may land until the time is up
			return false
		}
	}
}

// reopen subscribes again, after the broker has ended the consumer, until that
// works. It reports whether the subscription goes on.
func (sn *subscription) reopen() bool {
	_ = sn.consumer.Close() // what it has not settled is back in its queue, or gone with that
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		select {
		case <-time.After(pause):
		case <-sn.going.Done():
			return false
		}
		err := sn.open()
		if err == nil {
			return true
		}
		if sn.going.Err() != nil || errors.Is(err, pubsub.ErrClosed) {
			return false
		}
		sn.s.config.Logger.Error("Can't subscribe again; trying on", err, sn.fields)
	}
}
