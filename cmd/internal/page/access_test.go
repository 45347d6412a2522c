package page

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// unnamed are the controls that a screen reader has no name for.
const unnamed = `[...document.querySelectorAll("a, button, input, textarea, [role=button], table, section, svg:not([aria-hidden])")]
	.filter((e) => e.checkVisibility())
	.filter((e) => {
		const by = e.getAttribute("aria-labelledby");
		const name = e.getAttribute("aria-label") || (by && document.getElementById(by).textContent) ||
			(e.labels && [...e.labels].map((l) => l.textContent).join()) || (/^(A|BUTTON)$/.test(e.tagName) && e.textContent);
		return !(name || "").trim();
	}).map((e) => e.outerHTML)`

// faint are the texts whose contrast to what is behind them is less than 4.5, by
// https://www.w3.org/TR/WCAG22/#contrast-minimum.
const faint = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m[3] ?? 1 } };
	const light = ({ rgb }) => { const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05) };
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const rect = e instanceof SVGGElement && e.querySelector(":scope > rect:not(.ring)");
			const c = parse(rect ? getComputedStyle(rect).fill : getComputedStyle(e).backgroundColor);
			if (c.a === 1) return c;
		}
		throw "nothing is behind it";
	};
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
		if (!own || !e.checkVisibility() || e.tagName === "title") continue;
		const style = getComputedStyle(e), c = contrast(parse(e instanceof SVGElement ? style.fill : style.color), behind(e));
		let opacity = 1;
		for (let p = e; p; p = p.parentElement) opacity *= getComputedStyle(p).opacity;
		if (c < 4.5 || opacity < 1) bad.push(c.toFixed(2) + ", opacity " + opacity + ": " + e.outerHTML.slice(0, 200));
	}
	return bad;
})()`

// TestAccess: every control has a name, and every text a contrast of 4.5, light
// and dark, with a way lit and each outcome of a publish.
func TestAccess(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			b := open(t, &flaky{Broker: inMemory(t, shop())}, "memory:", looks("prefers-color-scheme", scheme))
			b.wait(`document.querySelectorAll(".box.queue").length === 8`)
			check := func(when string) {
				t.Helper()
				for _, e := range eval[[]string](b, unnamed) {
					t.Errorf("%s: no name: %s", when, e)
				}
				for _, e := range eval[[]string](b, faint) {
					t.Errorf("%s: contrast %s", when, e)
				}
			}
			check("at first")
			b.click(`[data-id="exchange:orders"]`)
			b.wait(`!document.querySelector("#message").hidden`)
			b.do(chromedp.SendKeys(chromedp.CSS("#key"), "order.eu.paid"))
			b.wait(`document.querySelectorAll(".box.queue.lit").length === 3`)
			for _, outcome := range []string{"taken", "unroutable", "refused", "unknown", "failed"} {
				eval[bool](b, `(() => { const o = document.querySelector("#outcome"); o.className = "`+outcome+`"; o.textContent = "text"; return true })()`)
				check(outcome)
			}
			b.do(chromedp.SetValue(chromedp.CSS("#headers"), "wrong"))
			b.click("#message button[type=submit]")
			b.wait(`document.querySelector("#route-summary").className === "failed"`)
			b.page.broker.(*flaky).set(errUnplugged)
			b.wait(`!document.querySelector("#trouble").hidden`)
			check("without a broker")
			for _, place := range []string{"#status", "#touched", "#outcome", "#route-summary"} {
				if role := eval[string](b, `document.querySelector("`+place+`").getAttribute("role")`); role != "status" {
					t.Errorf("%s has the role %s", place, role)
				}
			}
		})
	}
}

// TestReducedMotion: nothing moves for whoever asked for that.
func TestReducedMotion(t *testing.T) {
	for value, moves := range map[string]bool{"reduce": false, "no-preference": true} {
		b := open(t, inMemory(t, shop()), "memory:", looks("prefers-reduced-motion", value))
		b.wait(`document.querySelectorAll(".box.queue").length === 8`)
		b.click(`[data-id="exchange:orders"]`)
		b.wait(`!document.querySelector("#message").hidden`)
		b.do(chromedp.SendKeys(chromedp.CSS("#key"), "order.eu.paid"))
		b.wait(`document.querySelectorAll(".line.lit").length > 0`)
		if got := eval[int](b, `document.getAnimations().length`) > 0; got != moves {
			t.Errorf("with %s: something moves: %t", value, got)
		}
	}
}
