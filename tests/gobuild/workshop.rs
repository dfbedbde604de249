//! Builds small Go programs with the Go at hand, without the network.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// It is never imported with a value, so that only the linker can give it one.
const MAIN: &str = r#"package main

import (
	"time"

	build "example.com/billing/internal/build.v2"
)

var version string

func main() {
	println(version, build.Version)
	time.Sleep(time.Hour)
}
"#;

/// A Go module in a directory of its own; programs are built beside it, not in it.
pub(crate) struct Workshop {
    scratch: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let shop = Self { scratch: tempfile::tempdir().expect("a temporary directory") };
        std::fs::create_dir_all(shop.module().join("internal/build.v2")).expect("a writable directory");
        shop.write("go.mod", "module example.com/billing\n\ngo 1.21\n");
        shop.write("main.go", MAIN);
        shop.write("internal/build.v2/build.go", "package build\n\nvar Version string\n");
        shop
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.module().join(name), text).expect("a writable directory");
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.scratch.path().join("module")
    }

    /// Where a program, or anything else that is not of the module, is put.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// `go build -o NAME ARGUMENTS`.
    pub(crate) fn build(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let program = self.place(name);
        let mut go = self.go();
        run(go.args(["build", "-o"]).arg(&program).args(arguments));
        program
    }

    /// What `go version -m` prints of a program.
    pub(crate) fn go_version(&self, program: &Path) -> String {
        run(self.go().args(["version", "-m"]).arg(program))
    }

    fn go(&self) -> Command {
        let mut go = Command::new("go");
        go.current_dir(self.module())
            .env("GOFLAGS", "-mod=mod")
            .envs([("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GOWORK", "off")])
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        go
    }

    /// `git ARGUMENTS` in the module.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.module()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]);
        run(git.args(arguments)).trim().to_owned()
    }
}

/// Runs a tool that must succeed; gives what it wrote to stdout.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?} cannot be run ({error}); these tests need go, git, gcc and binutils in PATH")
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
