package cli

import "strings"

// UnknownWord returns the error for a word of the command line that is none of
// those that could stand there.
func UnknownWord(what, word string, options []string) error {
	return Usagef("unknown %s %q: must be %s%s", what, clip(word), oneOf(options), didYouMean(word, "", options))
}

// didYouMean returns "; did you mean X?" where one of the options is likely
// meant by word, else nothing.
func didYouMean(word, prefix string, options []string) string {
	best, distance := "", 3 // more than two changes is another word
	for _, o := range options {
		if d := edits(strings.ToLower(word), o); d < distance && d < len(o) {
			best, distance = o, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// edits is how many insertions, deletions, replacements and swaps of neighbours
// turn a into b (the optimal string alignment distance).
func edits(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			replace := row[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			next[j] = min(row[j]+1, next[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
