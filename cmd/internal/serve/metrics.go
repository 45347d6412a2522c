package serve

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gobindery/bindery/cmd/internal/cli"
)

// healthTimeout is how long the broker may take to answer.
const healthTimeout = 5 * time.Second

// listenMetrics listens where only this machine can ask.
func listenMetrics(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, cli.Usagef("--metrics %q is no address; give HOST:PORT, as 127.0.0.1:9419", address)
	}
	if !isLoopback(host) {
		return nil, cli.Usagef("--metrics %s could be reached by others, and asks nobody for a password; give an address of this machine alone, as 127.0.0.1:9419", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for --metrics on %s: %w", address, err)
	}
	return l, nil
}

// monitor serves figures and health by HTTP until stop, which waits for it.
func monitor(l net.Listener, s *cli.AMQP, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		if err := s.WriteMetrics(r.Context(), &text); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(text.Bytes())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
		defer cancel()
		if err := s.CheckBroker(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{
		Handler:        mux,
		BaseContext:    func(net.Listener) context.Context { return ctx },
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadTimeout:    healthTimeout,
		WriteTimeout:   2 * healthTimeout,
		MaxHeaderBytes: 16 << 10,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); err != http.ErrServerClosed {
			log.Error("metrics and health are served no more", "error", err)
		}
	}()
	return func() {
		cancel()
		bounded, end := context.WithTimeout(context.Background(), time.Second)
		defer end()
		_ = server.Shutdown(bounded)
		server.Close() // who has not asked yet can ask no more
		<-done
	}
}
