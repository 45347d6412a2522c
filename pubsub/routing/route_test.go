package routing

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestRouteErrors(t *testing.T) {
	x := vhost(t, "in fanout internal\nin -> q\nout fanout\nout -> in")
	_, err := x.Route(&Request{Exchange: "nope"}, nil)
	expectErr(t, "publish to a missing exchange", err, pubsub.ErrNotFound, "no exchange 'nope'")
	_, err = x.Route(&Request{Exchange: "in"}, nil)
	expectErr(t, "publish to an internal exchange", err, pubsub.ErrAccessRefused, "cannot publish to internal exchange 'in'")
	expect(t, x, &Request{Exchange: "out"}, "q")
	expect(t, x, &Request{Exchange: "in", Dead: true}, "q")
}

func TestRouteByName(t *testing.T) {
	x := New[string]().AddQueue("a", "a").AddQueue("b", "b")
	expect(t, x, &Request{Key: "a"}, "a")
	expect(t, x, &Request{Key: "none"})
	expect(t, x, &Request{Key: "none", MoreKeys: []string{"b"}}, "b")
	expect(t, x, &Request{Key: "a", MoreKeys: []string{"b", "a", "b", "none"}}, "a", "b")
	expect(t, x.RemoveQueue("a"), &Request{Key: "a"})
}

// TestRoute lists topologies and what a message reaches in them. RabbitMQ
// 3.10.8 was asked wherever that is not plain.
func TestRoute(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		exchange    string
		keys        string // the first is the routing key
		want        string
	}{
		{"direct", "d direct\nd -> q k\nd -> r l\nd -> s k", "d", "k", "q s"},
		{"direct: no match", "d direct\nd -> q k", "d", "K", ""},
		{"direct: empty key", "d direct\nd -> q\nd -> r k", "d", "", "q"},
		{"fanout", "f fanout\nf -> q k\nf -> r\nf -> q l", "f", "any", "q r"},
		{"topic: one copy", "t topic\nt -> q #\nt -> q a.*\nt -> q *.b\nt -> r a.#", "t", "a.b", "q r"},
		{"headers: keys are ignored", "h headers\nh -> q k", "h", "other", "q"},
		{"more keys", "d direct\nd -> q k\nd -> r l\nd -> s m", "d", "none k l k", "q r"},
		{"more keys: topic", "t topic\nt -> q a.*\nt -> r b.#\nt -> q b.*", "t", "a.x b.x", "q r"},
		{"more keys: each hop tries all", "d direct\ne direct\nd -> e k\ne -> q l", "d", "k l", "q"},
		{"exchange to exchange", "f fanout\nd direct\nt topic\nf -> d\nd -> t a.b\nt -> q *.b\nf -> r", "f", "a.b", "q r"},
		{"cycle", "a fanout\nb fanout\na -> b\nb -> a\na -> q\nb -> r\nb -> q", "a", "", "q r"},
		{"self-binding", "a fanout\na -> a\na -> q", "a", "", "q"},
		{"diamond: one copy", "a fanout\nb fanout\nc fanout\nd fanout\na -> b\na -> c\nb -> d\nc -> d\nd -> q\nc -> q", "a", "", "q"},
		{"alternate", "d direct alternate=f\nf fanout\nd -> q k\nf -> r", "d", "other", "r"},
		{"alternate: not needed", "d direct alternate=f\nf fanout\nd -> q k\nf -> r", "d", "k", "q"},
		{"alternate: keeps the key", "t topic alternate=d\nd direct\nd -> q k", "t", "k", "q"},
		{"alternate: missing", "d direct alternate=none", "d", "k", ""},
		{"alternate: chain", "a direct alternate=b\nb direct alternate=c\nc fanout\nc -> q", "a", "k", "q"},
		{"alternate: cycle", "a direct alternate=b\nb direct alternate=a", "a", "k", ""},
		{"alternate: itself", "a direct alternate=a", "a", "k", ""},
		{"alternate: internal", "a direct alternate=i\ni fanout internal\ni -> q", "a", "k", "q"},
		{"alternate: of headers", "h headers alternate=f\nf fanout\nf -> q", "h", "k", "q"},
		{"alternate: of an empty fanout", "a fanout alternate=f\nf fanout\nf -> q", "a", "k", "q"},
		{"alternate: of an empty topic", "a topic alternate=f\nf fanout\nf -> q", "a", "k", "q"},
		{"alternate: one key is enough", "d direct alternate=f\nf fanout\nd -> q k\nf -> r", "d", "none k", "q"},
		{"alternate: at an exchange further on", "a fanout\nb direct alternate=f\nf fanout\na -> b\nf -> q", "a", "k", "q"},
		{"alternate: a further exchange is enough", "a fanout alternate=f\nb direct\nf fanout\na -> b\nf -> q", "a", "k", ""},
		{"alternate: itself is enough", "a fanout alternate=f\nf fanout\na -> a\nf -> q", "a", "k", ""},
		{"alternate: the way back is enough", "a fanout\nb fanout alternate=f\nf fanout\na -> b\nb -> a\nf -> q", "a", "k", ""},
		{"alternate: one copy", "a fanout\nb direct alternate=f\nf fanout\na -> b\na -> q\nf -> q", "a", "k", "q"},
		{"alternate: seen before", "a fanout\nb direct alternate=f\nf fanout\na -> f\na -> b\nf -> q", "a", "k", "q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys := strings.Split(c.keys, " ")
			expect(t, vhost(t, c.lines), &Request{Exchange: c.exchange, Key: keys[0], MoreKeys: keys[1:]}, strings.Fields(c.want)...)
		})
	}
}

// TestResultIsShared checks that a caller who appends to a result reaches
// neither the Table nor those made from it.
func TestResultIsShared(t *testing.T) {
	x := vhost(t, "f fanout\nf -> q0\nf -> q1\nf -> q2")
	r := &Request{Exchange: "f"}
	expect(t, x, r, "q0", "q1", "q2")
	y := vhostMore(t, x, "f -> q3")
	z := vhostMore(t, x, "f -> q4")
	for _, v := range []*Table[string]{x, y, z} {
		got, err := v.Route(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = append(got, "mine")
	}
	expect(t, x, r, "q0", "q1", "q2")
	expect(t, y, r, "q0", "q1", "q2", "q3")
	expect(t, z, r, "q0", "q1", "q2", "q4")
}
