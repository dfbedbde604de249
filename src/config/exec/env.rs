//! `exec.env {}`: the lists that decide which variables the service gets.

use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value;
use crate::environment::Rules;
use crate::environment::glob::Glob;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Env {
    pub(super) pristine: bool,
    pub(super) rules: Rules,
}

pub(super) fn read(section: &mut Section<'_>) -> Env {
    Env {
        pristine: section.read("pristine", value::boolean).unwrap_or(false),
        rules: Rules {
            custom: section.read("custom", custom).unwrap_or_default(),
            allowlist: section.read("allowlist", globs).unwrap_or_default(),
            denylist: section.read("denylist", globs).unwrap_or_default(),
            ..Rules::default()
        },
    }
}

/// `["NAME=value"]`. The entries are not repeated in messages: values may be secrets.
fn custom(node: &Node) -> Result<Vec<(String, String)>, Finding> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=')?;
        (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    };
    let texts = value::texts(node)?;
    texts.iter().map(|text| pair(text).ok_or_else(|| node.wrong("each entry is written \"NAME=value\""))).collect()
}

fn globs(node: &Node) -> Result<Vec<Glob>, Finding> {
    value::texts(node)?.iter().map(|text| Glob::parse(text).map_err(|why| node.wrong(why.to_string()))).collect()
}
