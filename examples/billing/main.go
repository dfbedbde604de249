// Billing is a small service as many are: it takes its settings from the environment, says on /healthz whether it is
// well, and ends in good order on SIGTERM. It knows nothing of lictor.
//
//	go build -ldflags "-X main.version=1.214"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "dev"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "billing:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", fallback("ADDR", "127.0.0.1:8080"), "where to listen")
	linger := flag.Duration("linger", 0, "how long clients that keep a connection open have to send their last request")
	migrations := flag.String("migrate", "", "apply the migrations in this folder, and end")
	flag.Parse()
	if *migrations != "" {
		return migrate(*migrations)
	}
	settings, err := fromEnvironment()
	if err != nil {
		return err
	}

	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer release()
	listener, err := listen(*addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: farewell(pages(settings)), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Printf("billing %s: listening on %s with %d workers\n", version, listener.Addr(), settings.workers)

	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	leaving.Store(true)
	time.Sleep(*linger)
	drained, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(drained); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func pages(settings settings) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "%s (billing %s, process %d, %d workers)\n", settings.greeting, version, os.Getpid(), settings.workers)
	})
	return mux
}
