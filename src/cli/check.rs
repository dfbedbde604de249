//! `lictor check`: reads the configuration and reports what is wrong with it.

use super::configuration::Configuration;
use crate::app::{self, AskedSources, Grade, Readiness};
use crate::config::{Finding, Settings};
use crate::exit;
use crate::line::counted;

/// The text to print, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// One line for each error and warning, or "ok"; without a last newline.
    pub(super) text: String,
    /// 0, 78, or 2 if there is nothing to check; where the sources are asked, also 1 and 69.
    pub(super) code: u8,
}

const NOTHING: &str = "lictor: nothing to check: name a file, as in `lictor check /etc/lictor/billing.hcl`, or write what \
                       `lictor run` is started with";

/// Reads the configuration as `lictor run` would, and the files on this host that it names as sources, if they are
/// there already: what would be left out of them is a warning. It touches nothing else.
pub(super) fn check(configuration: &Configuration) -> Answer {
    if !configuration.is_given() {
        return Answer { text: NOTHING.to_owned(), code: exit::USAGE };
    }
    match configuration.load() {
        Ok((settings, warnings)) => {
            let mut last = Vec::new();
            for source in &settings.sources {
                last.extend(source.left_out().iter().map(|what| format!("warning: {what}")));
            }
            last.push(ok(&settings));
            Answer { text: lines(&[], &warnings, last), code: exit::OK }
        }
        Err(errors) => Answer { text: lines(&errors.errors, &errors.warnings, []), code: exit::CONFIGURATION },
    }
}

/// As [`check`], and asks all sources once, Consul too: what `lictor run` would get from each of them, what would be
/// left out of it, and whether a service could start on the rest.
pub(super) async fn with_sources(configuration: &Configuration) -> Answer {
    if !configuration.is_given() {
        return Answer { text: NOTHING.to_owned(), code: exit::USAGE };
    }
    let (settings, warnings) = match configuration.load() {
        Ok(loaded) => loaded,
        Err(errors) => {
            return Answer { text: lines(&errors.errors, &errors.warnings, []), code: exit::CONFIGURATION };
        }
    };
    let AskedSources { findings, readiness } = app::ask_sources(&settings).await;
    let mut last: Vec<String> = findings.iter().map(found).collect();
    let code = match readiness {
        Readiness::Starts => {
            last.push(ok(&settings));
            exit::OK
        }
        Readiness::Refused => exit::NO,
        Readiness::Silent => exit::UNAVAILABLE,
    };
    Answer { text: lines(&[], &warnings, last), code }
}

fn found(finding: &app::Finding) -> String {
    let app::Finding { grade, subject, text } = finding;
    match grade {
        Grade::Fine => format!("{subject}: {text}"),
        Grade::Mind => format!("warning: {subject}: {text}"),
        Grade::Wrong => format!("error: {subject}: {text}"),
    }
}

fn lines(errors: &[Finding], warnings: &[Finding], last: impl IntoIterator<Item = String>) -> String {
    let errors = errors.iter().map(Finding::to_string);
    let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
    errors.chain(warnings).chain(last).collect::<Vec<_>>().join("\n")
}

fn ok(settings: &Settings) -> String {
    let (sources, checks) = (settings.sources.len() as u64, settings.checks.len() as u64);
    format!("ok: {}: {}, {}", settings.name, counted(sources, "source"), counted(checks, "check"))
}

#[cfg(test)]
mod tests {
    use super::{Answer, check};
    use crate::cli::configuration::Configuration;

    fn answer(text: &str) -> Answer {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.hcl");
        std::fs::write(&path, text).unwrap();
        let Answer { text, code } = check(&Configuration { paths: vec![path], ..Configuration::default() });
        Answer { text: text.replace(&format!("{}/", directory.path().display()), ""), code }
    }

    #[test]
    fn a_good_configuration_is_one_line() {
        let Answer { text, code } = answer("prefix {\n  path = \"a\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n");
        assert_eq!((text.as_str(), code), ("ok: app: 1 source, 0 checks", 0));
    }

    #[test]
    fn nothing_to_check_is_wrong_usage() {
        let Answer { text, code } = check(&Configuration::default());
        assert_eq!((code, text.starts_with("lictor: nothing to check: name a file")), (2, true), "{text}");
    }

    #[test]
    fn warnings_are_said_and_change_nothing() {
        let Answer { text, code } =
            answer("splay = \"1s\"\nprefix {\n  path = \"a\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n");
        assert_eq!(text.lines().next(), Some("warning: a.hcl:1:1: `splay` is the old form of exec.splay"));
        assert_eq!((text.lines().last(), code), (Some("ok: app: 1 source, 0 checks"), 0));
    }

    #[test]
    fn what_would_be_left_out_of_a_file_is_said_and_one_that_is_not_there_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("app.env"), "\u{feff}A=1\nexport B=2\nC=3\n").unwrap();
        std::fs::write(at("nul.env"), "A=1\nB=\0\n").unwrap();
        let file = |name: &str| format!("file {{\n  path = \"{}\"\n}}\n", at(name));
        let files: String = ["app.env", "nul.env", "later.env"].map(file).concat();
        let Answer { text, code } = answer(&format!("{files}exec {{\n  command = [\"/bin/app\"]\n}}\n"));
        let name = "before the `=` is not a name of letters, digits and `_` (nor is `export` one)";
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                format!("warning: {}: line 1 is ignored: what stands {name}", at("app.env")),
                format!("warning: {}: line 2 is ignored: what stands {name}", at("app.env")),
                format!(
                    "warning: {} is not an environment file: line 2 has a NUL byte: an environment file is text",
                    at("nul.env")
                ),
                "ok: app: 3 sources, 0 checks".to_owned(),
            ]
        );
        assert_eq!(code, 0);
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
