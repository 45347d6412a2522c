package page

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy lets the page load and ask this server alone, run only its own files,
// and be shown in no other page. See https://www.w3.org/TR/CSP3.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard keeps other web pages out, which the user's browser would let send
// requests to this machine:
//
//   - DNS rebinding: a foreign page whose name is made to mean 127.0.0.1 would be
//     of the same origin. Its requests still carry the foreign name as their
//     Host, and are refused.
//   - Requests across origins carry the foreign Origin, and are refused; so are
//     those that Fetch Metadata calls cross-site.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !loopbackHost(r.Host) {
			http.Error(w, "this page is for this machine only; ask for it as http://127.0.0.1 or http://localhost, with its port", http.StatusMisdirectedRequest)
			return
		}
		if !sameOrigin(r) {
			http.Error(w, "another web page asks for this; open it in a tab of its own", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackHost reports whether a Host header names this machine by its loopback
// interface.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// sameOrigin reports whether a request comes from this page, or, where nothing
// is changed, from nobody's: an address that the user typed or clicked.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return origin == "http://"+r.Host
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	// A link to the page, as in a terminal's window or a chat.
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}
