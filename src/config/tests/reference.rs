//! The tables of the configuration say what its readers do.
//!
//! That each table has exactly the words that its reader asks for is seen whenever a block is read (`read/section`).

use std::collections::BTreeSet;

use super::Case;
use crate::config::read::{legacy, merge};
use crate::config::reference::written::{ways, wrapped, written};
use crate::config::reference::{Attribute, Block, Occurs, Preset, Type, find};
use crate::config::{Errors, Settings, TOP, Warning};

/// What is read beside a text: all that every configuration needs, unless the text is about that.
fn read(way: &[&'static Block], text: &str) -> Result<(Settings, Vec<Warning>), Errors> {
    let exec = "exec {\n  command = [\"/bin/app\"]\n}\n";
    let exec = if way.first().is_some_and(|block| block.word == "exec") { "" } else { exec };
    let base = format!("prefix {{\n  path = \"billing/\"\n}}\n{exec}");
    Case::of(&[("0.hcl", &base), ("1.hcl", text)]).load()
}

fn settings(way: &[&'static Block], text: &str) -> Settings {
    read(way, text).map_or_else(|errors| panic!("{errors}\n{text}"), |(settings, _)| settings)
}

/// Looks at each entry, and says of all at once what is wrong.
fn each(look: impl Fn(&[&'static Block], &'static Attribute) -> Result<(), String>) {
    let attributes = attributes();
    assert!(attributes.len() > 120, "{}", attributes.len());
    let wrong: Vec<String> = attributes.iter().filter_map(|(way, attribute)| look(way, attribute).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The settings of this text.
fn given(way: &[&'static Block], text: &str) -> Result<Settings, String> {
    read(way, text).map(|(settings, _)| settings).map_err(|errors| format!("{errors}\n{text}"))
}

fn errors(way: &[&'static Block], text: &str) -> String {
    read(way, text).map_or_else(|errors| errors.to_string(), |_| format!("this is read:\n{text}"))
}

/// Each attribute that does something, with the way to it.
fn attributes() -> Vec<(Vec<&'static Block>, &'static Attribute)> {
    let of = |way: Vec<&'static Block>| {
        let block = way.last().copied().unwrap_or(&TOP);
        block.effective().map(move |attribute| (way.clone(), attribute)).collect::<Vec<_>>()
    };
    ways(&TOP).into_iter().flat_map(of).collect()
}

#[test]
fn every_example_is_read_and_changes_something() {
    each(|way, attribute| {
        let given = self::given(way, &written(way, attribute, Some(&attribute.written_example())))?;
        let without = written(way, attribute, None);
        if attribute.preset == Preset::Needed {
            let said = errors(way, &without);
            let missing = [format!("`{}` is missing", attribute.word), "no command".to_owned()];
            return if missing.iter().any(|missing| said.contains(missing)) { Ok(()) } else { Err(said) };
        }
        let changes = self::given(way, &without)? != given;
        if changes { Ok(()) } else { Err(format!("{} changes nothing in:\n{without}", attribute.word)) }
    });
}

#[test]
fn every_default_is_the_one_that_is_used() {
    assert!(attributes().iter().filter(|(_, attribute)| attribute.written_default().is_some()).count() > 60);
    each(|way, attribute| {
        let Some(default) = attribute.written_default() else { return Ok(()) };
        let text = written(way, attribute, Some(&default));
        let (mut given, without) = (self::given(way, &text)?, self::given(way, &written(way, attribute, None))?);
        // That somebody has written the default address is kept: such an address must not be taken.
        given.status.chosen = without.status.chosen;
        if given == without { Ok(()) } else { Err(format!("this is not the default:\n{text}")) }
    });
}

#[test]
fn every_type_is_held() {
    each(|way, attribute| {
        let word = attribute.word;
        let said = errors(way, &written(way, attribute, Some(attribute.kind.wrong())));
        if !said.contains(&format!("{word}: ")) {
            return Err(format!("{word}: {said}"));
        }
        let Type::OneOf(words) = attribute.kind else { return Ok(()) };
        let (_, expected) = said.split_once("expected ").ok_or(format!("{word}: {said}"))?;
        if expected.split('"').skip(1).step_by(2).ne(words.iter().copied()) {
            return Err(format!("{word}: the table has {words:?}, and the reader {expected}"));
        }
        words.iter().try_for_each(|value| given(way, &written(way, attribute, Some(&format!("\"{value}\"")))).map(drop))
    });
}

#[test]
fn what_has_no_effect_says_so() {
    for way in ways(&TOP) {
        let block = way.last().copied().unwrap_or(&TOP);
        for ignored in block.attributes.iter().filter(|attribute| attribute.is_ignored()) {
            let (_, warnings) = read(&way, &wrapped(&way, None, &format!("{} = 1\n", ignored.word))).unwrap();
            let end = format!("{} has no effect: {}", ignored.word, ignored.meaning);
            assert!(warnings.iter().any(|warning| warning.sentence.ends_with(&end)), "{warnings:?}");
        }
    }
}

#[test]
fn what_can_be_written_as_one_text_is_read() {
    for way in ways(&TOP) {
        let Some((block, outer)) = way.split_last() else { continue };
        let Some(short) = block.short else { continue };
        let text = wrapped(outer, None, &format!("{} = \"{short}\"\n", block.word));
        assert!(settings(outer, &text) != settings(outer, &wrapped(outer, None, "")), "{text}");
    }
}

#[test]
fn blocks_are_repeated_as_their_tables_say() {
    let repeated = TOP.blocks.iter().filter(|block| block.occurs == Occurs::Repeatedly);
    let repeated: BTreeSet<&str> = repeated.map(|block| block.word).collect();
    let merged = merge::REPEATED.iter().copied().filter(|word| !legacy::NOT_YET.contains(word));
    assert_eq!(repeated, merged.collect());
    for way in ways(&TOP).iter().filter(|way| way.len() > 1) {
        assert_eq!(way[way.len() - 1].occurs, Occurs::Once, "no reader of an inner block takes several");
    }
}

#[test]
fn every_entry_is_a_sentence() {
    for way in ways(&TOP) {
        let block = way.last().copied().unwrap_or(&TOP);
        let attributes = block.effective().map(|attribute| (attribute.word, attribute.meaning));
        for (word, meaning) in attributes.chain([(block.word, block.meaning)]) {
            assert!(meaning.ends_with(['.', ' ']) || meaning.ends_with("..."), "{word}: {meaning}");
            assert!(!meaning.contains("  ") && !meaning.contains('\n'), "{word}: {meaning}");
        }
        let words: BTreeSet<&str> = block.words().into_iter().collect();
        assert_eq!(words.len(), block.words().len(), "{} has a word twice", block.word);
    }
}

#[test]
fn old_forms_become_words_of_today() {
    for (old, way) in legacy::MOVED {
        assert!(find(&TOP, way).is_ok(), "{old}");
    }
    for (old, new) in legacy::RENAMED {
        assert!(find(&TOP, &["exec", "env", new]).is_ok(), "{old}");
    }
}

#[test]
fn entries_are_found_by_their_way() {
    let found = find(&TOP, &["check", "http", "json", "field"]).unwrap();
    assert_eq!((found.way.len(), found.attribute.unwrap().word), (3, "field"));
    assert_eq!(find(&TOP, &["exec", "env"]).unwrap().way.last().unwrap().word, "env");
    assert_eq!(find(&TOP, &["aply"]).unwrap_err(), Some("apply"));
    assert_eq!(find(&TOP, &["apply", "watch", "min"]).unwrap_err(), None);
    assert_eq!(find(&TOP, &["apply", "min_health"]).unwrap_err(), Some("min_healthy"));
}
