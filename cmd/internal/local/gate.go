package local

import "sync"

// gate is what publishes go through: it can hold them, and in the end turn
// them away.
type gate struct {
	mu      sync.RWMutex // held for reading while a publish goes through
	holding bool
	shut    bool
	changed chan struct{} // closed and replaced at a change
}

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// pass runs publish, once the gate lets it through. It reports false if it is
// shut.
func (g *gate) pass(publish func()) bool {
	for {
		g.mu.RLock()
		if g.shut {
			g.mu.RUnlock()
			return false
		}
		if !g.holding {
			publish()
			g.mu.RUnlock()
			return true
		}
		changed := g.changed
		g.mu.RUnlock()
		<-changed // whoever holds the gate opens or shuts it
	}
}

// set changes what the gate does, and returns once no publish is on its way
// through. Once shut, it stays so.
func (g *gate) set(holding, shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return
	}
	g.holding, g.shut = holding, shut
	close(g.changed)
	g.changed = make(chan struct{})
}
