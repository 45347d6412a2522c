package message

import (
	"fmt"
	"strings"
)

// plain are the bytes of a text that stand for themselves. None of them means
// anything in the form, in the query of a URL or at the end of a NATS header,
// and all of them are common in names and content types.
var plain = func() (set [256]bool) {
	for c := range set {
		set[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/*@$!", byte(c)) >= 0
	}
	return set
}()

// appendText appends s with every byte that isn't plain as %HH.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	done := 0
	for i := range len(s) {
		if c := s[i]; !plain[c] {
			b = append(b, s[done:i]...)
			b = append(b, '%', hex[c>>4], hex[c&15])
			done = i + 1
		}
	}
	return append(b, s[done:]...)
}

// parseText reads what appendText wrote. The text shares memory with s if
// nothing in it is escaped. It takes every byte for itself that needn't be
// escaped to be told from the form.
func parseText(s string) (string, error) {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = strings.IndexByte(s, '%') {
		b.WriteString(s[:i])
		if len(s) < i+3 {
			return "", fmt.Errorf("%q is no byte: it must be %% and two hexadecimal digits", s[i:])
		}
		high, low := digit(s[i+1]), digit(s[i+2])
		if high > 15 || low > 15 {
			return "", fmt.Errorf("%q is no byte: it must be %% and two hexadecimal digits", s[i:i+3])
		}
		b.WriteByte(high<<4 | low)
		s = s[i+3:]
	}
	b.WriteString(s)
	return b.String(), nil
}

// digit is the value of a hexadecimal digit, or more than 15 if c is none.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
