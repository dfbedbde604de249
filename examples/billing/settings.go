package main

import (
	"fmt"
	"os"
	"strconv"
)

// settings are what the environment says.
type settings struct {
	greeting string
	workers  int
}

// fromEnvironment reads GREETING and WORKERS; what makes no sense is an error, not a default.
func fromEnvironment() (settings, error) {
	text := fallback("WORKERS", "1")
	workers, err := strconv.Atoi(text)
	if err != nil || workers < 1 || workers > 64 {
		return settings{}, fmt.Errorf("WORKERS must be a number from 1 to 64, not %q", text)
	}
	return settings{greeting: fallback("GREETING", "Hello"), workers: workers}, nil
}

func fallback(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
