package main

import (
	"context"
	"encoding/json"
	"expvar"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

// Published at /debug/vars, beside what Go publishes itself.
var asked = expvar.NewMap("asked")

var server http.Server

// leaving is set by SIGTERM, and firstUse by the first request for / (Unix nanoseconds).
var leaving atomic.Bool
var firstUse atomic.Int64

func serve(addr, addrFile string) {
	expvar.Publish("goroutines", expvar.Func(func() any { return runtime.NumGoroutine() }))
	expvar.NewFloat("balance").Set(-2.5)
	// Neither of them is JSON: the first says NaN, the second nothing at all. They must cost no other number.
	expvar.NewFloat("nan").Set(math.NaN())
	expvar.Publish("unsaid", expvar.Func(func() any { return math.Inf(1) }))
	expvar.NewString("con\x01trol").Set("\x02")
	expvar.NewString("greeting").Set("hello")
	listener, err := listen(addr)
	if err != nil {
		fatal(err)
	}
	listening = listener.(syscall.Conn)
	if debug := habit("DEBUG_ADDR"); debug != "" {
		if _, err := net.Listen("tcp", debug); err != nil {
			fatal(err)
		}
	}
	if habit("DEAF") != "" {
		select {}
	}
	if addrFile != "" {
		replace(addrFile, listener.Addr().String())
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, shown()) })
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { answer(w, environment()) })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) {
		asked.Add("Pid", 1)
		fmt.Fprintln(w, os.Getpid())
	})
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		length, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, length, err)
	})
	http.HandleFunc("/shut", func(w http.ResponseWriter, r *http.Request) {
		if habit("SHUT") == "use" {
			shut()
		}
	})
	http.HandleFunc("/gc", func(w http.ResponseWriter, r *http.Request) { runtime.GC() })
	http.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, version) })
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if problem := sickness(); problem != "" {
			http.Error(w, problem, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if habit("LINGER") != "" && leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		if r.URL.Path == "/" {
			firstUse.CompareAndSwap(0, time.Now().UnixNano())
		}
		if used := firstUse.Load(); used != 0 {
			if habit("HANG_IN_USE") != "" {
				hang()
			}
			if after := habit("SICK_IN_USE"); after != "" && time.Since(time.Unix(0, used)) >= duration("SICK_IN_USE") {
				http.Error(w, "sick in use", http.StatusServiceUnavailable)
				return
			}
		}
		http.DefaultServeMux.ServeHTTP(w, r)
	})
	if err := server.Serve(hanging{listener}); err != http.ErrServerClosed && habit("SHUT")+habit("CLOSE") == "" {
		fatal(err)
	}
	select {}
}

// listening is the socket that is listened on.
var listening syscall.Conn

// shut ends listening for everybody who has this socket.
func shut() {
	raw, err := listening.SyscallConn()
	if err != nil {
		fatal(err)
	}
	raw.Control(func(number uintptr) { syscall.Shutdown(int(number), syscall.SHUT_RDWR) })
}

// leave is what the service does at once when it is told to stop.
func leave() {
	leaving.Store(true)
	if habit("SHUT") == "term" {
		shut()
	}
	if habit("CLOSE") == "term" {
		listening.(net.Listener).Close()
	}
}

// hanging accepts nothing any more once the service hangs.
type hanging struct{ net.Listener }

func (h hanging) Accept() (net.Conn, error) {
	if firstUse.Load() != 0 && habit("HANG_IN_USE") != "" {
		hang()
	}
	return h.Listener.Accept()
}

func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// shutDown lets requests end that are under way, if GRACEFUL is set.
func shutDown() {
	if habit("GRACEFUL") == "" {
		return
	}
	patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(patience)
}

// listen takes the first socket that was passed, if any were. FOREIGN=1 asks for one of its own all the same.
func listen(addr string) (net.Listener, error) {
	if habit("FOREIGN") != "" || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return net.Listen("tcp", addr)
	}
	return net.FileListener(os.NewFile(3, "LISTEN_FDS"))
}

func sickness() string {
	up := time.Since(started)
	if habit("SICK") != "" {
		return "sick"
	}
	if after := duration("SICK_AFTER"); after > 0 && up >= after {
		return "sick by now"
	}
	if each := duration("FLAP"); each > 0 && int(up/each)%2 == 1 {
		return "flapping"
	}
	if dependency := habit("DEPENDENCY"); dependency != "" {
		connection, err := net.DialTimeout("tcp", dependency, 500*time.Millisecond)
		if err != nil {
			return "the dependency is away"
		}
		connection.Close()
	}
	return ""
}

// shown are the variables named in SHOW.
func shown() map[string]any {
	all, chosen := environment(), map[string]any{}
	for _, name := range strings.Split(habit("SHOW"), ",") {
		if value, set := all[name]; set {
			chosen[name] = value
		}
	}
	return chosen
}

// environment is every variable; a value that is not UTF-8 is an array of bytes.
func environment() map[string]any {
	all := map[string]any{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if utf8.ValidString(value) {
			all[name] = value
			continue
		}
		bytes := make([]int, len(value))
		for i := range bytes {
			bytes[i] = int(value[i])
		}
		all[name] = bytes
	}
	return all
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body)
}

// replace writes a file so that a reader sees all of it or nothing.
func replace(path, text string) {
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		fatal(err)
	}
}

// record appends one line in one write, so that several processes may share the file.
func record(habitName, line string) {
	path := habit(habitName)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(line + "\n"); err != nil {
		fatal(err)
	}
}

func dump() {
	if habit("DUMP") == "" || len(os.Args) > 1 && os.Args[1] == "-survive" {
		return
	}
	line, err := json.Marshal(map[string]any{
		"pid": os.Getpid(), "version": version, "time": time.Now().UnixNano(), "env": shown(),
	})
	if err != nil {
		fatal(err)
	}
	record("DUMP", string(line))
}
