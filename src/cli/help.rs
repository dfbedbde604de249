//! `lictor help`: a verb, the reference of the configuration, or what each word on the board means and what to do about
//! it.

mod reference;

use clap::CommandFactory;

use super::args::Cli;
use super::paint::{Paint, Tone, cell, plain, table};
use crate::machine::board::words::{self, CONFIG_STATES, Explanation};

/// The topic that was asked for is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no help on {topic}; {instead}")]
pub(super) struct Unknown {
    topic: String,
    instead: String,
}

impl Unknown {
    fn on(topic: &[String]) -> Self {
        let instead = "`lictor help` lists the verbs, `lictor help config` what a configuration may say, and `lictor help \
                       states` the board's words";
        Self { topic: topic.join(" "), instead: instead.to_owned() }
    }

    fn in_the_reference(topic: &[String], near: Option<&str>) -> Self {
        let instead = near.map_or_else(
            || "`lictor help config` lists what a configuration may say".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Self { topic: topic.join(" "), instead }
    }
}

/// The page on this topic.
pub(super) fn page(topic: &[String]) -> Result<String, Unknown> {
    match topic.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(Cli::command().render_long_help().to_string()),
        ["config", way @ ..] => reference::page(way).map_err(|near| Unknown::in_the_reference(topic, near)),
        ["states"] => Ok(states(|_| true)),
        ["states", wanted @ ..] => meaning(wanted).ok_or_else(|| Unknown::on(topic)),
        [verb, ..] => {
            let mut program = Cli::command();
            program.build();
            let found = program.find_subcommand_mut(verb).map(|verb| verb.render_long_help().to_string());
            // A word on the board is not a verb, but it is what people copy.
            found.or_else(|| meaning(topic)).ok_or_else(|| Unknown::on(topic))
        }
    }
}

/// What these words on the board mean, as `held`, `Held:` or the whole sentence with its reason.
fn meaning(words: &[impl AsRef<str>]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let whole = words.join(" ").to_lowercase();
    let wanted = whole.trim_matches(|character: char| !character.is_alphanumeric());
    let is_meant = |name: String| begins(wanted, &name) || begins(&name, wanted);
    let found = states(|state| !wanted.is_empty() && named(state).any(is_meant));
    Some(found).filter(|found| !found.is_empty())
}

/// Whether a text begins with these words, and not only with their letters.
fn begins(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Everything that a state is called, in lower case.
fn named(state: crate::machine::board::ConfigState) -> impl Iterator<Item = String> {
    let begins = words::explained(state).begins.iter().copied();
    std::iter::once(words::config(state)).chain(begins).map(str::to_lowercase)
}

fn states(wanted: impl Fn(crate::machine::board::ConfigState) -> bool) -> String {
    let mut page = String::new();
    for state in CONFIG_STATES.into_iter().filter(|state| wanted(*state)) {
        let Explanation { begins, means, remedy } = words::explained(state);
        let line: Vec<String> = begins.iter().map(|word| format!("\"{word} ...\"")).collect();
        table(&mut page, Paint::PLAIN, "", &[vec![cell(words::config(state), Tone::Strong), plain(line.join(", "))]]);
        table(&mut page, Paint::PLAIN, "  ", &[vec![plain(means)], vec![plain(remedy)]]);
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::machine::board::words::{self, CONFIG_STATES};

    fn asked(topic: &[&str]) -> Result<String, String> {
        let topic: Vec<String> = topic.iter().map(|word| (*word).to_owned()).collect();
        page(&topic).map_err(|unknown| unknown.to_string())
    }

    #[test]
    fn a_verb_or_everything() {
        assert!(asked(&[]).unwrap().contains("Usage: lictor"));
        let validate = asked(&["validate"]).unwrap();
        assert!(validate.contains("Usage: lictor validate") && validate.contains("--timeout"), "{validate}");
        assert!(asked(&["nonsense"]).unwrap_err().contains("no help on nonsense"));
        assert!(asked(&["config"]).unwrap().contains("  crash"));
        assert_eq!(
            asked(&["config", "crash", "backof"]).unwrap_err(),
            "there is no help on config crash backof; did you mean `backoff`?"
        );
    }

    #[test]
    fn what_a_word_means_and_asks() {
        let all = asked(&["states"]).unwrap();
        for word in ["good", "on trial", "\"Reverted ...\"", "\"Held ...\"", "lictor unhold", "lictor retry"] {
            assert!(all.contains(word), "{word} is not in\n{all}");
        }
        for words in [&["states", "Held:", "night", "shift;", "since", "20:00"][..], &["states", "held"]] {
            let held = asked(words).unwrap();
            assert!(held.starts_with("held") && held.contains("lictor release") && held.lines().count() == 4, "{held}");
        }
        assert!(asked(&["states", "purple"]).is_err());
    }

    #[test]
    fn a_word_on_the_board_needs_no_states_before_it() {
        for state in CONFIG_STATES {
            let name = words::config(state);
            let wanted: Vec<&str> = words::explained(state).begins.iter().copied().chain([name]).collect();
            for word in wanted {
                for asked_for in [word.to_owned(), format!("{word}:"), format!("\"{word}: a reason")] {
                    let parts: Vec<&str> = asked_for.split(' ').collect();
                    let found = asked(&parts).unwrap_or_else(|why| panic!("{asked_for}: {why}"));
                    assert!(found.contains(words::explained(state).remedy), "{asked_for}: {found}");
                }
            }
        }
        // Verbs come first; what only begins with the letters of a word is none.
        assert!(asked(&["hold"]).unwrap().contains("Usage: lictor hold"));
        for nothing in [&["goo"][..], &["heldover"], &["states", ":"], &[":"]] {
            assert!(asked(nothing).is_err(), "{nothing:?}");
        }
    }
}
