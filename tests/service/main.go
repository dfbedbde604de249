// A service with bad habits, for tests to supervise. Build it in seconds, as many versions as a test needs:
//
//	go build -C tests/service -ldflags "-X main.version=1.214" -o "$DIR/service"
//
// Flags: -addr (where to listen; port 0 is fine), -addr-file (gets the bound address once it listens), -version,
// -check-config (says whether REQUIRE and MIN_VERSION are met, and ends), -set NAME=VALUE (a habit by flag; repeatable).
//
// Habits come from the environment, else from -set, so that a change of configuration changes what the program does:
//
//	EXIT_CODE=n     ends with this code, at once or after EXIT_AFTER=dur
//	DIE_BY=n        dies of this signal, at once or after EXIT_AFTER=dur
//	REQUIRE=NAME    ends with 1 unless this variable is set
//	MIN_VERSION=x   ends with 1 unless its own version is at least x: a wish that only the next build can bear
//	SLOW_START=dur  listens only after this long
//	SLOW_STOP=dur   ends this long after SIGTERM
//	IGNORE_TERM=1   does not end on SIGTERM
//	GRACEFUL=1      lets requests end that are under way on SIGTERM
//	DEAF=1          never accepts a connection
//	FOREIGN=1       opens a socket of its own also if one was passed (LISTEN_FDS)
//	SICK=1          /healthz answers 503; SICK_AFTER=dur: from then on; FLAP=dur: every other dur
//	SICK_IN_USE=dur every page answers 503 this long after the first request for / (0s: from the next one on)
//	HANG_IN_USE=1   no page answers any more from the first request for / on, and no connection is accepted
//	SHUT=term       calls shutdown(2) on its listening socket at SIGTERM; SHUT=use: at the first request for /shut
//	CLOSE=term      closes its listener at SIGTERM, before it lingers
//	DEBUG_ADDR=a    listens there too, as a page of profiles does, and ends with 1 if it cannot
//	LINGER=dur      after SIGTERM, answers say Connection: close for so long before SLOW_STOP and GRACEFUL
//	DEPENDENCY=a    /healthz answers 503 while nobody accepts connections at host:port
//	FORK=n          n survivors in its own process group: they ignore SIGTERM
//	SETSID=n        n survivors, each the child of the one before, each in a session of its own
//	HOLD_STDOUT=1   survivors keep stdout and stderr open
//	LEAVE=1         ends with 0 as soon as its survivors are there
//
// Records, one line an event, appended:
//
//	DUMP=path        at the first line of main: pid, version, time, and the variables named in SHOW=A,B
//	PIDS=path        the process number of each survivor, once it ignores SIGTERM
//	TERM_DUMP=path   when SIGTERM arrived
//	SIGNAL_DUMP=path which of SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM and SIGCONT arrived
//
// Pages: /healthz, /read (reads all of the body, and says how long it is), / (the variables named in SHOW), /env (all of them, as JSON), /pid, /version, /gc (collects garbage),
// /debug/vars (what it publishes by expvar).
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var version = "dev"

var started = time.Now()

func main() {
	dump()
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	addrFile := flag.String("addr-file", "", "gets the bound address")
	showVersion := flag.Bool("version", false, "print the version and end")
	checkConfig := flag.Bool("check-config", false, "say whether the configuration can be borne, and end")
	survive := flag.String("survive", "", "be a survivor: fork:N or setsid:N (used by the program itself)")
	flag.Func("set", "NAME=VALUE: a habit", setHabit)
	flag.Parse()

	switch {
	case *showVersion:
		fmt.Println(version)
		return
	case *survive != "":
		beSurvivor(*survive)
		return
	}
	if problem := misconfigured(); problem != "" {
		fmt.Fprintln(os.Stderr, problem)
		os.Exit(1)
	}
	if *checkConfig {
		return
	}
	watchSignals()
	startSurvivors()
	if habit("LEAVE") != "" {
		return
	}
	planEnd()
	time.Sleep(duration("SLOW_START"))
	serve(*addr, *addrFile)
}

var habits = map[string]string{}

func setHabit(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is not NAME=VALUE", text)
	}
	habits[name] = value
	return nil
}

func habit(name string) string {
	if value, set := os.LookupEnv(name); set {
		return value
	}
	return habits[name]
}

func number(name string) int {
	value, err := strconv.Atoi(habit(name))
	if err != nil && habit(name) != "" {
		fatal(fmt.Errorf("%s is no number: %w", name, err))
	}
	return value
}

func duration(name string) time.Duration {
	if habit(name) == "" {
		return 0
	}
	value, err := time.ParseDuration(habit(name))
	if err != nil {
		fatal(fmt.Errorf("%s is no duration: %w", name, err))
	}
	return value
}

func misconfigured() string {
	if name := habit("REQUIRE"); name != "" && habit(name) == "" {
		return fmt.Sprintf("%s is not set", name)
	}
	if least := habit("MIN_VERSION"); least != "" && older(version, least) {
		return fmt.Sprintf("this is version %s, the configuration needs %s", version, least)
	}
	return ""
}

// older compares dotted numbers; what is no number counts as 0.
func older(a, b string) bool {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < max(len(left), len(right)); i++ {
		x, y := part(left, i), part(right, i)
		if x != y {
			return x < y
		}
	}
	return false
}

func part(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	value, _ := strconv.Atoi(parts[i])
	return value
}

// planEnd makes EXIT_CODE, DIE_BY and EXIT_AFTER happen.
func planEnd() {
	if habit("EXIT_CODE") == "" && habit("DIE_BY") == "" && habit("EXIT_AFTER") == "" {
		return
	}
	end := func() {
		if signal := number("DIE_BY"); signal != 0 {
			syscall.Kill(os.Getpid(), syscall.Signal(signal))
			select {}
		}
		os.Exit(number("EXIT_CODE"))
	}
	if after := duration("EXIT_AFTER"); after > 0 {
		time.AfterFunc(after, end)
		return
	}
	end()
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
