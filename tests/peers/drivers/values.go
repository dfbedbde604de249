package main

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

type value struct {
	Text string `json:"text"`
	Good bool   `json:"good"`
}

// isOf says whether a Go service can read the text as what a `type` in key {} means.
func isOf(kind, text string) bool {
	switch kind {
	case "int":
		_, signed := strconv.ParseInt(text, 10, 64)
		_, unsigned := strconv.ParseUint(text, 10, 64)
		return signed == nil || unsigned == nil
	case "float": // a number: neither NaN nor infinite
		number, err := strconv.ParseFloat(text, 64)
		return err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
	case "bool":
		_, err := strconv.ParseBool(text)
		return err == nil
	case "duration":
		_, err := time.ParseDuration(text)
		return err == nil
	case "url":
		return isURL(text)
	case "port": // that somebody can connect to
		return isPort(text)
	case "host_port":
		host, port, err := net.SplitHostPort(text)
		return err == nil && isPort(port) && !strings.ContainsAny(host, " \t\r\n/?#@\\")
	case "json":
		return json.Valid([]byte(text))
	case "base64":
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if _, err := encoding.DecodeString(text); err == nil {
				return true
			}
		}
		return false
	}
	panic("no such type: " + kind)
}

func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return err == nil && number > 0
}

// A URL with a scheme that leads somewhere: to a host, or (where a scheme can do without) to a path.
func isURL(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme == "" || !strings.Contains(text, "://") || parsed.Opaque != "" {
		return false
	}
	if port := parsed.Port(); port != "" && !isPort(port) {
		return false
	}
	if strings.HasSuffix(parsed.Host, ":") || strings.HasPrefix(parsed.Host, ":") && parsed.Hostname() == "" {
		return false
	}
	switch parsed.Scheme {
	case "http", "https", "ws", "wss":
		return parsed.Host != ""
	}
	return parsed.Host != "" || parsed.Path != "" || parsed.RawQuery != ""
}
