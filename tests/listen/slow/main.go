// Clients that are in the middle of something while a service is replaced. They come as far as -kind says, which is told
// by a line on standard output; then they wait for a line on standard input, go on, and the answers are counted as JSON.
//
//	half-open  the handshake: the kernel's answer to the first packet is dropped on its way back
//	silent     connected, and nothing sent
//	body       half of a request's body sent
//	queued     all of a request sent, to a service that does not answer yet; -enough of them suffice
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const patience = 25 * time.Second

const request = "POST /read HTTP/1.1\r\nHost: service\r\nConnection: close\r\nContent-Length: 10\r\n\r\n01234"

func main() {
	kind := flag.String("kind", "", "half-open, silent, body or queued")
	address := flag.String("address", "", "whom to connect to")
	count := flag.Int("count", 1, "so many clients")
	enough := flag.Int("enough", 0, "how many of them have to come that far; 0: all")
	flag.Parse()
	if *enough == 0 {
		*enough = *count
	}

	var there atomic.Int64
	var all sync.WaitGroup
	proceed, reached := make(chan struct{}), make(chan struct{})
	outcomes := make(chan string, *count)
	arrives := func() {
		if there.Add(1) == int64(*enough) {
			close(reached)
		}
	}
	for i := 0; i < *count; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			outcomes <- outcome(*kind, *address, arrives, proceed)
		}()
	}
	select {
	case <-reached:
		fmt.Println("there")
	case <-time.After(patience):
		fmt.Println("only", there.Load())
		os.Exit(1)
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	close(proceed)
	all.Wait()
	close(outcomes)
	told := map[string]int{}
	for one := range outcomes {
		told[one]++
	}
	json.NewEncoder(os.Stdout).Encode(told)
}

func outcome(kind, address string, arrives func(), proceed chan struct{}) string {
	dialer := net.Dialer{Timeout: patience}
	if kind == "half-open" {
		dialer.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(number uintptr) { deafen(int(number), arrives, proceed) })
		}
	}
	connection, err := dialer.Dial("tcp", address)
	if err != nil {
		return reason(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	switch kind {
	case "half-open":
		connection.Write([]byte(request + "56789"))
	case "silent":
		arrives()
		<-proceed
		connection.Write([]byte(request + "56789"))
	case "body":
		connection.Write([]byte(request))
		arrives()
		<-proceed
		connection.Write([]byte("56789"))
	case "queued":
		connection.Write([]byte(request + "56789"))
		arrives()
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return reason(err)
	}
	defer answer.Body.Close()
	text, _ := bufio.NewReader(answer.Body).ReadString('\n')
	return fmt.Sprintf("%d: %s", answer.StatusCode, strings.TrimSpace(text))
}

// deafen lets a socket hear nothing until it is time to proceed. It hears the kernel at the other end when that sends its
// answer to the first packet again, a second later.
func deafen(number int, arrives func(), proceed chan struct{}) {
	nothing := []syscall.SockFilter{*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0)}
	if err := syscall.AttachLsf(number, nothing); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	ear, err := syscall.Dup(number)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		// The first packet is on its way by then: over the loopback device that means received.
		time.Sleep(50 * time.Millisecond)
		arrives()
		<-proceed
		syscall.DetachLsf(ear)
		syscall.Close(ear)
	}()
}

func reason(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}
