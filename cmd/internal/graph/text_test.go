package graph

import "testing"

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"}, {"abcdefgh", 7, "abc…fgh"}, {"abcdefgh", 6, "abc…gh"}, {"abcdefgh", 1, "…"}, {"ab", 1, "…"},
		{"日本語のキュー", 14, "日本語のキュー"}, {"日本語のキュー", 13, "日本語…キュー"}, {"日本語のキュー", 12, "日本語…ュー"},
		{"a long text here", 8, "a lo…ere"},
	} {
		if got := cut(c.text, c.most); got != c.want || cells(got) > c.most {
			t.Errorf("cut(%q, %d) = %q of %d columns, want %q", c.text, c.most, got, cells(got), c.want)
		}
	}
}

func TestCaption(t *testing.T) {
	labels := func(all ...string) (l []Label) {
		for _, s := range all {
			l = append(l, Label{Text: s})
		}
		return l
	}
	for _, c := range []struct {
		edge Edge
		most int
		want string
	}{
		{Edge{Kind: Bound}, 20, ""},
		{Edge{Kind: Bound, Labels: labels("a.*", "b.#")}, 20, "a.*, b.#"},
		{Edge{Kind: Bound, Labels: labels("a.*", "b.#", "c.#")}, 12, "a.*, b.# +1"},
		{Edge{Kind: Bound, Labels: labels("abcdefghijklm", "b")}, 10, "abc…klm +1"},
		{Edge{Kind: Alternate}, 20, "alternate"},
		{Edge{Kind: DeadLetter}, 20, "dead letters"},
		{Edge{Kind: DeadLetter, Labels: labels("key")}, 30, "dead letters by key"},
	} {
		if got := c.edge.caption(c.most); got != c.want {
			t.Errorf("%+v in %d columns is %q, want %q", c.edge, c.most, got, c.want)
		}
	}
}
