package nats

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
)

// names are the subjects, streams and buckets of one vhost.
type names struct {
	vhost  string
	prefix string // of its subjects
	bucket string // the key-value bucket of its topology
}

func namesOf(vhost string) names {
	plain := strings.Map(func(r rune) rune {
		if r < 128 && isPlain(byte(r)) {
			return r
		}
		return '_'
	}, vhost)
	if len(plain) > 64 {
		plain = plain[:64]
	}
	return names{vhost: vhost, prefix: "mq." + escape(vhost), bucket: "MQ_" + plain + "_" + hash(vhost)[:8]}
}

// bucketStream is the stream behind the bucket.
func (n *names) bucketStream() string { return "KV_" + n.bucket }

// keySubject is the subject of a key of the bucket.
func (n *names) keySubject(key string) string { return "$KV." + n.bucket + "." + key }

// queueSubject is where a queue's messages are stored. It has the incarnation in
// it, so that none gets into a queue of the same name that came later.
func (n *names) queueSubject(queue, incarnation string) string {
	return n.prefix + ".q." + escape(queue) + "." + incarnation
}

// queueStream is the stream of a queue's messages.
func (n *names) queueStream(queue, incarnation string) string {
	return "MQ_" + hash(n.vhost, queue, incarnation)
}

// tempSubject is where the messages for all exclusive queues of a connection
// are stored.
func (n *names) tempSubject(conn string) string { return n.prefix + ".t." + conn }

// tempStream is the stream of a connection's exclusive queues.
func (n *names) tempStream(conn string) string { return "MQT_" + hash(n.vhost, conn) }

// controlSubject is where a connection takes requests of others.
func (n *names) controlSubject(conn string) string { return n.prefix + ".c." + conn }

// deliverySubject is where a connection gets deliveries.
func (n *names) deliverySubject(conn string) string { return n.prefix + ".d." + conn }

// noticeSubject is where all connections hear of changes of leadership.
func (n *names) noticeSubject() string { return n.prefix + ".n" }

// escape makes one token of a subject, or a key, of any text: letters, digits,
// - and _ stay, every other byte is =HH. The empty text is "=".
func escape(s string) string {
	if s == "" {
		return "="
	}
	special := 0
	for i := range len(s) {
		if !isPlain(s[i]) {
			special++
		}
	}
	if special == 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*special)
	for i := range len(s) {
		if c := s[i]; isPlain(c) {
			b = append(b, c)
		} else {
			b = append(b, '=', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// unescape is the reverse of escape.
func unescape(s string) (text string, ok bool) {
	if s == "=" {
		return "", true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			b = append(b, s[i])
			continue
		}
		if len(s) < i+3 {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(n))
		i += 2
	}
	return string(b), true
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// hash is 32 characters that stand for texts.
func hash(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		h.Write([]byte(t))
		h.Write([]byte{0xff}) // no UTF-8: no two lists are alike
	}
	return base32.HexEncoding.EncodeToString(h.Sum(nil)[:20])
}
