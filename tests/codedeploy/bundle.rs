//! Bundles: `examples/codedeploy` built by its own `Makefile`, and changed ones, as a mistake changes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

static OLD: LazyLock<PathBuf> = LazyLock::new(|| make("1.214", &format!("{EXAMPLES}/billing")));
static NEW: LazyLock<PathBuf> = LazyLock::new(|| make("1.215", &format!("{EXAMPLES}/billing")));
static BROKEN: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("broken-billing-{}", std::process::id()));
    done(Command::new("cp").arg("-r").arg(format!("{EXAMPLES}/billing")).arg(&source));
    let settings = fs::read_to_string(source.join("settings.go")).unwrap();
    // It takes no number of workers at all.
    let broken = settings.replace("workers > 64", "workers > 0");
    assert_ne!(settings, broken, "settings.go has changed");
    fs::write(source.join("settings.go"), broken).unwrap();
    let built = make("1.216", source.to_str().unwrap());
    fs::remove_dir_all(source).unwrap();
    built
});

/// The zip of release 1.214.
pub fn old() -> PathBuf {
    OLD.join("billing-1.214.zip")
}

/// The zip of release 1.215.
pub fn new() -> PathBuf {
    NEW.join("billing-1.215.zip")
}

/// The zip of release 1.216, which ends as soon as it is started.
pub fn broken() -> PathBuf {
    BROKEN.join("billing-1.216.zip")
}

/// A bundle of a test's own.
#[derive(Debug)]
pub struct Bundle(TempDir);

impl Bundle {
    /// Release 1.215, to be changed.
    pub fn new() -> Self {
        let bundle = Self::empty();
        done(Command::new("cp").arg("-r").arg(NEW.join("bundle/.")).arg(bundle.0.path()));
        bundle
    }

    /// One with nothing in it.
    pub fn empty() -> Self {
        Self(tempfile::Builder::new().prefix("bundle-").tempdir().unwrap())
    }

    /// Replaces words in one of its files.
    #[must_use]
    pub fn edited(self, file: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.0.path().join(file)).unwrap();
        assert!(text.contains(from), "{file} has changed: {text}");
        self.with(file, &text.replacen(from, to, 1))
    }

    /// With this file.
    #[must_use]
    pub fn with(self, file: &str, text: &str) -> Self {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// As it is handed over.
    pub fn zip(&self) -> PathBuf {
        let zip = self.0.path().join("bundle.zip");
        let _ = fs::remove_file(&zip);
        done(Command::new("zip").args(["-q", "-r", "-X"]).arg(&zip).arg(".").current_dir(self.0.path()));
        zip
    }
}

/// Runs the `Makefile`; gives the folder of what it has made.
fn make(version: &str, service: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("codedeploy-{version}"));
    let mut command = Command::new("make");
    command.args(["-s", "-C", &format!("{EXAMPLES}/codedeploy"), &format!("BUILD_NUMBER={version}")]);
    done(command.arg(format!("SERVICE={service}")).arg(format!("OUT={}", out.display())).env_remove("MAKEFLAGS"));
    out
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
