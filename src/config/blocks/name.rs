//! `name`: the service's name in the status, in metrics and on the disk.

use crate::config::reference::{Attribute, TakenUp, Type, attribute};
use std::path::Path;

use crate::config::read::place::Place;
use crate::config::read::section::Section;
use crate::config::read::value;

pub(crate) const ATTRIBUTE: Attribute = attribute(
    "name",
    Type::Text,
    "payments",
    "The service's name in the status, in metrics, on disk and in Consul; unique on a host.",
)
.otherwise("the file name of the command")
.taken_up(TakenUp::ByStartOfLictor);

/// The name that is given, else the command's file name.
pub(crate) fn read(root: &mut Section<'_>, program: Option<&Path>) -> Option<String> {
    let is_given = root.has("name");
    let given = root.read("name", value::parsed(parse));
    if is_given {
        return given;
    }
    let file = program?.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = parse(file);
    if name.is_err() {
        let sentence = "the command's file name cannot be the service's name: write name = \"...\" or --name, \
                        letters, digits, `.`, `_` and `-`";
        root.error(&Place::Nowhere, sentence);
    }
    name.ok()
}

/// A name is also used for a directory and a socket, so it has no slash, and no dot at its beginning, which would hide
/// them.
fn parse(text: &str) -> Result<String, &'static str> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fine) && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 64 letters, digits, `.`, `_` and `-`, and no `.` at the beginning")
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_name_is_safe_as_a_file_s_name() {
        for good in ["billing", "a", "Billing-2.0_x", &"x".repeat(64)] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ü", "a\n", &"x".repeat(65)] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
