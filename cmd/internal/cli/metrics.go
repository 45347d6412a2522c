package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// metric is one figure. Its name ends with _total if it only grows.
type metric struct {
	name  string
	value any // an integer
	help  string
}

// WriteMetrics writes a server's figures in the text format of Prometheus.
// See https://prometheus.io/docs/instrumenting/exposition_formats.
func (s *AMQP) WriteMetrics(ctx context.Context, w io.Writer) error {
	n := s.Stats()
	alarm := 0
	if n.MemoryAlarm {
		alarm = 1
	}
	metrics := []metric{
		{"connections", n.Connections, "Clients that are connected."},
		{"channels", n.Channels, "Channels that are open."},
		{"consumers", n.Consumers, "Consumers on all channels."},
		{"connections_blocked", n.Blocked, "Connections whose publishes wait for memory."},
		{"memory_used_bytes", n.MemoryUsed, "The process's heap, garbage included."},
		{"memory_limit_bytes", s.MemoryLimit, "What of the heap may be in use until publishes wait; 0 is no limit."},
		{"memory_alarm", alarm, "Whether publishes wait for memory: 1 or 0."},
		{"connections_accepted_total", n.Accepted, "Connections that were served."},
		{"connections_turned_away_total", n.TurnedAway, "Connections that were more than --max-connections."},
		{"logins_failed_total", n.FailedLogins, "Wrong passwords."},
		{"messages_published_total", n.Published, "Messages that clients published."},
		{"messages_confirmed_total", n.Confirmed, "Published messages that a confirm said were taken."},
		{"messages_refused_total", n.Refused, "Published messages that a confirm said were not taken."},
		{"messages_returned_total", n.Returned, "Mandatory messages that no queue wanted."},
		{"messages_delivered_total", n.Delivered, "Messages sent to consumers, or as the answer to basic.get."},
		{"messages_acked_total", n.Acked, "Deliveries that clients acknowledged."},
		{"messages_requeued_total", n.Requeued, "Deliveries that clients put back."},
		{"messages_rejected_total", n.Rejected, "Deliveries that clients rejected for good."},
		{"received_bytes_total", n.BytesIn, "Bytes read from clients."},
		{"sent_bytes_total", n.BytesOut, "Bytes written to clients."},
	}
	if s.memory != nil {
		c := s.memory.Connect(nil)
		defer c.Close()
		t, err := c.Topology(ctx)
		if err != nil {
			return err
		}
		ready, unacked := 0, 0
		for _, q := range t.Queues {
			ready += q.Ready
			unacked += q.Unacked
		}
		metrics = append(metrics,
			metric{"queues", len(t.Queues), "Queues that there are."},
			metric{"queue_messages_ready", ready, "Messages that wait in queues."},
			metric{"queue_messages_unacked", unacked, "Messages that were delivered and not settled."},
		)
	}
	for _, m := range metrics {
		kind := "gauge"
		if strings.HasSuffix(m.name, "_total") {
			kind = "counter"
		}
		if _, err := fmt.Fprintf(w, "# HELP bindery_%[1]s %[2]s\n# TYPE bindery_%[1]s %[3]s\nbindery_%[1]s %[4]d\n", m.name, m.help, kind, m.value); err != nil {
			return err
		}
	}
	return nil
}
