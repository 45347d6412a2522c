package nats

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

// notice is what connections tell all others.
type notice struct {
	Queue  string // its incarnation
	Leader string `json:",omitempty"` // who leads it now; empty if nobody does
	Before string `json:",omitempty"` // who did before
	Needed bool   `json:",omitempty"` // somebody has to
	Again  bool   `json:",omitempty"` // the leader was cut off: deliveries may be lost
	Gone   bool   `json:",omitempty"` // the queue is deleted
	To     string `json:",omitempty"` // the connection that it is for; empty for all
}

func (t *control) tell(n *notice) {
	b, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("nats: encode a notice: %v", err)) // it has nothing that JSON hasn't
	}
	t.conn.nc.Publish(t.conn.names.noticeSubject(), b)
}

// notice hears of a change of leadership.
func (t *control) notice(m *nats.Msg) {
	var n notice
	if err := json.Unmarshal(m.Data, &n); err != nil || n.Leader == t.conn.id || n.Before == t.conn.id || n.To != "" && n.To != t.conn.id {
		return
	}
	t.conn.leaderChanged(&n)
}
