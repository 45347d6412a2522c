package nats

import (
	"slices"
	"strconv"
	"strings"
)

// formatRanges writes numbers, which it sorts, as ranges: 1-3,7.
func formatRanges(numbers []uint64) string {
	slices.Sort(numbers)
	var b []byte
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] <= numbers[j]+1 {
			j++
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, numbers[i], 10)
		if numbers[j] > numbers[i] {
			b = append(b, '-')
			b = strconv.AppendUint(b, numbers[j], 10)
		}
		i = j + 1
	}
	return string(b)
}

// mostRange bounds how many numbers a text may stand for.
const mostRange = 1 << 22

// parseRanges reads what formatRanges wrote. What can't be read is left out.
func parseRanges(s string) map[uint64]bool {
	numbers := make(map[uint64]bool)
	for part := range strings.SplitSeq(s, ",") {
		low, high, isRange := strings.Cut(part, "-")
		first, err := strconv.ParseUint(low, 10, 64)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.ParseUint(high, 10, 64); err != nil || last < first || last-first > mostRange {
				continue
			}
		}
		for n := first; n <= last && len(numbers) < mostRange; n++ {
			numbers[n] = true
		}
	}
	return numbers
}
