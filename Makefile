# The commands of this project. `make` alone lists them.
#
# What a target needs and the machine lacks is set up (tests/setup), or is an error that says how to get it; nothing is
# ever skipped in silence.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
CARGO       ?= cargo

.DEFAULT_GOAL := help
.PHONY: help build test lint scripts bans programs unit demo bench fuzz peers deb rpm dist deny advisories setup

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the release binary, target/release/lictor
	$(CARGO) build --release --locked

# The linters come first: they are quick and their news is short. The test run is last, so that its summary is the last
# thing on the screen.
test: setup peers lint scripts bans programs unit ## set up what is missing, then run every check and test

setup:
	@tests/setup rust go cc hostile checks

peers: setup ## Consul, Telegraf and the other real parts that the tests speak with, into target/peers
	@tests/peers/build consul telegraf grpc consul-template load drivers

lint: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --example closed --features closed -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items --quiet
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	@# That the fuzz targets still compile: any compiler can tell, and it takes libFuzzer itself only to run them.
	CUSTOM_LIBFUZZER_PATH=/dev/null CARGO_TARGET_DIR=target \
	  $(CARGO) clippy --manifest-path fuzz/Cargo.toml -- -D warnings

# What other people's hosts run.
scripts: setup
	@tests/setup scripts
	shellcheck -x examples/codedeploy/scripts/*.sh examples/quickstart/side-by-side packaging/{deb,rpm,dist,stage,version,install.sh} packaging/debian/*

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
	@for module in tests/service tests/listen/load tests/peers/grpc tests/peers/load tests/peers/drivers examples/billing; do \
	  echo "go vet, go test, gofmt: $$module"; \
	  (cd $$module && go vet ./... && go test ./... && test -z "$$(gofmt -l .)") || \
	    { echo "$$module: run gofmt -w, and mend what is said above" >&2; exit 1; }; \
	done

unit: peers
	@tests/setup rig bundle deb rpm probes fleet page
	$(CARGO) test --locked --no-fail-fast

# Licences, bans and sources of every dependency. Apart from `test`, because installing cargo-deny takes two minutes;
# .ci/run calls it.
deny: setup ## licences and origins of all dependencies (installs cargo-deny once, into target/tools)
	@tests/setup deny
	PATH="$$PWD/target/tools/bin:$$PATH" $(CARGO) deny --locked check licenses bans sources

# Where the database cannot be fetched, that is said loudly and is no failure: nothing in this tree can mend it.
advisories: setup ## known flaws of the dependencies, where the database of them can be fetched
	@tests/setup deny
	@export PATH="$$PWD/target/tools/bin:$$PATH"; \
	if $(CARGO) deny --locked fetch db; then \
	  $(CARGO) deny --locked check advisories; \
	else \
	  echo "ADVISORIES: NOT CHECKED. Their database cannot be fetched here (see above); run \`make advisories\` where it can." >&2; \
	fi

deb: setup ## the Debian package, target/debian/lictor.deb
	@tests/setup deb
	$(CARGO) build --release --locked
	packaging/deb release target/debian/lictor.deb
	lintian --allow-root target/debian/lictor.deb

# For another architecture than this machine's: `make rpm ARCH=arm64`. It takes the Rust target and Debian's cross compiler,
# which tests/setup installs where it can.
ARCH_amd64 = x86_64-unknown-linux-gnu
ARCH_arm64 = aarch64-unknown-linux-gnu
TARGET = $(if $(ARCH),$(or $(ARCH_$(ARCH)),$(error ARCH=$(ARCH) is not known here: say amd64 or arm64)))
RELEASE = target/$(if $(TARGET),$(TARGET)/)release/lictor
rpm: setup ## the RPM, in target/rpm; ARCH=arm64: for another architecture
	@tests/setup rpm $(if $(TARGET),target-$(TARGET))
	$(CARGO) build --release --locked $(if $(TARGET),--target $(TARGET))
	@package=$$(packaging/rpm $(RELEASE) target/rpm); \
	  rpmlint --config packaging/rpmlint.toml "$$package"; \
	  echo "$$package"

dist: setup ## the tarball with its install.sh and checksum, in target/dist; ARCH= as for rpm
	@tests/setup rpm $(if $(TARGET),target-$(TARGET))
	$(CARGO) build --release --locked $(if $(TARGET),--target $(TARGET))
	packaging/dist $(RELEASE) target/dist

demo: ## lictor with a small Go service on a watched directory; CONSUL=1: on a real Consul
	@tests/setup rust go cc curl
	@examples/demo/demo $(if $(CONSUL),consul,directory)

bench: setup ## the figures beside their bars, with the machine's name; BENCH=puts: one part; BENCH_QUICK=1: a first look
	@tests/setup bench rig bundle fleet page
	@tests/peers/build consul consul-template load
	$(CARGO) build --release --locked
	LICTOR="$$PWD/target/release/lictor" $(CARGO) bench --target-dir target/bench --locked --bench figures -- $(BENCH)

# Each target for FUZZ_SECONDS, from the seeds in the tree and what earlier runs have found worth keeping. An input that
# breaks something is put into fuzz/artifacts/: it belongs into a test beside the code. FUZZ=kv runs that target alone.
FUZZ         ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))) laws
FUZZ_SECONDS ?= 20
# `laws` is no input but the fleet's simulation: FLEET_SEEDS histories of each kind. FUZZ=laws runs it alone (any Rust will do).
FLEET_SEEDS  ?= 2000
fuzz: setup ## hostile input for all that reads any, FUZZ_SECONDS (20) each (needs nightly Rust and cargo-fuzz), and FLEET_SEEDS histories of a fleet
ifneq ($(filter laws,$(FUZZ)),)
	FLEET_SEEDS=$(FLEET_SEEDS) $(CARGO) test --locked --config 'profile.test.package.lictor.opt-level=2' --lib -- fleet::laws
endif
ifneq ($(filter-out laws,$(FUZZ)),)
	@tests/setup fuzz
	@for target in $(filter-out laws,$(FUZZ)); do \
	  mkdir -p fuzz/corpus/$$target; \
	  $(CARGO) +nightly fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 $(FUZZ_MORE); \
	done
endif
