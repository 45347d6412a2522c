package serve

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// get returns an answer by HTTP: its code and text.
func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// The figures tell what was done, and what the limits are; clients are told of
// the limits that concern them.
func TestMetrics(t *testing.T) {
	url, web, stop := startMonitored(t, "--metrics", "127.0.0.1:0",
		"--max-connections", "2", "--max-channels", "7", "--frame-max", "8KiB", "--memory-limit", "123MiB", "--handshake-timeout", "1m")
	conn, err := amqp.Dial(strings.Replace(url, "guest@", "guest:guest@", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.Config.ChannelMax != 7 || conn.Config.FrameSize != 8<<10 {
		t.Errorf("%d channels and frames of %d were agreed on", conn.Config.ChannelMax, conn.Config.FrameSize)
	}
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("q", false, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := ch.Publish("", "q", false, false, amqp.Publishing{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := ch.Get("q", false); err != nil || !ok {
		t.Fatal(ok, err)
	}
	code, text := get(t, web+"/metrics")
	for _, want := range []string{
		"# HELP bindery_connections Clients that are connected.\n# TYPE bindery_connections gauge\nbindery_connections 1\n",
		"# HELP bindery_messages_published_total Messages that clients published.\n# TYPE bindery_messages_published_total counter\nbindery_messages_published_total 3\n",
		"\nbindery_channels 1\n", "\nbindery_messages_delivered_total 1\n", "\nbindery_memory_alarm 0\n", "\nbindery_memory_limit_bytes 128974848\n",
		"\nbindery_queues 1\n", "\nbindery_queue_messages_ready 2\n", "\nbindery_queue_messages_unacked 1\n",
	} {
		if code != http.StatusOK || !strings.Contains("\n"+text, want) {
			t.Errorf("%d: %q is missing in\n%s", code, want, text)
		}
	}
	if code, text := get(t, web+"/healthz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("health: %d %q", code, text)
	}
	if code, _ := get(t, web+"/"); code != http.StatusNotFound {
		t.Errorf("/: %d", code)
	}
	if code := stop(); code != 0 {
		t.Errorf("serve exited with %d", code)
	}
}

// Where the broker behind can't be reached, health says so and why, without its
// password.
func TestUnhealthy(t *testing.T) {
	url, stopBroker := start(t)
	_, web, stop := startMonitored(t, "--metrics", "127.0.0.1:0", "-b", strings.Replace(url, "guest@", "guest:guest@", 1), "--log-level", "error")
	if code, text := get(t, web+"/healthz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("%d %q", code, text)
	}
	if code, text := get(t, web+"/metrics"); code != http.StatusOK || strings.Contains(text, "bindery_queues") {
		t.Errorf("%d: the queues of another broker are counted in\n%s", code, text)
	}
	if code := stopBroker(); code != 0 {
		t.Errorf("the broker exited with %d", code)
	}
	code, text := get(t, web+"/healthz")
	if code != http.StatusServiceUnavailable || !strings.Contains(text, "connection refused") || strings.Contains(text, "guest:guest") {
		t.Errorf("%d %q", code, text)
	}
	if code := stop(); code != 0 {
		t.Errorf("serve exited with %d", code)
	}
}
