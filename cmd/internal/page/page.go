package page

import (
	"context"
	"crypto/rand"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Broker is what the page needs of a [pubsub.Broker].
type Broker interface {
	Topology(ctx context.Context) (pubsub.Topology, error)
	Publish(ctx context.Context, exchange, key string, m pubsub.Message, opts ...pubsub.PublishOption) error
}

// Page is the page of one broker, as an [http.Handler]. Its methods are safe
// for concurrent use.
type Page struct {
	broker  Broker
	name    string
	token   string // that the page sends with a publish
	handler http.Handler
	watch   *watch
	ending  chan struct{} // closed by Close: event streams end
	end     func()
}

//go:embed assets
var assets embed.FS

var index = template.Must(template.ParseFS(assets, "assets/index.html"))

// interval is the time between two polls of the broker.
const interval = time.Second

// New returns the page of a broker, which it calls name. It does nothing before
// somebody looks at it. Close must be called.
func New(b Broker, name string) *Page {
	p := &Page{
		broker: b, name: name, token: rand.Text(),
		watch: newWatch(b.Topology, interval), ending: make(chan struct{}),
	}
	p.end = sync.OnceFunc(func() { close(p.ending) })
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the name is constant
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.index)
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(files)))
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("POST /publish", p.publish)
	p.handler = guard(mux)
	return p
}

// ServeHTTP answers a browser.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Close ends the streams of events and the poll, and waits for the latter.
// Requests that come later find nothing to watch. A second call does nothing.
func (p *Page) Close() {
	p.end()
	p.watch.close()
}

// index is the page itself, with what only this run knows.
func (p *Page) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// A browser that has gone is no failure, and there is nobody else to tell.
	_ = index.Execute(w, struct{ Broker, Token string }{p.name, p.token})
}
