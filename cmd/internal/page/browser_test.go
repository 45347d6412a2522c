package page

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gobindery/bindery/internal/chromium"
)

// limit is for one step in the browser, on a busy machine.
const limit = 2 * time.Minute

// startBrowser starts the browser that all tests share, each in tabs of its own.
var startBrowser = sync.OnceValues(func() (context.Context, error) {
	program, err := chromium.Install()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.DisableGPU)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to have one as root
	}
	ctx, endAll := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	endBrowser = func() {
		if err := chromedp.Cancel(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "end the browser:", err)
		}
		endAll()
	}
	return ctx, chromedp.Do(ctx)
})

// endBrowser ends the browser, if there is one, and waits until it is gone.
var endBrowser = func() {}

// tab is a tab of the browser with the page of a broker.
type tab struct {
	*testing.T
	ctx  context.Context
	page *Page
	url  string

	mu     sync.Mutex
	loaded []string // addresses that were asked for
}

// open shows the page of a broker. The test fails if the page writes an error to
// its console, or asks another server for something.
func open(t *testing.T, b Broker, name string, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	p := New(b, name)
	t.Cleanup(p.Close)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	t.Cleanup(p.Close) // else the server would wait for the streams of events
	return openAt(t, p, server.URL, before...)
}

func openAt(t *testing.T, p *Page, url string, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	browser, err := startBrowser()
	must(t, err)
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	tb := &tab{T: t, ctx: ctx, page: p, url: url}
	console := chromedp.Console(ctx)
	must(t, chromedp.Listen(ctx, func(ev any) {
		if r, ok := ev.(*network.EventRequestWillBeSent); ok {
			tb.mu.Lock()
			defer tb.mu.Unlock()
			tb.loaded = append(tb.loaded, r.Request.URL)
		}
	}))
	var wrong sync.WaitGroup
	wrong.Go(func() {
		for m, err := range console {
			if err == nil && (m.Type == "error" || m.Type == "warning" || m.IsException()) {
				t.Errorf("the page's console: %s", m)
			}
		}
	})
	t.Cleanup(func() {
		if t.Failed() {
			tb.shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		cancel()
		wrong.Wait()
		tb.mu.Lock()
		defer tb.mu.Unlock()
		if len(tb.loaded) == 0 {
			t.Error("no request was seen")
		}
		for _, u := range tb.loaded {
			if !strings.HasPrefix(u, url+"/") {
				t.Errorf("the page asks for %s, which is not on %s", u, url)
			}
		}
	})
	tb.do(append(before, chromedp.Navigate(url+"/"))...)
	return tb
}

// do takes steps.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	must(b, chromedp.Do(ctx, steps...))
}

// eval is the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true. The page's policy forbids to look at it
// in the way that chromedp.Poll does.
func (b *tab) wait(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](
		`new Promise((done, wrong) => { const look = () => { try { (`+expression+`) ? done(true) : setTimeout(look, 20) } catch (e) { wrong(e) } }; look() })`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("waited for %s: %v\nthe page shows:\n%s", expression, err, eval[string](b, `document.body.innerText`))
	}
}

// text is that of an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
}

// press types keys, where the focus is.
func (b *tab) press(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// click clicks on an element.
func (b *tab) click(selector string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// looks sets what the user likes, as prefers-color-scheme: dark.
func looks(feature, value string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (none chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return none, err
	}
}

// shot keeps a picture of the page, if $BINDERY_SCREENSHOTS names a folder.
func (b *tab) shot(name string) {
	folder := os.Getenv("BINDERY_SCREENSHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(folder+"/"+name+".png", picture, 0o644)
	}
	if err != nil {
		b.Errorf("take the screenshot %s: %v", name, err)
	}
}
