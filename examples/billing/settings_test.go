package main

import "testing"

func TestWorkersMustBeANumberInRange(t *testing.T) {
	for text, good := range map[string]bool{"": true, "1": true, "64": true, "0": false, "65": false, "many": false} {
		t.Setenv("WORKERS", text)
		if _, err := fromEnvironment(); (err == nil) != good {
			t.Errorf("WORKERS=%q: %v", text, err)
		}
	}
}
