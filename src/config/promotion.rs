//! `promote.hcl`: which keys are promoted from one environment to another, and under which names.

use std::path::PathBuf;

use super::read::call::Lookup;
use super::read::report::{Errors, Finding, Report, Warning};
use super::read::section::{Section, read_root};
use super::read::tree::Node;
use super::read::{files, hcl, json, merge, place, tree, value};
use super::reference::{Block, Type, attribute};
use crate::environment::glob::Glob;
use crate::promote::Rules;

/// Everything that `promote.hcl` may contain.
pub static TOP: Block = Block::new("", "Which keys `lictor promote` copies, in the file that `--rules` names.")
    .attributes(&[
        attribute("only", Type::Globs, "[\"APP_*\"]", "Only keys that match one of these are promoted.")
            .otherwise("all"),
        attribute("skip", Type::Globs, "[\"DATABASE_URL\"]", "Keys that match stay as they are on each side."),
        attribute("rename", Type::Pairs, "{ \"host_test\" = \"host\" }", "Keys with other names at the target."),
    ]);

/// Reads these files: `only` and `skip` are lists of globs, `rename = { "key there" = "key here" }`.
///
/// # Errors
/// The first syntax error of each file and every other error at once.
pub fn promotion(paths: &[PathBuf], lookup: Lookup<'_>) -> Result<(Rules, Vec<Warning>), Errors> {
    let mut report = Report::default();
    let mut root = tree::Object::default();
    for (order, written) in files::read(paths, &mut report).into_iter().enumerate() {
        let page = place::Page::new(order, written.file.clone(), &written.text);
        let object =
            if written.is_json() { json::read(&page, &mut report) } else { hcl::read(&page, lookup, &mut report) };
        merge::refuse_twins(&object, &mut report);
        merge::merge(&mut root, object);
    }
    let rules = read_root(root, &TOP, &mut report, |root| Some(rules(root)));
    report.close(rules)
}

fn rules(root: &mut Section<'_>) -> Rules {
    let only = root.read("only", globs).unwrap_or_default();
    let skip = root.read("skip", globs).unwrap_or_default();
    let mut rename = std::collections::BTreeMap::new();
    for (from, node) in root.pairs("rename") {
        match value::some_text(&node) {
            Ok(to) => drop(rename.insert(from, to)),
            Err(finding) => root.error(&finding.place, format!("rename.{from}: {}", finding.sentence)),
        }
    }
    Rules { only, skip, rename }
}

fn globs(node: &Node) -> Result<Vec<Glob>, Finding> {
    value::texts(node)?.iter().map(|text| Glob::parse(text).map_err(|why| node.wrong(why.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::{TOP, promotion};

    fn read(text: &str) -> Result<crate::promote::Rules, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("promote.hcl");
        std::fs::write(&path, text).unwrap();
        promotion(&[path], &|_| None).map(|(rules, _)| rules).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_table_has_what_is_read() {
        for attribute in TOP.effective() {
            let line = |value: &str| format!("{} = {value}\n", attribute.word);
            assert_ne!(read(&line(&attribute.written_example())), read(""), "{}", attribute.word);
            assert!(read(&line(attribute.kind.wrong())).unwrap_err().contains(attribute.word));
        }
    }

    #[test]
    fn rules_and_renames() {
        let rules =
            read("only = [\"*\"]\nskip = [\"DATABASE_URL\", \"AWS_*\"]\nrename = {\n  \"host_test\" = \"host\"\n}\n");
        let rules = rules.unwrap();
        assert_eq!((rules.only.len(), rules.skip.len()), (1, 2));
        assert_eq!(rules.rename.get("host_test").map(String::as_str), Some("host"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let errors = read("skp = []\nonly = 1\nrename = { a = 1 }\n").unwrap_err();
        for part in ["promote.hcl:1:1", "skip", "promote.hcl:2:", "promote.hcl:3:"] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
    }
}
