package rabbitmqtest_test

import (
	"net/url"
	"testing"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

func TestVHost(t *testing.T) {
	t.Parallel()
	s := rabbitmqtest.Shared(t)
	if rabbitmqtest.Shared(t) != s {
		t.Error("Shared returned another server the second time")
	}
	var gone string
	t.Run("ümlaut/and spaces", func(t *testing.T) {
		a, b := s.VHost(t), s.VHost(t)
		if a == b {
			t.Fatalf("both virtual hosts are %s", a)
		}
		_, chA := dial(t, a, nil)
		_, chB := dial(t, b, nil)
		declare(t, chA, "q")
		if _, err := chB.QueueDeclarePassive("q", true, false, false, false, nil); err == nil {
			t.Error("the queue of one virtual host is in the other")
		}

		// Its user may list it through the management API, and not others.
		u, err := url.Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Management(within(t))
		if err != nil {
			t.Fatal(err)
		}
		c.Username = u.User.Username()
		c.Password, _ = u.User.Password()
		queues, err := c.ListQueuesIn(u.Path[1:])
		if err != nil || len(queues) != 1 || queues[0].Name != "q" {
			t.Errorf("list queues: got %v, %v", queues, err)
		}
		if _, err := c.ListQueuesIn("/"); err == nil {
			t.Error("the user of one virtual host sees another one")
		}
		gone = a
	})
	if conn, err := amqp091.Dial(gone); err == nil {
		conn.Close()
		t.Error("the virtual host or its user is still there after the test")
	}
	if err := s.DeleteVHost(within(t), gone); err != nil {
		t.Errorf("delete it again: %v", err)
	}
	if err := s.DeleteVHost(within(t), s.URL()); err == nil {
		t.Error("the server's default virtual host was deleted")
	}
}

func TestDropConnections(t *testing.T) {
	t.Parallel()
	s := rabbitmqtest.Shared(t)
	mine, other := s.VHost(t), s.VHost(t)
	_, bystander := dial(t, other, nil)
	// At once, although the list of connections lags behind.
	for range 3 {
		conn, _ := dial(t, mine, nil)
		closed := conn.NotifyClose(make(chan *amqp091.Error, 1))
		n, err := s.DropConnections(within(t), mine)
		if n != 1 || err != nil {
			t.Fatalf("got %d, %v, want 1", n, err)
		}
		select {
		case err := <-closed:
			if err == nil || err.Code != amqp091.ConnectionForced {
				t.Errorf("the connection was closed with %v", err)
			}
		case <-within(t).Done():
			t.Fatal("the connection was not closed")
		}
	}
	declare(t, bystander, "still works")
	if n, err := s.DropConnections(within(t), mine); n != 0 || err != nil {
		t.Errorf("without connections: got %d, %v", n, err)
	}
}
