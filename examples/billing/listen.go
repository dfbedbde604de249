package main

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
)

// listen takes the socket that a supervisor holds for this process, as systemd and lictor pass it. Alone, it opens its own.
func listen(addr string) (net.Listener, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return net.Listen("tcp", addr)
	}
	file := os.NewFile(3, os.Getenv("LISTEN_FDNAMES"))
	defer file.Close()
	return net.FileListener(file)
}

// leaving is set when the process is told to stop. From then on every answer ends its connection, so that clients that
// keep one open take their next request elsewhere before Shutdown closes it.
var leaving atomic.Bool

func farewell(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		pages.ServeHTTP(w, r)
	})
}
