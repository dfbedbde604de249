package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
	"github.com/redis/go-redis/v9"
)

type postgres struct {
	dsn
	Pgx *target `json:"pgx"`
	Pq  *target `json:"pq"`
}

type mysqlAnswer struct {
	Text   string  `json:"text"`
	Driver *target `json:"driver"`
}

type redisAnswer struct {
	Text   string  `json:"text"`
	Driver *target `json:"driver"`
}

func readPostgres(one dsn, home string) postgres {
	text := withFiles(one.Text, home)
	for name, value := range one.Env {
		os.Setenv(name, withFiles(value, home))
	}
	defer func() {
		for name := range one.Env {
			os.Unsetenv(name)
		}
	}()
	return postgres{dsn: one, Pgx: readPgx(text), Pq: readPq(text)}
}

// withFiles puts real certificates in the place of @CA@, @CERT@ and @KEY@: pgx reads them.
func withFiles(text, home string) string {
	for name, file := range map[string]string{"@CA@": "ca.pem", "@CERT@": "ca.pem", "@KEY@": "key.pem"} {
		if strings.Contains(text, name) {
			makeCertificate(home)
			text = strings.ReplaceAll(text, name, filepath.Join(home, file))
		}
	}
	return text
}

func makeCertificate(home string) {
	if _, err := os.Stat(filepath.Join(home, "key.pem")); err == nil {
		return
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	write := func(name, kind string, bytes []byte) {
		must(os.WriteFile(filepath.Join(home, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
	}
	write("ca.pem", "CERTIFICATE", certificate)
	write("key.pem", "PRIVATE KEY", private)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// The socket that pgx connects to where no host is given: what there is on this host.
var defaultHost = func() string {
	config, err := pgconn.ParseConfig("user=x")
	must(err)
	return config.Host
}()

// given leaves out the user that is nothing but who runs this program.
func given(name string) string {
	if me, err := user.Current(); err == nil && me.Username == name {
		return ""
	}
	return name
}

func readPgx(text string) *target {
	config, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil
	}
	found := &target{User: given(config.User), Password: config.Password, Database: config.Database}
	add := func(host string, port uint16, config *tls.Config) {
		if host == defaultHost {
			host = ""
		}
		found.Places = append(found.Places, place{host, int(port), verified(config)})
	}
	add(config.Host, config.Port, config.TLSConfig)
	for _, next := range config.Fallbacks {
		add(next.Host, next.Port, next.TLSConfig)
	}
	sessions := map[string]pgconn.ValidateConnectFunc{
		"read-write":     pgconn.ValidateConnectTargetSessionAttrsReadWrite,
		"read-only":      pgconn.ValidateConnectTargetSessionAttrsReadOnly,
		"primary":        pgconn.ValidateConnectTargetSessionAttrsPrimary,
		"standby":        pgconn.ValidateConnectTargetSessionAttrsStandby,
		"prefer-standby": pgconn.ValidateConnectTargetSessionAttrsPreferStandby,
	}
	for name, function := range sessions {
		if config.ValidateConnect != nil && reflect.ValueOf(function).Pointer() == reflect.ValueOf(config.ValidateConnect).Pointer() {
			found.Session = name
		}
	}
	return found
}

func verified(config *tls.Config) string {
	switch {
	case config == nil:
		return "none"
	case config.VerifyPeerCertificate != nil:
		return "ca"
	case config.InsecureSkipVerify:
		return "unverified"
	default:
		return "full"
	}
}

func readPq(text string) *target {
	config, err := pq.NewConfig(text)
	if err != nil {
		return nil
	}
	found := &target{User: given(config.User), Password: config.Password, Database: config.Database}
	modes := map[string][]string{
		"disable": {"none"}, "allow": {"none", "unverified"}, "prefer": {"unverified", "none"}, "require": {"unverified"},
		"verify-ca": {"ca"}, "verify-full": {"full"},
	}
	mode := string(config.SSLMode)
	if mode == "" {
		mode = "require"
	}
	if mode == "require" && config.SSLRootCert != "" {
		mode = "verify-ca"
	}
	add := func(host string, port uint16) {
		hows := modes[mode]
		if strings.HasPrefix(host, "/") {
			hows = []string{"none"}
		}
		for _, how := range hows {
			found.Places = append(found.Places, place{host, int(port), how})
		}
	}
	host := func(name, address string) string {
		if address != "" && address != "invalid IP" {
			return address
		}
		return name
	}
	add(host(config.Host, config.Hostaddr.String()), config.Port)
	for _, next := range config.Multi {
		add(host(next.Host, next.Hostaddr.String()), next.Port)
	}
	if session := string(config.TargetSessionAttrs); session != "any" {
		found.Session = session
	}
	found.Certificate = config.SSLCert != ""
	return found
}

func readMysql(text string) *target {
	config, err := mysql.ParseDSN(text)
	if err != nil {
		return nil
	}
	found := &target{User: config.User, Password: config.Passwd, Database: config.DBName}
	how := []string{"none"}
	switch {
	case config.TLS != nil && config.AllowFallbackToPlaintext:
		how = []string{"unverified", "none"}
	case config.TLS != nil:
		how = []string{verified(config.TLS)}
	}
	for _, how := range how {
		at := place{Host: config.Addr, TLS: how}
		if config.Net != "unix" {
			host, port, err := net.SplitHostPort(config.Addr)
			if err != nil || config.Net != "tcp" {
				return nil
			}
			if at.Port, err = strconv.Atoi(port); err != nil {
				return nil
			}
			at.Host = host
		}
		found.Places = append(found.Places, at)
	}
	return found
}

func readRedis(text string) *target {
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil
	}
	found := &target{User: options.Username, Password: options.Password, Database: strconv.Itoa(options.DB)}
	at := place{Host: options.Addr, TLS: verified(options.TLSConfig)}
	if options.Network == "tcp" {
		host, port, err := net.SplitHostPort(options.Addr)
		if err != nil {
			return nil
		}
		if at.Port, err = strconv.Atoi(port); err != nil {
			return nil
		}
		at.Host = host
	}
	found.Places = []place{at}
	return found
}
