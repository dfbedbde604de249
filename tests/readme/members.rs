//! Every member of what is written as JSON by the way to it, as in `checks[].state`, read from the program's types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

struct Field {
    name: String,
    /// The type without what is around it.
    of: String,
    /// `[]` for a list, else empty.
    list: &'static str,
    /// Its members are those of what it stands in.
    is_flat: bool,
}

/// The members of what this type and the types in it are written as.
pub(crate) fn of(name: &str, files: &[(PathBuf, String)]) -> BTreeSet<String> {
    let types: BTreeMap<String, Vec<Field>> = files.iter().flat_map(|(_, text)| types(text)).collect();
    assert!(types.contains_key(name), "{name}: {:?}", types.keys());
    let mut members = BTreeSet::new();
    add(&mut members, &types, name, "");
    members
}

fn add(members: &mut BTreeSet<String>, types: &BTreeMap<String, Vec<Field>>, of: &str, before: &str) {
    for field in types.get(of).into_iter().flatten() {
        if field.is_flat {
            add(members, types, &field.of, before);
            continue;
        }
        let way = format!("{before}{}", field.name);
        add(members, types, &field.of, &format!("{way}{}.", field.list));
        members.insert(way);
    }
}

/// The structs with named fields of one file.
fn types(text: &str) -> Vec<(String, Vec<Field>)> {
    let mut found: Vec<(String, Vec<Field>)> = Vec::new();
    let (mut is_inside, mut attributes) = (false, String::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
            found.push((name.to_owned(), Vec::new()));
            is_inside = true;
        } else if line == "}" {
            is_inside = false;
        } else if let (true, Some((_, fields))) = (is_inside, found.last_mut()) {
            let line = line.trim();
            if line.starts_with("#[") {
                attributes.push_str(line);
            } else if let Some((name, of)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")) {
                let attributes = std::mem::take(&mut attributes);
                if !attributes.contains("serde(skip)") {
                    fields.push(field(name, of.trim_end_matches(','), attributes.contains("flatten")));
                }
            }
        }
    }
    found
}

fn field(name: &str, of: &str, is_flat: bool) -> Field {
    let (mut of, mut list) = (of, "");
    while let Some((around, inner)) = of.strip_suffix('>').and_then(|of| of.split_once('<')) {
        if around == "Vec" {
            list = "[]";
        } else if !matches!(around, "Option" | "Arc" | "Box") {
            break;
        }
        of = inner;
    }
    Field { name: name.to_owned(), of: of.to_owned(), list, is_flat }
}
