package graph

import "strings"

// Texts are drawn in a font of fixed width, so that it is known how wide they
// are.

// cells is how many columns a text takes. Wide are the scripts of East Asia, and
// pictures.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cell(r)
	}
	return n
}

func cell(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0x1f000:
		return 2
	}
	return 1
}

// cut shortens a text in the middle, where names differ least: both their
// beginning and their end tell them apart.
func cut(s string, most int) string {
	if cells(s) <= most {
		return s
	}
	runes := []rune(s)
	head, tail := 0, len(runes)
	room := most - 1 // for the ellipsis
	for left, right := (room+1)/2, room/2; ; {
		if head < tail && cell(runes[head]) <= left {
			left -= cell(runes[head])
			head++
			continue
		}
		if tail > head && cell(runes[tail-1]) <= right {
			right -= cell(runes[tail-1])
			tail--
			continue
		}
		break
	}
	return strings.TrimRight(string(runes[:head]), " ") + "…" + strings.TrimLeft(string(runes[tail:]), " ")
}
