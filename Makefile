# The commands of this project. `make` alone lists them.
#
# What a target needs and the machine lacks is set up (tests/setup), or is an error that says how to get it; nothing is
# ever skipped in silence.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
CARGO       ?= cargo

.DEFAULT_GOAL := help
.PHONY: help build test lint bans programs unit demo bench peers deny setup

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the release binary, target/release/lictor
	$(CARGO) build --release --locked

# The linters come first: they are quick and their news is short. The test run is last, so that its summary is the last
# thing on the screen.
test: setup peers lint bans programs unit ## set up what is missing, then run every check and test

setup:
	@tests/setup rust go cc

peers: setup ## Consul and Telegraf, the real parts that the tests speak with, into target/peers
	@tests/peers/build consul telegraf

lint: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items --quiet

# deny.toml says the same, but this needs no tool: the C-built TLS stacks must not come in by a default feature.
bans:
	@for crate in aws-lc-rs aws-lc-sys openssl-sys native-tls; do \
	  if $(CARGO) tree --locked --edges all --invert "$$crate" 2>/dev/null | grep .; then \
	    echo "the crate $$crate is linked (see the tree above): leave out the default TLS features of what brings it" >&2; \
	    exit 1; \
	  fi; \
	done

# The Go programs: the one that lictor is tested with, and the one of the demo.
programs: setup
	@for module in tests/service examples/billing; do \
	  echo "go vet, go test, gofmt: $$module"; \
	  (cd $$module && go vet ./... && go test ./... && test -z "$$(gofmt -l .)") || \
	    { echo "$$module: run gofmt -w, and mend what is said above" >&2; exit 1; }; \
	done

unit: peers
	@tests/setup rig
	$(CARGO) test --locked --no-fail-fast

# Licences, bans and sources of every dependency. Apart from `test`, because installing cargo-deny takes two minutes;
# .ci/run calls it. Advisories are left to a machine that may clone their database: `cargo deny check advisories`.
deny: setup ## licences and origins of all dependencies (installs cargo-deny once, into target/tools)
	@tests/setup deny
	PATH="$$PWD/target/tools/bin:$$PATH" $(CARGO) deny --locked check licenses bans sources

demo: setup ## lictor with a small Go service on a watched directory; CONSUL=1: on a real Consul
	@examples/demo/demo $(if $(CONSUL),consul,directory)

bench: setup ## the figures, with the machine's name
	@tests/setup bench
	@tests/peers/build consul
	$(CARGO) build --release --locked
	$(CARGO) bench --locked --bench figures -- $(BENCH)
