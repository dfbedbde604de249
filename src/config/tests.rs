//! Whole configurations, through `load`.

mod blocks;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
mod databases;
mod envconsul;
mod fleet;
mod hostile;
mod merging;
mod probes;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "redis", feature = "sqs", feature = "grpc"))]
mod reference;
mod surface;
mod syntax;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Errors, Flags, Inputs, Settings, Warning, load};

/// What a configuration needs at least.
const LEAST: &str = "prefix {\n  path = \"app/\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n";

/// A configuration for a test: files in a directory of their own, given with `-c` in this order.
struct Case<'a> {
    files: &'a [(&'a str, &'a str)],
    flags: Flags,
    command: &'a [&'a str],
    environment: &'a [(&'a str, &'a str)],
}

impl<'a> Case<'a> {
    fn of(files: &'a [(&'a str, &'a str)]) -> Self {
        Self { files, flags: Flags::default(), command: &[], environment: &[] }
    }

    fn load(self) -> Result<(Settings, Vec<Warning>), Errors> {
        let directory = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = self
            .files
            .iter()
            .map(|(name, text)| {
                let path = directory.path().join(name);
                std::fs::write(&path, text).unwrap();
                // As the documentation has it: others than the service's group do not read it.
                std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
                path
            })
            .collect();
        let command: Vec<String> = self.command.iter().map(|word| (*word).to_owned()).collect();
        let lookup = |name: &str| {
            self.environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        load(Inputs { paths: &paths, flags: &self.flags, command: &command, lookup: &lookup })
    }

    /// The errors, one a line, by the files' bare names.
    fn errors(self) -> String {
        match self.load() {
            Ok(_) => "no error".to_owned(),
            Err(errors) => bare(&errors.to_string()),
        }
    }

    fn settings(self) -> Settings {
        self.load().map_or_else(|errors| panic!("{errors}"), |(settings, _)| settings)
    }

    fn warnings(self) -> String {
        let (_, warnings) = self.load().unwrap_or_else(|errors| panic!("{errors}"));
        bare(&warnings.iter().map(Warning::to_string).collect::<Vec<_>>().join("\n"))
    }
}

/// Without the directory of the test.
fn bare(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.rsplit_once('/').filter(|(start, _)| start.starts_with('/')).map_or(line, |_| {
                let end = line.find(": ").unwrap_or(line.len());
                let start = line[..end].rfind('/').map_or(0, |at| at + 1);
                &line[start..]
            })
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The settings of the least configuration and this text.
fn with(text: &str) -> Settings {
    Case::of(&[("a.hcl", &format!("{LEAST}{text}"))]).settings()
}

/// The errors of this text, which stands before the least configuration.
fn errors_of(text: &str) -> String {
    Case::of(&[("a.hcl", &format!("{text}\n{LEAST}"))]).errors()
}
