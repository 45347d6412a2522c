package nats

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
	"github.com/gobindery/bindery/pubsub/routing"
)

// route returns the queues for a publication.
func (out *outgoing) route(table *routing.Table[*queue], space []*queue) ([]*queue, error) {
	pub := out.pub
	r := routing.Request{Exchange: pub.Exchange, Key: pub.RoutingKey, MoreKeys: pub.MoreKeys, Headers: pub.Headers, Dead: out.dead != ""}
	queues, err := table.Route(&r, space)
	if err != nil {
		return nil, err
	}
	if out.dead != "" && out.dead != classic.Rejected {
		var rest []*queue
		for _, q := range queues {
			if !classic.WentRound(pub.Headers, q.name()) {
				rest = append(rest, q)
			}
		}
		return rest, nil
	}
	if len(queues) == 0 && pub.Mandatory {
		return nil, fmt.Errorf("%w: NO_ROUTE: no queue matches", pubsub.ErrUnroutable)
	}
	return queues, nil
}

// copies makes one copy for each store of the queues.
func (p *publisher) copies(out *outgoing, queues []*queue) {
	owned := p.owned[:0]
	for _, q := range queues {
		if q.record.Owner == "" {
			p.copy(out, q, "")
		} else if len(queues) == 1 || q.refuses() {
			p.copy(out, q, strconv.Itoa(q.record.Number))
		} else {
			owned = append(owned, q)
		}
	}
	p.owned = owned
	slices.SortFunc(owned, func(a, b *queue) int {
		return cmp.Or(cmp.Compare(a.record.Owner, b.record.Owner), cmp.Compare(a.record.Number, b.record.Number))
	})
	for len(owned) > 0 {
		first := owned[0]
		numbers := p.numbers[:0]
		for len(owned) > 0 && owned[0].record.Owner == first.record.Owner {
			numbers = append(numbers, uint64(owned[0].record.Number))
			owned = owned[1:]
		}
		p.copy(out, first, formatRanges(numbers))
		p.numbers = numbers
	}
	clear(p.owned)
}

// copy makes one copy. To is the numbers of exclusive queues.
func (p *publisher) copy(out *outgoing, q *queue, to string) {
	s := &out.first
	if s.queue != nil {
		s = new(sending)
	}
	p.token++
	*s = sending{out: out, queue: q, token: p.token, to: to, id: out.id}
	switch {
	case s.id == "":
		s.id = messageID(p.conn.id, s.token)
	case to != "":
		s.id += "." + to // there may be more copies in this store
	}
	p.batch = append(p.batch, s)
}

// messageID is the id of a copy of a message, the same whenever it is sent.
func messageID(conn string, token uint64) string {
	b := make([]byte, 0, len(conn)+16)
	b = append(append(b, conn...), '.')
	return string(strconv.AppendUint(b, token, 36))
}
