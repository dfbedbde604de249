// load asks one URL at a fixed pace, whether earlier requests have been answered or not (an open load), until its stdin is
// closed. Then it waits for what is under way, and prints what came of it as one line of JSON.
//
// Every other request has a connection of its own; the others share connections that are kept alive.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

type tally struct {
	Sent   int     `json:"sent"`
	Failed int     `json:"failed"`
	Worst  float64 `json:"worst_ms"`
	// What went wrong, and how often; and the first few of it with the time.
	Errors map[string]int `json:"errors"`
	First  []string       `json:"first"`
}

func main() {
	url := flag.String("url", "", "what is asked for")
	rate := flag.Int("rate", 200, "requests a second")
	limit := flag.Duration("limit", 10*time.Second, "how long one may take")
	flag.Parse()

	kept := &http.Client{Timeout: *limit, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	fresh := &http.Client{Timeout: *limit, Transport: &http.Transport{DisableKeepAlives: true}}

	ended, end := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		end()
	}()

	var lock sync.Mutex
	var under sync.WaitGroup
	sum := tally{Errors: map[string]int{}, First: []string{}}
	begun := time.Now()
	for n := 0; ended.Err() == nil; n++ {
		// By the clock, so that a pause of the machine is made up for.
		due := begun.Add(time.Duration(n) * time.Second / time.Duration(*rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ended.Done():
			continue
		}
		client := kept
		if n%2 == 1 {
			client = fresh
		}
		under.Add(1)
		go func() {
			defer under.Done()
			sent := time.Now()
			problem := ask(client, *url)
			took := float64(time.Since(sent).Microseconds()) / 1000
			lock.Lock()
			defer lock.Unlock()
			sum.Sent++
			sum.Worst = max(sum.Worst, took)
			if problem != "" {
				sum.Failed++
				sum.Errors[problem]++
				if len(sum.First) < 10 {
					sum.First = append(sum.First, sent.Format("15:04:05.000 ")+problem)
				}
			}
		}()
	}
	under.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(sum); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(client *http.Client, url string) string {
	answer, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err.Error()
	}
	if answer.StatusCode != http.StatusOK {
		return answer.Status
	}
	return ""
}
