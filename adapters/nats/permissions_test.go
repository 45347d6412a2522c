package nats_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// user is a NATS user and what it may do, as in a server's configuration.
type user struct {
	name               string
	publish, subscribe []string
	deny               string // publishing to this, of what it may
}

// permitted is a user with what docs/nats.md says that a client needs, for some vhosts.
func permitted(name string, vhosts ...string) user {
	u := user{name: name, publish: []string{"$JS.API.>", "$JS.ACK.>", "_INBOX.>"}, subscribe: []string{"_INBOX.>"}}
	for _, v := range vhosts {
		u.publish = append(u.publish, "mq."+v+".>", "$KV."+nats.BucketOf(v)+".>")
		u.subscribe = append(u.subscribe, "mq."+v+".>")
	}
	return u
}

func (u user) url(s *natstest.Server, vhost string) string {
	return fmt.Sprintf("nats://%s:hush@%s/%s", u.name, strings.TrimPrefix(s.URL(), "nats://"), vhost)
}

// users makes a server ask for one of some users.
func users(all ...user) natstest.Option {
	var b strings.Builder
	b.WriteString("authorization { users: [\n")
	for _, u := range all {
		fmt.Fprintf(&b, "{ user: %s, password: hush, permissions: { publish: { allow: %s, deny: %s }, subscribe: %s } }\n", u.name, subjects(u.publish...), subjects(cmp.Or(u.deny, "none")), subjects(u.subscribe...))
	}
	b.WriteString("] }")
	return natstest.Config(b.String())
}

// subjects is a list of them.
func subjects(all ...string) string { return `["` + strings.Join(all, `", "`) + `"]` }

// A user needs no more than docs/nats.md says.
func TestContractPermissions(t *testing.T) {
	var vhosts []string
	for i := range 200 {
		vhosts = append(vhosts, fmt.Sprint("world", i+1))
	}
	u := permitted("guest", vhosts...)
	s := natstest.RunServer(t, users(u), natstest.Config("max_payload: 8MB"))
	var worlds atomic.Int64
	pubsubtest.Run(t, func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
		url := u.url(s, fmt.Sprint("world", worlds.Add(1))) + "?ingress=1"
		return func(ctx context.Context) (pubsub.Adapter, error) {
			return nats.Open(ctx, url, &nats.Options{Logger: slog.New(&unpermitted{t: t})})
		}
	}, &pubsubtest.Options{Areas: []string{"exclusive", "requeue", "dead-letter", "publish"}})
}

// unpermitted is a log that fails a test when a permission is missing.
type unpermitted struct {
	slog.Handler
	t *testing.T
}

func (*unpermitted) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (u *unpermitted) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "permission") {
		r.Attrs(func(a slog.Attr) bool {
			u.t.Errorf("%s: %v", r.Message, a)
			return true
		})
	}
	return nil
}

// Without one of the permissions, a vhost can't be opened, and the error says which.
func TestPermissionMissing(t *testing.T) {
	full := permitted("full", "v")
	var lacking []user
	var want []string
	lack := func(u user, violation string) {
		u.name = fmt.Sprint("lacking", len(lacking))
		lacking = append(lacking, u)
		want = append(want, strings.TrimSuffix(violation, ">"))
	}
	without := func(subjects []string, i int) []string { return slices.Delete(slices.Clone(subjects), i, i+1) }
	for i, subject := range full.publish {
		lack(user{publish: without(full.publish, i), subscribe: full.subscribe}, `Publish to "`+subject)
	}
	for i, subject := range full.subscribe {
		lack(user{publish: full.publish, subscribe: without(full.subscribe, i)}, `Subscription to "`+subject)
	}
	for _, part := range []string{"mq.v.c.>", "mq.v.d.>", "mq.v.n", "mq.v.q.>", "mq.v.t.>", "$JS.API.CONSUMER.MSG.NEXT.>"} {
		lack(user{publish: full.publish, subscribe: full.subscribe, deny: part}, `Publish to "`+part)
	}
	want[slices.Index(full.publish, "mq.v.>")] = `Publish to "mq.v.`
	s := natstest.RunServer(t, users(append(lacking, full)...))
	for i, u := range lacking {
		t.Run(strings.ReplaceAll(want[i], " ", "_"), func(t *testing.T) {
			t.Parallel()
			openFails(t, u.url(s, "v"), pubsub.ErrAccessRefused, want[i])
		})
	}
}

// What a user may not do with single queues is refused when it is tried.
func TestPermissionMissingForQueue(t *testing.T) {
	full, lacking := permitted("full", "v"), permitted("lacking", "v")
	lacking.deny = `$JS.API.STREAM.CREATE.>", "mq.v.q.secret.>`
	s := natstest.RunServer(t, users(full, lacking))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, all := open(t, full.url(s, "v"))
	for _, q := range []string{"open", "secret"} {
		if _, err := all.DeclareQueue(ctx, pubsub.Queue{Name: q}); err != nil {
			t.Fatal(err)
		}
	}
	_, b := open(t, lacking.url(s, "v"))
	if err := b.Publish(ctx, "", "open", pubsub.Message{}); err != nil {
		t.Error(err)
	}
	refused := func(err error, text string) {
		t.Helper()
		if !errors.Is(err, pubsub.ErrAccessRefused) || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v; want one that wraps %q and says %q", err, pubsub.ErrAccessRefused, text)
		}
	}
	refused(b.Publish(ctx, "", "secret", pubsub.Message{}), `Publish to "mq.v.q.secret.`)
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "another"})
	refused(err, `Publish to "$JS.API.STREAM.CREATE.`)
}
