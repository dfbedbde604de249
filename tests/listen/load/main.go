// An open load on one service: what it sends does not wait for what has been answered. Each kind has a rate of its own.
//
//	new   a connection for each GET
//	get   GETs over connections that are kept
//	post  POSTs over one connection that is kept; they are never sent twice, so a connection that has been idle for
//	      nearly as long as the service lingers is not used again (this program may have had no processor meanwhile)
//
// It runs until its standard input ends, and then says as JSON what became of each kind.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type kind struct {
	name   string
	client *http.Client
	method string

	lock   sync.Mutex
	sent   int
	took   []time.Duration
	last   time.Time
	errors map[string]int
}

// Longer than between two requests, and shorter than any service here lingers.
const longestIdle = 150 * time.Millisecond

func main() {
	url := flag.String("url", "", "what is asked for")
	socket := flag.String("unix", "", "a socket to ask at, instead of the URL's host")
	fresh := flag.Int("new", 500, "new connections a second")
	get := flag.Int("get", 100, "GETs a second over connections that are kept")
	post := flag.Int("post", 100, "POSTs a second over connections that are kept")
	flag.Parse()

	kinds := []*kind{
		{name: "new", client: client(*socket, false), method: http.MethodGet},
		{name: "get", client: client(*socket, true), method: http.MethodGet},
		{name: "post", client: client(*socket, true), method: http.MethodPost},
	}
	kinds[2].client.Transport.(*http.Transport).MaxConnsPerHost = 1
	stop := make(chan struct{})
	var senders, requests sync.WaitGroup
	for i, rate := range []int{*fresh, *get, *post} {
		kinds[i].errors = map[string]int{}
		if rate > 0 {
			senders.Add(1)
			go func(kind *kind, rate int) {
				defer senders.Done()
				kind.send(*url, rate, stop, &requests)
			}(kinds[i], rate)
		}
	}
	fmt.Println("loading")
	bufio.NewReader(os.Stdin).ReadString(0)
	close(stop)
	senders.Wait()
	requests.Wait()
	told := map[string]any{}
	for _, kind := range kinds {
		told[kind.name] = kind.told()
	}
	json.NewEncoder(os.Stdout).Encode(told)
}

func client(socket string, keep bool) *http.Client {
	transport := &http.Transport{
		DisableKeepAlives: !keep, MaxIdleConns: 1000, MaxIdleConnsPerHost: 1000, IdleConnTimeout: time.Minute,
	}
	if socket != "" {
		transport.Dial = func(_, _ string) (net.Conn, error) { return net.Dial("unix", socket) }
	}
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func (k *kind) send(url string, rate int, stop chan struct{}, requests *sync.WaitGroup) {
	ticks := time.NewTicker(time.Second / time.Duration(rate))
	defer ticks.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticks.C:
			requests.Add(1)
			go func() {
				defer requests.Done()
				k.ask(url)
			}()
		}
	}
}

func (k *kind) ask(url string) {
	begun := time.Now()
	err := k.once(url)
	took := time.Since(begun)
	k.lock.Lock()
	defer k.lock.Unlock()
	k.sent++
	k.took = append(k.took, took)
	if err != nil {
		k.errors[err.Error()]++
	}
}

func (k *kind) once(url string) error {
	var body io.Reader
	if k.method == http.MethodPost {
		k.lock.Lock()
		if time.Since(k.last) > longestIdle {
			k.client.CloseIdleConnections()
		}
		k.last = time.Now()
		k.lock.Unlock()
		// A body that cannot be had again: Go's client does not repeat such a request.
		body = io.MultiReader(strings.NewReader("x"))
	}
	request, err := http.NewRequest(k.method, url, body)
	if err != nil {
		return err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s", reason(err))
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("body: %s", reason(err))
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// reason leaves out the ports, so that equal errors are counted together.
func reason(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

func (k *kind) told() map[string]any {
	sort.Slice(k.took, func(i, j int) bool { return k.took[i] < k.took[j] })
	at := func(part float64) float64 {
		if len(k.took) == 0 {
			return 0
		}
		return float64(k.took[int(part*float64(len(k.took)-1))].Microseconds()) / 1000
	}
	failed := 0
	for _, count := range k.errors {
		failed += count
	}
	return map[string]any{
		"sent": k.sent, "failed": failed, "errors": k.errors, "p50_ms": at(0.5), "p99_ms": at(0.99), "worst_ms": at(1),
	}
}
