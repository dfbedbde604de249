//! Translates the command line that envconsul's users write to the form that clap accepts: one dash before a long name,
//! old names, and a command that begins at the first word that is not a flag.

use super::refused;
use crate::config::{Place, Warning};

/// A command line in clap's form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Normal {
    pub(super) line: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

/// envconsul's old flags, and their names today; without one, it has no effect.
const OLD: &[(&str, Option<&str>)] = &[
    ("-auth", Some("consul-auth")),
    ("-consul", Some("consul-addr")),
    ("-retry", Some("consul-retry-backoff")),
    ("-splay", Some("exec-splay")),
    ("-ssl", Some("consul-ssl")),
    ("-ssl-ca-cert", Some("consul-ssl-ca-cert")),
    ("-ssl-cert", Some("consul-ssl-cert")),
    ("-ssl-verify", Some("consul-ssl-verify")),
    ("-timeout", None),
    ("-token", Some("consul-token")),
];

/// Normalises a command line, with the program's own name as its first word. The sentence of an error says what is
/// not supported.
pub(super) fn normalise(line: Vec<String>, command: &clap::Command) -> Result<Normal, String> {
    let mut words = line.into_iter();
    let program = words.next().unwrap_or_else(|| "lictor".to_owned());
    if program.rsplit('/').next() == Some("envconsul") {
        return Err(refused::verb("envconsul").unwrap_or_default());
    }
    let mut normal = Normal { line: vec![program], warnings: Vec::new() };
    let Some(verb) = words.next() else { return Ok(normal) };
    if let Some(sentence) = refused::verb(&verb) {
        return Err(sentence);
    }
    let known = command.find_subcommand(&verb);
    match (known, verb.as_str()) {
        (None, "-v" | "-version") => normal.line.push("--version".to_owned()),
        (None, "-help") => normal.line.push("--help".to_owned()),
        _ => normal.line.push(verb.clone()),
    }
    match known {
        Some(known) => Flags { known, grammar: Grammar::of(&verb) }.read(words, &mut normal)?,
        None => normal.line.extend(words),
    }
    Ok(normal)
}

/// How a verb takes its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    /// envconsul's: its old flags, and a command that begins at the first word that is not a flag.
    Run,
    /// The same flags; words are files, and a command begins behind `--`.
    Configuration,
    /// Nothing of envconsul's.
    Plain,
}

impl Grammar {
    fn of(verb: &str) -> Self {
        match verb {
            "run" => Self::Run,
            "check" | "plan" | "init" | "doctor" => Self::Configuration,
            _ => Self::Plain,
        }
    }
}

/// The flags of one verb.
struct Flags<'a> {
    known: &'a clap::Command,
    grammar: Grammar,
}

impl Flags<'_> {
    fn read(&self, mut words: impl Iterator<Item = String>, normal: &mut Normal) -> Result<(), String> {
        // The switch just before this word, if it was one without a value.
        let mut bare_switch: Option<String> = None;
        while let Some(word) = words.next() {
            let before = bare_switch.take();
            let Some(given) = flag(&word) else {
                if let Some(switch) = before.filter(|_| self.grammar == Grammar::Run && is_boolean(&word)) {
                    let mut rest = words.peekable();
                    if rest.peek().is_some() {
                        return Err(format!(
                            "--{switch} does not take the next word as its value: write --{switch}={word}, or put -- before \
                             a command that is named {word}"
                        ));
                    }
                    normal.line.extend(["--".to_owned(), word]);
                    return Ok(());
                }
                let begins_command = self.grammar == Grammar::Run;
                if word == "--" || !begins_command {
                    normal.line.push(word.clone());
                } else {
                    normal.line.extend(["--".to_owned(), word.clone()]);
                }
                if word == "--" || begins_command {
                    normal.line.extend(words);
                    return Ok(());
                }
                continue;
            };
            let (name, value) = given.split_once('=').map_or((given, None), |(name, value)| (name, Some(value)));
            let name = long(name);
            let name = if self.grammar == Grammar::Plain { Some(name) } else { Self::today(name, normal)? };
            let takes_next = name.is_none_or(|name| self.takes_value(name));
            let value = value.map(str::to_owned).or_else(|| if takes_next { words.next() } else { None });
            let Some(name) = name else { continue };
            bare_switch = Some(name.to_owned()).filter(|_| value.is_none() && !takes_next);
            normal.line.push(match value {
                Some(value) => format!("--{name}={value}"),
                None => format!("--{name}"),
            });
        }
        Ok(())
    }

    /// The flag's name today; `None` if it has no effect and is left out.
    fn today<'n>(name: &'n str, normal: &mut Normal) -> Result<Option<&'n str>, String> {
        if let Some(sentence) = refused::flag(name) {
            return Err(sentence);
        }
        let Some((old, today)) = OLD.iter().find(|(old, _)| old.trim_start_matches('-') == name) else {
            return Ok(Some(name));
        };
        let sentence = match today {
            Some(today) => format!("this is the old form of --{today}"),
            None => "this has no effect: the service runs as long as it wants".to_owned(),
        };
        normal.warnings.push(Warning { place: Place::Flag(old), sentence });
        Ok(*today)
    }

    fn takes_value(&self, name: &str) -> bool {
        let known = self.known.get_arguments().find(|arg| arg.get_long() == Some(name));
        known.is_some_and(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
    }
}

/// Whether a word may be meant as the value of a switch.
fn is_boolean(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

/// A flag without its dashes; a dash alone is a word.
fn flag(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    (!name.is_empty()).then_some(name)
}

/// One dash and one letter is the short form of a long name.
fn long(name: &str) -> &str {
    match name {
        "c" => "config",
        "h" => "help",
        "n" => "number",
        "v" => "version",
        long => long,
    }
}
