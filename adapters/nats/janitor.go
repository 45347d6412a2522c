package nats

import (
	"context"
	"time"
)

// Records of the bucket stay after what they tell of has ended. The janitor removes them:
//
// First those that mean nothing any more, as bindings of a deleted queue, and the
// exchanges that went along with something. Then the records that tell of what was deleted,
// which others may not have read yet. What these are up to is written before they go: a view
// that is behind that, or that is being read meanwhile, is made anew (see view.stale).
//
// A record is purged up to its own revision, so that a new one under its key stays.

// clean removes records that have had their time, and then says what is removed and who
// the suspects are now.
func (c *Conn) clean(ctx context.Context, suspects []string) error {
	t := c.topology
	w, err := t.waste(ctx)
	if err != nil {
		return err
	}
	for key, revision := range w.inert {
		if err := c.purgeKey(ctx, key, revision); err != nil {
			return err
		}
	}
	if len(w.gone) > 0 {
		err := t.change(ctx, func(v *view) (string, *record, error) {
			if v.forgotten >= w.forget {
				return "", nil, errNoChange
			}
			return forgottenKey, &record{Forgotten: w.forget}, nil
		})
		if err != nil {
			return err
		}
	}
	for key, revision := range w.gone {
		if err := c.purgeKey(ctx, key, revision); err != nil {
			return err
		}
	}
	return t.change(ctx, func(v *view) (string, *record, error) {
		if len(w.inert) == 0 && len(w.gone) == 0 && equalSets(v.swept.Suspects, suspects) {
			return "", nil, errNoChange
		}
		now := sweptRecord{Inert: max(v.swept.Inert, w.revision), Gone: max(v.swept.Gone, w.forget), Suspects: suspects}
		return sweptKey, &record{Swept: &now}, nil
	})
}

// waste is what is to be removed, as of a revision.
type waste struct {
	revision uint64
	inert    map[string]uint64 // revisions, by key
	gone     map[string]uint64
	forget   uint64 // the last revision in gone
}

// waste returns what is to be removed now.
func (t *topology) waste(ctx context.Context) (waste, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.syncLocked(ctx); err != nil {
		return waste{}, err
	}
	v := t.view
	w := waste{revision: v.revision, inert: make(map[string]uint64, len(v.inert)), gone: make(map[string]uint64)}
	for key, revision := range v.inert {
		w.inert[key] = revision
	}
	now := t.conn.serverTime()
	for _, g := range v.gone {
		if now.Sub(g.at) > t.forgetAfter {
			w.forget = max(w.forget, g.revision)
		}
	}
	// All up to that one, as sweptTo has it: another server's clock may be behind.
	for key, g := range v.gone {
		if g.revision <= w.forget {
			w.gone[key] = g.revision
		}
	}
	return w, nil
}

// sweptTo takes in what a janitor has removed.
func (v *view) sweptTo(r *sweptRecord) {
	v.swept = *r
	for key, revision := range v.inert {
		if revision <= r.Inert {
			delete(v.inert, key)
		}
	}
	for key, g := range v.gone {
		if g.revision <= r.Gone {
			delete(v.gone, key)
		}
	}
}

// purgeKey removes the record of a key, if it is of a revision or before.
func (c *Conn) purgeKey(ctx context.Context, key string, revision uint64) error {
	ask := struct {
		Filter string `json:"filter"`
		Before uint64 `json:"seq"`
	}{c.names.keySubject(key), revision + 1}
	return c.try(ctx, "remove a record that has had its time", func(ctx context.Context) error {
		return c.request(ctx, "STREAM.PURGE."+c.names.bucketStream(), ask, nil)
	})
}

// beginSweep reports whether it is this connection's turn to sweep, and who was not there
// the last time. Nobody else's turn is for a while after.
func (c *Conn) beginSweep(ctx context.Context) (mine bool, suspects map[string]bool, err error) {
	err = c.topology.change(ctx, func(v *view) (string, *record, error) {
		mine = time.Since(v.sweepBegun) >= sweepEvery*3/4
		if !mine {
			return "", nil, errNoChange
		}
		suspects = make(map[string]bool, len(v.swept.Suspects))
		for _, s := range v.swept.Suspects {
			suspects[s] = true
		}
		return sweepKey, &record{Sweep: &sweepRecord{Conn: c.id}}, nil
	})
	return mine && err == nil, suspects, err
}

// equalSets reports whether two lists without repetitions have the same elements.
func equalSets(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[string]bool, len(a))
	for _, s := range a {
		in[s] = true
	}
	for _, s := range b {
		if !in[s] {
			return false
		}
	}
	return true
}
