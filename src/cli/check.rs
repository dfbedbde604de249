//! `lictor check`: reads the configuration and says what is wrong with it.

use std::path::PathBuf;

use crate::config::{self, Finding, Flags, Inputs, Lookup, Settings};
use crate::exit;

/// What to print and what to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One line for each error and warning, or "ok"; without a last newline.
    pub text: String,
    /// 0 or 78.
    pub code: u8,
}

/// Reads what `-c` names, as `lictor run` would, and touches nothing else.
pub fn check(paths: &[PathBuf], lookup: Lookup<'_>) -> Answer {
    let inputs = Inputs { paths, flags: &Flags::default(), command: &[], lookup };
    match config::load(inputs) {
        Ok((settings, warnings)) => Answer { text: lines(&[], &warnings, Some(ok(&settings))), code: 0 },
        Err(errors) => Answer { text: lines(&errors.errors, &errors.warnings, None), code: exit::CONFIGURATION },
    }
}

fn lines(errors: &[Finding], warnings: &[Finding], last: Option<String>) -> String {
    let errors = errors.iter().map(Finding::to_string);
    let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
    errors.chain(warnings).chain(last).collect::<Vec<_>>().join("\n")
}

fn ok(settings: &Settings) -> String {
    let (sources, checks) = (settings.sources.len(), settings.checks.len());
    format!("ok: {}: {}, {}", settings.name, counted(sources, "source"), counted(checks, "check"))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::{Answer, check};

    fn answer(text: &str) -> Answer {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.hcl");
        std::fs::write(&path, text).unwrap();
        let Answer { text, code } = check(&[path], &|_| None);
        Answer { text: text.replace(&format!("{}/", directory.path().display()), ""), code }
    }

    #[test]
    fn a_good_configuration_is_one_line() {
        let Answer { text, code } = answer("prefix {\n  path = \"a\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n");
        assert_eq!((text.as_str(), code), ("ok: app: 1 source, 0 checks", 0));
    }

    #[test]
    fn warnings_are_said_and_change_nothing() {
        let Answer { text, code } =
            answer("splay = \"1s\"\nprefix {\n  path = \"a\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n");
        assert_eq!(text.lines().next(), Some("warning: a.hcl:1:1: `splay` is the old form of exec.splay"));
        assert_eq!((text.lines().last(), code), (Some("ok: app: 1 source, 0 checks"), 0));
    }

    #[test]
    fn every_error_has_its_line() {
        let Answer { text, code } = answer("colour = 1\nupcase = 2\nmax_stale = \"1s\"\n");
        assert_eq!(code, 78);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "a.hcl:1:1: unknown word `colour`",
                "a.hcl:2:10: upcase: expected true or false, without quotes, found a number",
                "no command: write it after `--`, or as command = [\"/path/to/program\"] in exec {}",
                "no source: give --prefix, --file or --directory, or write a prefix {}, file {} or directory {} block",
                "warning: a.hcl:3:1: max_stale has no effect: lictor decides by itself when a stale answer will do",
            ]
        );
    }
}
