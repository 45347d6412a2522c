package routing

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Reason is a way in which a binding does not match.
type Reason string

const (
	OtherKey     Reason = "other key"      // direct: Want is the binding's key, Have the message's
	OtherWord    Reason = "other word"     // topic: the key has Have as its word number Word, the pattern wants Want there
	TooFewWords  Reason = "too few words"  // topic: the key has Words words, the pattern needs Needs
	TooManyWords Reason = "too many words" // topic: likewise
	NoWords      Reason = "no such words"  // topic: the words Want, between two "#", are not among Have, the words of the key from Word on
	NoHeader     Reason = "no header"      // headers: there is no header Header; the binding wants Want
	OtherHeader  Reason = "other header"   // headers: the header Header is Have, the binding wants Want
	NoneAsked    Reason = "none asked for" // headers: "any" of no headers matches nothing
	NoQueue      Reason = "no queue"       // default exchange: there is no queue with the name Key
)

// Miss is why a binding does not match a message, or one of its keys. Which
// fields are set depends on Reason.
type Miss struct {
	Reason Reason
	Key    string // the message's key; empty in a headers exchange

	Pattern string // topic: the binding's
	Word    int    // topic: the number of a word of the key, from 1
	Words   int    // topic: how many words the key has
	Needs   int    // topic: how many words the pattern needs, its "#" not counted

	Header     string // headers: the name
	Want, Have any    // strings but in a headers exchange; there a nil Want is for any value
}

// String says it in a line.
func (m Miss) String() string {
	switch m.Reason {
	case OtherKey:
		return fmt.Sprintf("the binding's key is %s, the message's %s", show(m.Want), show(m.Have))
	case OtherWord:
		return fmt.Sprintf("the %s word: pattern %s, key %s", ordinal(m.Word), show(m.Want), show(m.Have))
	case TooFewWords, TooManyWords:
		return fmt.Sprintf("%s: pattern %d, key %d", m.Reason, m.Needs, m.Words)
	case NoWords:
		return fmt.Sprintf("%s is not in the key from the %s word on", show(m.Want), ordinal(m.Word))
	case NoHeader:
		if m.Want == nil {
			return fmt.Sprintf("header %q is missing", m.Header)
		}
		return fmt.Sprintf("header %q is missing: wanted %s", m.Header, show(m.Want))
	case OtherHeader:
		return fmt.Sprintf("header %q: wanted %s, has %s", m.Header, show(m.Want), show(m.Have))
	case NoneAsked:
		return "it asks for any of no headers"
	case NoQueue:
		return fmt.Sprintf("there is no queue %q", m.Key)
	}
	return string(m.Reason)
}

// show writes a value as a program would: texts in quotes, numbers without.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []byte:
		return strconv.Quote(string(v))
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case nil:
		return "nothing"
	}
	return fmt.Sprint(v)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// explain says why a message with these headers does not get through: all that
// is missing or different. If it does, there are no misses, and the header that
// was enough is named, where one is.
func (a *arguments) explain(headers pubsub.Table) (by string, misses []Miss) {
	if a == nil {
		return "", nil
	}
	for _, e := range a.list[:a.wants] {
		v, ok := headers[e.name]
		switch {
		case !ok || e.name == bcc:
			misses = append(misses, Miss{Reason: NoHeader, Header: e.name, Want: e.value})
		case e.value != nil && !sameValue(e.value, v):
			misses = append(misses, Miss{Reason: OtherHeader, Header: e.name, Want: e.value, Have: v})
		case a.any:
			return e.name, nil
		}
	}
	if a.any && a.wants == 0 {
		misses = []Miss{{Reason: NoneAsked}}
	}
	return "", misses
}
