package nats

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// A NATS user may be allowed some subjects only. What isn't allowed stays without an answer; all that
// is heard of it is an error that names the subject. Where that would do harm later (others
// would count as dead, acks would be lost), the subjects are tried when a connection is opened.

// violations are what the server has said that the user may not do.
type violations struct {
	mu   sync.Mutex
	n    int   // how many there were that may be why a request has no answer
	last error // of those
}

// violatedRegexp finds what isn't allowed in the server's error.
var violatedRegexp = regexp.MustCompile(`(Publish|Subscription) to "(.*?)"`)

// hearViolations has what the server says told to c, too.
func (c *Conn) hearViolations() {
	others := c.nc.ErrorHandler()
	c.nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			c.violated(err)
		}
		if others != nil {
			others(nc, sub, err)
		}
	})
}

// violated takes one violation.
func (c *Conn) violated(err error) {
	found := violatedRegexp.FindStringSubmatch(err.Error())
	if found == nil {
		return
	}
	subject := found[2]
	if found[1] == "Publish" {
		c.publisher.forbidden(subject, err)
		if !strings.HasPrefix(subject, c.api) && !strings.HasPrefix(subject, "$KV.") {
			return
		}
	}
	c.violations.mu.Lock()
	defer c.violations.mu.Unlock()
	c.violations.n++
	c.violations.last = err
}

// since returns how many violations there were, and if these are more than n, the last one: it
// may be why a request has no answer.
func (v *violations) since(n int) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.n > n {
		return v.n, v.last
	}
	return v.n, nil
}

// forbidden is the error of what failed by a violation.
func forbidden(what string, violation error) error {
	return fmt.Errorf("%w: %s: the NATS user lacks a permission: %w; docs/nats.md says what it needs", pubsub.ErrAccessRefused, what, violation)
}

// forbidden refuses what is on its way to a subject.
func (p *publisher) forbidden(subject string, violation error) {
	p.mu.Lock()
	var tokens []uint64
	for token, s := range p.sent {
		if s.queue.subject == subject && !s.queue.refuses() {
			tokens = append(tokens, token)
		}
	}
	p.mu.Unlock()
	for _, token := range tokens {
		p.resolve(token, forbidden("store a message", violation))
	}
}

// checkPermissions tries what a connection publishes to, on subjects that mean nothing to anybody,
// and hears of what it has subscribed to. One flush is for all: it names the last that isn't allowed.
func (c *Conn) checkPermissions(ctx context.Context) error {
	none := escape("") // the name of no queue, stream or connection
	for _, subject := range []string{
		c.names.queueSubject("", none), c.names.tempSubject(none),
		c.names.controlSubject(none), c.names.deliverySubject(none), c.names.noticeSubject(),
		c.publisher.inbox + none,
		"$JS.ACK." + none, c.api + "CONSUMER.MSG.NEXT." + none + "." + none,
	} {
		if err := c.nc.Publish(subject, nil); err != nil {
			return brokerError(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("%w: try what the NATS user may do: %w", pubsub.ErrUnavailable, err)
	}
	if err := c.nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return forbidden("open the vhost "+c.names.vhost, err)
	}
	return nil
}
