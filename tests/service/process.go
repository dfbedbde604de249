package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What the C library calls SIGRTMIN+1.
const realTime = syscall.Signal(35)

func watchSignals() {
	arrived := make(chan os.Signal, 64)
	signal.Notify(arrived, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
		syscall.SIGALRM, syscall.SIGCONT, realTime)
	go func() {
		for one := range arrived {
			if one != syscall.SIGTERM {
				record("SIGNAL_DUMP", signalName(one))
				continue
			}
			record("TERM_DUMP", strconv.FormatInt(time.Now().UnixNano(), 10))
			if habit("IGNORE_TERM") == "" {
				leave()
				time.AfterFunc(duration("LINGER")+duration("SLOW_STOP"), func() {
					shutDown()
					os.Exit(0)
				})
			}
		}
	}()
}

func signalName(one os.Signal) string {
	names := map[os.Signal]string{
		syscall.SIGHUP: "HUP", syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2", syscall.SIGWINCH: "WINCH",
		syscall.SIGALRM: "ALRM", syscall.SIGCONT: "CONT", realTime: "35",
	}
	return names[one]
}

func startSurvivors() {
	for i := 0; i < number("FORK"); i++ {
		startSurvivor("fork", 1)
	}
	if depth := number("SETSID"); depth > 0 {
		startSurvivor("setsid", depth)
	}
}

// startSurvivor returns once the survivor, and those below it, ignore SIGTERM.
func startSurvivor(kind string, depth int) {
	self, err := os.Executable()
	if err != nil {
		fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		fatal(err)
	}
	child := exec.Command(self, "-survive", kind+":"+strconv.Itoa(depth))
	child.ExtraFiles = []*os.File{write}
	if habit("HOLD_STDOUT") != "" {
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
	}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: kind == "setsid"}
	if err := child.Start(); err != nil {
		fatal(err)
	}
	write.Close()
	read.Read(make([]byte, 1))
	read.Close()
}

// beSurvivor ignores SIGTERM, says so on descriptor 3, and stays; for two minutes at most, should a test forget it.
func beSurvivor(survivor string) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	kind, text, _ := strings.Cut(survivor, ":")
	depth, err := strconv.Atoi(text)
	if err != nil {
		fatal(err)
	}
	record("PIDS", fmt.Sprint(os.Getpid()))
	if depth > 1 {
		startSurvivor(kind, depth-1)
	}
	os.NewFile(3, "ready").Close()
	time.Sleep(2 * time.Minute)
}
