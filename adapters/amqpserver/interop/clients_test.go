package interop

import (
	"testing"

	"github.com/gobindery/bindery/internal/debian"
)

// Clients in other languages, from Debian's packages: what they print of a
// conversation is the same on both. Only headers are sorted first.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, program, script string
		probe                 []string
		want                  []string
	}{
		{"amqp-tools", "/bin/sh", "amqp_tools.sh", []string{"/usr/bin/amqp-get", "--help"}, []string{
			"tools",
			"queue.declare: server channel error 406, message: PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'tools': received 'true' but current is 'false'",
			"failed: 1",
			"one", "two", "three",
			"failed: 2",
			"closing channel: server channel error 404, message: NOT_FOUND - no exchange 'nope'",
			"failed: 1",
			"basic.consume: server channel error 404, message: NOT_FOUND - no queue 'nope'",
			"failed: 1",
			"300000",
			"0",
		}},
		{"python3-kombu", debian.Python, "kombu_client.py", []string{debian.Python, "-c", "import kombu, amqp"}, []string{
			"consumed [{'n': 1, 's': 'é'}, {'n': 1, 's': 'é'}]",
			"got again [1, 2.5, None, {'y': True}] 3 50000",
			"purged 0",
			"returned [(312, 'NO_ROUTE', 'kombu', 'b')]",
			"406 PRECONDITION_FAILED - inequivalent arg 'durable'",
			"deleted 0",
			"simple {'hello': 'world'}",
		}},
		{"ruby-bunny", "/usr/bin/ruby", "bunny_client.rb", []string{"/usr/bin/ruby", "-e", "require 'bunny'"}, []string{
			"confirmed true",
			`["one", false, [["f", 2.5], ["l", ["a"]], ["n", 1], ["t", {"y"=>"z"}]]]`,
			`["one", true, [["f", 2.5], ["l", ["a"]], ["n", 1], ["t", {"y"=>"z"}]]]`,
			"c",
			`[312, "NO_ROUTE", "bunny", "b", "lost"]`,
			`"two"`, "3",
			`[[:content_type, "application/octet-stream"], [:correlation_id, "c"], [:delivery_mode, 2], [:expiration, "60000"], [:message_id, "m"], [:priority, 4], [:type, "t"]]`,
			"Bunny::PreconditionFailed: PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'bunny': received 'true' but current is 'false'",
			"Bunny::NotFound: NOT_FOUND - no queue 'nope'",
			"Bunny::AccessRefused: ACCESS_REFUSED - deletion of system exchange 'amq.direct' not allowed",
			"Bunny::AccessRefused: ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
			"0", "1",
			"deleted 1",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			debian.Need(t, c.name, c.probe...)
			both(t, func(t *testing.T, url string) {
				start(t, url, c.program, "testdata/clients/"+c.script).prints(c.want...).ends(0)
			})
		})
	}
}
