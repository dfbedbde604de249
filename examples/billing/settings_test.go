package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWorkersMustBeANumberInRange(t *testing.T) {
	for text, good := range map[string]bool{"": true, "1": true, "64": true, "0": false, "65": false, "many": false} {
		t.Setenv("WORKERS", text)
		if _, err := fromEnvironment(); (err == nil) != good {
			t.Errorf("WORKERS=%q: %v", text, err)
		}
	}
}

func TestMigrationsAreAppliedOnceAndInOrder(t *testing.T) {
	folder, database := t.TempDir(), filepath.Join(t.TempDir(), "database")
	if err := migrate(folder); err == nil {
		t.Error("without DATABASE_FILE there is nothing to migrate")
	}
	t.Setenv("DATABASE_FILE", database)
	for _, name := range []string{"0002_b.sql", "0001_a.sql", "0003_c.sql"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name+";\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "0002_b.sql" {
			continue
		}
		if err := migrate(folder); err != nil {
			t.Fatal(err)
		}
	}
	want := "-- 0001_a.sql\n0001_a.sql;\n-- 0002_b.sql\n0002_b.sql;\n-- 0003_c.sql\n0003_c.sql;\n"
	if got, _ := os.ReadFile(database); string(got) != want {
		t.Errorf("%q", got)
	}
}
