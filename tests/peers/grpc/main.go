// A gRPC server with Go's own health service, for lictor's checks to ask.
//
// Flags: -addr (where to listen), -cert and -key (with TLS), -ca (only for clients that it has signed), -slow (each answer
// comes after this long), -bare (without the health service).
// Lines on standard input set what it says: "billing.v1.Billing SERVING"; an empty name is written "-".
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	cert := flag.String("cert", "", "its certificate")
	key := flag.String("key", "", "the key of it")
	ca := flag.String("ca", "", "who signs its clients")
	slow := flag.Duration("slow", 0, "how long each answer takes")
	bare := flag.Bool("bare", false, "without the health service")
	flag.Parse()

	options := []grpc.ServerOption{grpc.UnaryInterceptor(delay(*slow))}
	if *cert != "" {
		options = append(options, grpc.Creds(credentials.NewTLS(secure(*cert, *key, *ca))))
	}
	server := grpc.NewServer(options...)
	statuses := health.NewServer()
	if !*bare {
		healthpb.RegisterHealthServer(server, statuses)
	}
	listener, err := net.Listen("tcp", *addr)
	check(err)
	go obey(statuses)
	fmt.Println("listening on", listener.Addr())
	check(server.Serve(listener))
}

func delay(by time.Duration) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(by):
			return next(ctx, request)
		}
	}
}

func secure(cert, key, ca string) *tls.Config {
	pair, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		check(err)
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config
}

// obey ends with standard input: whoever started it is gone then.
func obey(statuses *health.Server) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		name, word, _ := strings.Cut(lines.Text(), " ")
		status, known := healthpb.HealthCheckResponse_ServingStatus_value[word]
		if !known {
			log.Fatalf("no such status: %q", word)
		}
		statuses.SetServingStatus(strings.TrimPrefix(name, "-"), healthpb.HealthCheckResponse_ServingStatus(status))
		fmt.Println("said", lines.Text())
	}
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
