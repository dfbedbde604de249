package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

// An environment and the shared files, as the SDK may find them. "@FOLDER@" is where the files are.
type account struct {
	Name        string            `json:"name"`
	Env         map[string]string `json:"env"`
	Credentials string            `json:"credentials"`
	Config      string            `json:"config"`
	// Further files, by name.
	Files map[string]string `json:"files,omitempty"`
}

// What the SDK signs with: where it is from, and the ID of the key. "error" where it has none.
type accountAnswer struct {
	account
	Source string `json:"source"`
	Key    string `json:"key"`
}

// readAccount resolves credentials as the SDK does, with a small server in the place of STS and of the instance's
// metadata. That a key comes from the instance shows that nothing before it was used.
func readAccount(one account) accountAnswer {
	folder, err := os.MkdirTemp("", "account-")
	must(err)
	defer os.RemoveAll(folder)
	server := httptest.NewServer(http.HandlerFunc(pretend))
	defer server.Close()
	files := map[string]string{"credentials": one.Credentials, "config": one.Config}
	for name, text := range one.Files {
		files[name] = text
	}
	for name, text := range files {
		must(os.WriteFile(filepath.Join(folder, name), []byte(strings.ReplaceAll(text, "@FOLDER@", folder)), 0o600))
	}
	env := map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE":       filepath.Join(folder, "credentials"),
		"AWS_CONFIG_FILE":                   filepath.Join(folder, "config"),
		"AWS_ENDPOINT_URL_STS":              server.URL,
		"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.URL,
		"AWS_REGION":                        "eu-west-1",
		"PATH":                              "/usr/bin:/bin",
	}
	for name, value := range one.Env {
		env[name] = strings.ReplaceAll(strings.ReplaceAll(value, "@FOLDER@", folder), "@SERVER@", server.URL)
	}
	for name, value := range env {
		os.Setenv(name, value)
	}
	defer func() {
		for name := range env {
			os.Unsetenv(name)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer := accountAnswer{account: one, Source: "error"}
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return answer
	}
	found, err := loaded.Credentials.Retrieve(ctx)
	if err != nil {
		return answer
	}
	names := map[string]string{
		"EnvConfigCredentials": "environment", "SharedConfigCredentials": "profile", "ProcessProvider": "process",
		"AssumeRoleProvider": "role", "WebIdentityCredentials": "web identity", "SSOProvider": "sso",
		"CredentialsEndpointProvider": "container", "EC2RoleProvider": "instance",
	}
	for beginning, name := range names {
		if strings.HasPrefix(found.Source, beginning) {
			answer.Source, answer.Key = name, found.AccessKeyID
			return answer
		}
	}
	answer.Source = "unknown: " + found.Source
	return answer
}

const handedOut = `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":%q,"SecretAccessKey":"S","Token":"T","Expiration":"2100-01-01T00:00:00Z","LastUpdated":"2020-01-01T00:00:00Z"}`

const assumed = `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>` +
	`<AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>` +
	`<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`

func pretend(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		must(r.ParseForm())
		action := r.PostForm.Get("Action")
		_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		by, _, _ := strings.Cut(signed, "/")
		role := r.PostForm.Get("RoleArn")
		fmt.Fprintf(w, assumed, action, role[strings.LastIndex(role, "/")+1:]+" by "+by)
	case r.URL.Path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
		fmt.Fprint(w, "token")
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
		fmt.Fprint(w, "billing")
	case strings.HasPrefix(r.URL.Path, "/latest/meta-data/iam/security-credentials/"):
		fmt.Fprintf(w, handedOut, "INSTANCE")
	case r.URL.Path == "/container":
		fmt.Fprintf(w, handedOut, "CONTAINER")
	default:
		http.NotFound(w, r)
	}
}
