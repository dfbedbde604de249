// What Go's own libraries make of texts that a service may be configured with: the values of `key {}`, and the addresses
// of databases. It reads a corpus (JSON) from standard input and writes what each library says of each text.
//
// lictor reads the same texts, and must agree or refuse them. Its tests compare it with answers.json, which is what this
// program said of corpus.json; tests/checks/drivers.rs sees to it that it still says so.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type corpus struct {
	Values   map[string][]string `json:"values"`
	Postgres []dsn               `json:"postgres"`
	Mysql    []string            `json:"mysql"`
	Redis    []string            `json:"redis"`
	AWS      []account           `json:"aws"`
}

// A text, and the variables that the driver looks at besides.
type dsn struct {
	Text string            `json:"text"`
	Env  map[string]string `json:"env,omitempty"`
}

type answers struct {
	Values   map[string][]value `json:"values"`
	Postgres []postgres         `json:"postgres"`
	Mysql    []mysqlAnswer      `json:"mysql"`
	Redis    []redisAnswer      `json:"redis"`
	AWS      []accountAnswer    `json:"aws"`
}

// Where, as whom and how a driver connects; null where it refuses the text.
type target struct {
	Places   []place `json:"places"`
	User     string  `json:"user"`
	Password string  `json:"password"`
	Database string  `json:"database"`
	Session  string  `json:"session,omitempty"`
	// The certificate that is shown.
	Certificate bool `json:"certificate,omitempty"`
}

// One attempt. Network is "tcp" or "unix"; TLS is "none", "unverified", "ca" (signed by somebody trusted) or "full".
type place struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	TLS  string `json:"tls"`
}

func main() {
	var in corpus
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, "drivers: the corpus:", err)
		os.Exit(2)
	}
	// Nothing of the host it runs on may be in the answers.
	home, err := os.MkdirTemp("", "drivers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "drivers:", err)
		os.Exit(2)
	}
	defer os.RemoveAll(home)
	os.Clearenv()
	os.Setenv("HOME", home)

	out := answers{Values: map[string][]value{}}
	for kind, texts := range in.Values {
		for _, text := range texts {
			out.Values[kind] = append(out.Values[kind], value{Text: text, Good: isOf(kind, text)})
		}
	}
	for _, one := range in.Postgres {
		out.Postgres = append(out.Postgres, readPostgres(one, home))
	}
	for _, text := range in.Mysql {
		out.Mysql = append(out.Mysql, mysqlAnswer{Text: text, Driver: readMysql(text)})
	}
	for _, text := range in.Redis {
		out.Redis = append(out.Redis, redisAnswer{Text: text, Driver: readRedis(text)})
	}
	for _, one := range in.AWS {
		out.AWS = append(out.AWS, readAccount(one))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, "drivers:", err)
		os.Exit(1)
	}
}
