package routing

import "strings"

// explainPattern holds a key against a topic exchange's pattern, and says where
// they part. It is a matching of its own, that shares nothing with the trie:
// the words before the first "#" must begin the key and those behind the last
// must end it; what is between two of them is looked for from left to right,
// and the first place is as good as any, for a "#" takes the rest.
func explainPattern(pattern, key string) (miss Miss, match bool) {
	have := wordsOf(key)
	var parts [][]string // between the "#"
	var part []string
	fixed := 0 // words that are no "#"
	for _, w := range wordsOf(pattern) {
		if w == "#" {
			parts, part = append(parts, part), nil
			continue
		}
		part = append(part, w)
		fixed++
	}
	parts = append(parts, part)
	m := Miss{Key: key, Pattern: pattern, Words: len(have), Needs: fixed}

	first, last := parts[0], parts[len(parts)-1]
	for i, w := range first {
		if i == len(have) {
			break
		}
		if w != "*" && w != have[i] {
			m.Reason, m.Word, m.Want, m.Have = OtherWord, i+1, w, have[i]
			return m, false
		}
	}
	if len(have) < fixed {
		m.Reason = TooFewWords
		return m, false
	}
	if len(parts) == 1 {
		if len(have) > fixed {
			m.Reason = TooManyWords
			return m, false
		}
		return Miss{}, true
	}
	end := len(have) - len(last)
	for i, w := range last {
		if w != "*" && w != have[end+i] {
			m.Reason, m.Word, m.Want, m.Have = OtherWord, end+i+1, w, have[end+i]
			return m, false
		}
	}
	from := len(first)
	for _, part := range parts[1 : len(parts)-1] {
		at := indexWords(have[from:end], part)
		if at < 0 {
			m.Reason, m.Word, m.Want, m.Have = NoWords, from+1, strings.Join(part, "."), strings.Join(have[from:end], ".")
			return m, false
		}
		from += at + len(part)
	}
	return Miss{}, true
}

// wordsOf splits a key or pattern at its dots; the empty one has no words.
func wordsOf(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

// indexWords returns the first place in words where part is, of which "*" is
// any word; or -1.
func indexWords(words, part []string) int {
	for i := 0; i+len(part) <= len(words); i++ {
		j := 0
		for j < len(part) && (part[j] == "*" || part[j] == words[i+j]) {
			j++
		}
		if j == len(part) {
			return i
		}
	}
	return -1
}
