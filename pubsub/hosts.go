package pubsub

import (
	"net/url"
	"strings"
)

// ParseURL reads the URL of a broker as [url.Parse] does, but its host may be a
// list, each with or without a port, as in nats://a:4222,b:4222/vhost: all of it is the
// Host of the result. A URL that can't be read is [ErrInvalid], and the error
// doesn't show the password. It is for adapters; see also [Scheme].
func ParseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err == nil {
		return u, nil
	}
	if list := parseHosts(rawURL); list != nil {
		return list, nil
	}
	return nil, malformedURL(err)
}

// parseHosts reads a URL with several hosts. url.Parse takes them for one, and
// refuses what it takes for its port, as in a:4222,b. It returns nil for any other URL.
func parseHosts(rawURL string) *url.URL {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user := strings.LastIndexByte(rest[:end], '@') + 1 // the end of it
	hosts := rest[user:end]
	first, _, list := strings.Cut(hosts, ",")
	// An @ further on may end a password with a slash in it, of which this is a piece.
	if !ok || !list || user == 0 && strings.Contains(rawURL, "@") {
		return nil
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if u, err := url.Parse(scheme + "://" + host); err != nil || u.Host != host {
			return nil
		}
	}
	u, err := url.Parse(scheme + "://" + rest[:user] + first + rest[end:])
	if err != nil {
		return nil
	}
	u.Host = hosts
	return u
}
