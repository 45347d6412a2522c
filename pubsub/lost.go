package pubsub

// LossTeller is for a [Subscription] that can tell whether a delivery is lost.
// [Consumer.Handle] then handles none that comes again anyway, and gives a
// message that failed no second copy.
type LossTeller interface {
	// Lost reports whether a delivery that nobody has settled is known to be
	// back in its queue, so that settling it would be [ErrDeliveryLost]. It
	// does not wait. It is not asked with AutoAck. Safe for concurrent use.
	Lost(tag uint64) bool
}

// lost reports whether a delivery of c is known to be back in its queue.
func (c *Consumer) lost(d *Delivery) bool { return c.losses != nil && c.losses.Lost(d.tag) }
