package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// migrate brings the database up to date: each file of the folder that has not been applied, in the order of their names.
// The database of this example is a file, DATABASE_FILE. What it has and the folder does not is left alone, so that an older
// release can be deployed again.
func migrate(folder string) error {
	database := os.Getenv("DATABASE_FILE")
	if database == "" {
		return errors.New("DATABASE_FILE is not set: it names the database")
	}
	applied, err := os.ReadFile(database)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(database, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, path := range files {
		mark := "-- " + filepath.Base(path) + "\n"
		if strings.Contains(string(applied), mark) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := file.WriteString(mark + string(text)); err != nil {
			return err
		}
		fmt.Println("migrated:", filepath.Base(path))
	}
	return file.Sync()
}
