package rabbitmq

import (
	"maps"
	"sync"
	"sync/atomic"
)

// names knows by what name RabbitMQ has a queue now that it named itself. After
// a reconnect such a queue gets another name, because RabbitMQ refuses names
// that begin with "amq." from clients; the program goes on using the first.
//
// Few queues are renamed and every message looks here, so that the two maps
// are never changed, but replaced.
type names struct {
	mu   sync.Mutex // held while the maps are replaced
	maps atomic.Pointer[renamed]
}

type renamed struct {
	current map[string]string // by the first name
	first   map[string]string // by the current name
}

// current returns the name that RabbitMQ knows now.
func (n *names) current(first string) string {
	if m := n.maps.Load(); m != nil {
		if name, ok := m.current[first]; ok {
			return name
		}
	}
	return first
}

// first returns the name that the program knows.
func (n *names) first(current string) string {
	if m := n.maps.Load(); m != nil {
		if name, ok := m.first[current]; ok {
			return name
		}
	}
	return current
}

// rename notes that the queue which the program calls first has a new name.
func (n *names) rename(first, current string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.cloneLocked()
	delete(m.first, m.current[first])
	m.current[first] = current
	m.first[current] = first
	n.maps.Store(m)
}

// forget is for a queue that was deleted.
func (n *names) forget(first string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.maps.Load()
	if old == nil || old.current[first] == "" {
		return
	}
	m := n.cloneLocked()
	delete(m.first, m.current[first])
	delete(m.current, first)
	n.maps.Store(m)
}

func (n *names) cloneLocked() *renamed {
	if m := n.maps.Load(); m != nil {
		return &renamed{maps.Clone(m.current), maps.Clone(m.first)}
	}
	return &renamed{make(map[string]string), make(map[string]string)}
}
