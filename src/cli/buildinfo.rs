//! `lictor buildinfo FILE [--json]`: the build information in a Go program's file, and the version that lictor derives
//! from it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::gobuild::{self, BuildInfo, Module};
use crate::machine::{Build, Version};

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As `go version -m` has it, with the verdict below.
    Text,
    /// One JSON object.
    Json,
}

/// The file has no build information; the exit code is 1.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell how {file} was built")]
pub struct Error {
    /// Which file.
    pub file: PathBuf,
    /// Why not.
    pub source: gobuild::Error,
}

/// The whole output for one file, with its last newline. `symbol` is the Go variable that `-ldflags -X` sets.
pub fn run(file: &Path, symbol: &str, format: Format) -> Result<String, Error> {
    let report = report(file, symbol).map_err(|source| Error { file: file.to_owned(), source })?;
    Ok(match format {
        Format::Text => text(&report),
        Format::Json => json(&report),
    })
}

struct Report<'p> {
    file: &'p Path,
    symbol: &'p str,
    info: BuildInfo,
    version: Version,
    build: Build,
}

fn report<'p>(path: &'p Path, symbol: &'p str) -> Result<Report<'p>, gobuild::Error> {
    let file = gobuild::open(path)?;
    let info = gobuild::read_file(&file)?;
    let version = gobuild::or_revision(gobuild::judge(&info, &file, symbol));
    Ok(Report { file: path, symbol, version, build: gobuild::identity_of_file(&file), info })
}

fn text(report: &Report<'_>) -> String {
    let mut lines = vec![format!("{}: {}", report.file.display(), shown(&report.info.go))];
    lines.extend(info_lines(&report.info).into_iter().map(|line| format!("\t{line}")));
    let Version { version, source, revision, time, modified, go: _ } = &report.version;
    lines.push(match (version, source) {
        (Some(version), Some(source)) => format!("version  {version} ({source})"),
        _ => format!(
            "version  unknown (no -X {0}=.. in -ldflags, no symbol {0}, no module version, no commit)",
            shown(report.symbol)
        ),
    });
    if let Some(revision) = revision {
        let mut line = format!("commit   {revision}");
        // Writing to a string does not fail.
        let _ = time.as_ref().map_or(Ok(()), |time| write!(line, " of {time}"));
        line.push_str(if *modified == Some(true) { ", with changes that were not committed" } else { "" });
        lines.push(line);
    }
    lines.push(format!("build    {}", report.build.0));
    lines.join("\n") + "\n"
}

fn info_lines(info: &BuildInfo) -> Vec<String> {
    let mut lines = Vec::new();
    if !info.path.is_empty() {
        lines.push(format!("path\t{}", shown(&info.path)));
    }
    for (word, module) in
        info.module.iter().map(|main| ("mod", main)).chain(info.dependencies.iter().map(|d| ("dep", d)))
    {
        let Module { path, version, sum, replace } = module;
        let start = format!("{word}\t{}\t{}", shown(path), shown(version));
        if let Some(by) = replace {
            lines.push(start);
            lines.push(format!("=>\t{}\t{}\t{}", shown(&by.path), shown(&by.version), shown(&by.sum)));
        } else {
            lines.push(format!("{start}\t{}", shown(sum)));
        }
    }
    let settings = info.settings.iter().map(|(key, value)| {
        let key =
            if key.is_empty() || key.contains('=') || needs_quotes(key) { gobuild::quote(key) } else { key.clone() };
        let value = if needs_quotes(value) { gobuild::quote(value) } else { value.clone() };
        format!("build\t{key}={value}")
    });
    lines.extend(settings);
    lines
}

fn needs_quotes(text: &str) -> bool {
    text.chars().any(|letter| matches!(letter, ' ' | '"' | '`') || letter.is_control())
}

/// The text without control characters for the terminal, because the file is not trusted.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

#[derive(Serialize)]
struct JsonModule<'r> {
    path: &'r str,
    version: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sum: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace: Option<Box<Self>>,
}

impl<'r> From<&'r Module> for JsonModule<'r> {
    fn from(module: &'r Module) -> Self {
        let replace = module.replace.as_deref().map(|by| Box::new(by.into()));
        Self { path: &module.path, version: &module.version, sum: &module.sum, replace }
    }
}

fn json(report: &Report<'_>) -> String {
    let settings: serde_json::Map<String, serde_json::Value> =
        report.info.settings.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let object = serde_json::json!({
        "file": report.file.to_string_lossy(),
        "version": report.version.version,
        "source": report.version.source,
        "revision": report.version.revision,
        "time": report.version.time,
        "modified": report.version.modified,
        "go": report.info.go,
        "build": report.build,
        "path": report.info.path,
        "module": report.info.module.as_ref().map(JsonModule::from),
        "dependencies": report.info.dependencies.iter().map(JsonModule::from).collect::<Vec<_>>(),
        "settings": settings,
    });
    format!("{object:#}\n")
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::{BuildInfo, Format, Module, info_lines, run};

    #[test]
    fn lines_are_as_go_writes_them() {
        let module = |path: &str| Module { path: path.to_owned(), version: "v1.0.0".to_owned(), ..Module::default() };
        let by = Module { sum: "h1:x=".to_owned(), ..module("example.com/fork") };
        let info = BuildInfo {
            go: "go1.26.8".to_owned(),
            path: "example.com/a\u{1b}[31m".to_owned(),
            module: Some(module("example.com/a")),
            dependencies: vec![Module { replace: Some(Box::new(by)), ..module("example.com/b") }],
            settings: [("-ldflags", "-X 'a=b c'"), ("CGO_CFLAGS", ""), ("a=b", "\u{1b}")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
        };
        assert_eq!(
            info_lines(&info),
            [
                "path\texample.com/a\u{fffd}[31m",
                "mod\texample.com/a\tv1.0.0\t",
                "dep\texample.com/b\tv1.0.0",
                "=>\texample.com/fork\tv1.0.0\th1:x=",
                "build\t-ldflags=\"-X 'a=b c'\"",
                "build\tCGO_CFLAGS=",
                "build\t\"a=b\"=\"\\x1b\"",
            ]
        );
    }

    #[test]
    fn a_file_without_build_information_is_named() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let file = scratch.path().join("billing");
        std::fs::write(&file, "#!/bin/sh\nexec ./real\n").expect("a writable directory");
        let error = run(&file, "main.version", Format::Text).expect_err("not a Go program");
        assert_eq!(error.to_string(), format!("cannot tell how {} was built", file.display()));
        assert!(error.source().is_some_and(|source| source.to_string().contains("not an ELF file")), "{error:?}");
    }
}
