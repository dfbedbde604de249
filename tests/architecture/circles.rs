//! Inside a room no files depend on each other in a circle. A file may use its own submodules and they may use it; what it
//! re-exports counts for the file that defines it. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex_lite::Regex;

use super::{ROOTS, root, sources, strip_comments};

/// `["machine", "road", "turn"]` for `src/machine/road/turn.rs`.
type Module = Vec<String>;

/// For each file the paths that it names, and the names that it re-exports.
#[derive(Default)]
struct Files {
    uses: BTreeMap<Module, Vec<Vec<String>>>,
    exported: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

#[test]
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let arrows = Files::read().arrows();
    let mut open: BTreeSet<&Module> = arrows.keys().collect();
    // Whatever uses none of the files that are left is in no circle.
    while let Some(end) = open.iter().copied().find(|file| arrows[*file].iter().all(|used| !open.contains(used))) {
        open.remove(end);
    }
    let circle = |file: &&Module| {
        let used: Vec<String> =
            arrows[*file].iter().filter(|used| open.contains(used)).map(|it| it.join("/")).collect();
        format!("{} uses {}", file.join("/"), used.join(", "))
    };
    let circles: Vec<String> = open.iter().map(circle).collect();
    assert!(circles.is_empty(), "files in a circle, or on the way into one:\n{}", circles.join("\n"));
}

#[test]
fn the_members_of_a_group_are_found() {
    let expected = [vec!["super", "a", "B"], vec!["super", "c", "d", "E"], vec!["super", "c", "F"]];
    assert_eq!(expand("super::{a::B as Other, c::{d::E, F}}"), expected);
}

impl Files {
    fn read() -> Self {
        let imports = Regex::new(r#"(?m)^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;"]+);"#).unwrap();
        let paths = Regex::new(r"\b[a-z_][a-z0-9_]*(?:::\w+)+").unwrap();
        let is_test = |module: &Module| module.iter().any(|part| matches!(part.as_str(), "tests" | "laws" | "stories"));
        let files: BTreeMap<Module, String> = sources()
            .iter()
            .map(|file| {
                let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
                let module = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                let text = strip_comments(&fs::read_to_string(file).unwrap());
                (module, text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned())
            })
            .filter(|(module, _)| !is_test(module) && !ROOTS.contains(&module[0].as_str()))
            .collect();
        let mut all = Self::default();
        for (module, text) in &files {
            let mut used = Vec::new();
            let mut exported = BTreeMap::new();
            for found in imports.captures_iter(text) {
                for path in expand(&found[2]) {
                    let Some(path) = absolute(&files, module, &path) else { continue };
                    if found.get(1).is_some() {
                        exported.insert(path.last().unwrap().clone(), path.clone());
                    }
                    used.push(path);
                }
            }
            // The regular expression is slow where there is nothing to find.
            let rest = imports.replace_all(text, "");
            for found in rest.lines().filter(|line| line.contains("::")).flat_map(|line| paths.find_iter(line)) {
                let path: Vec<String> = found.as_str().split("::").map(str::to_owned).collect();
                used.extend(absolute(&files, module, &path));
            }
            all.uses.insert(module.clone(), used);
            all.exported.insert(module.clone(), exported);
        }
        all
    }

    /// Which files of its room each file uses, but for its own submodules.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let arrows = self.uses.iter().map(|(module, paths)| {
            let used = paths.iter().filter_map(|path| self.defining(path.clone()));
            let counts = |used: &Module| used[0] == module[0] && !used.starts_with(module);
            (module.clone(), used.filter(counts).collect())
        });
        arrows.collect()
    }

    /// The file that this path leads to, through re-exports.
    fn defining(&self, mut path: Vec<String>) -> Option<Module> {
        for _ in 0..8 {
            let length = (1..=path.len()).rev().find(|length| self.uses.contains_key(&path[..*length]))?;
            let (module, rest) = path.split_at(length);
            let exported = rest.first().and_then(|name| self.exported[module].get(name));
            match exported {
                Some(origin) if *origin != path => path = [origin, &rest[1..]].concat(),
                _ => return Some(module.to_vec()),
            }
        }
        None
    }
}

/// A path from the crate's root; `None` for what is another crate's or a name of the file itself.
fn absolute(files: &BTreeMap<Module, String>, module: &Module, path: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
        first => {
            let child = [module.as_slice(), &[first.to_owned()]].concat();
            files.contains_key(&child).then(|| [module, path].concat())
        }
    }
}

/// The paths of a tree as it stands after `use`: one for each member of its groups.
pub(super) fn expand(tree: &str) -> Vec<Vec<String>> {
    let parts = |path: &str| -> Vec<String> {
        let path = path.split(" as ").next().unwrap();
        path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let (Some(begin), Some(end)) = (tree.find('{'), tree.rfind('}')) else { return vec![parts(tree)] };
    let (before, group) = (&tree[..begin], &tree[begin + 1..end]);
    let mut members = vec![String::new()];
    let mut depth = 0_u32;
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            members.push(String::new());
        } else {
            members.last_mut().unwrap().push(letter);
        }
    }
    let inside = members.iter().filter(|member| !member.trim().is_empty()).flat_map(|member| expand(member));
    inside.map(|path| [parts(before), path].concat()).collect()
}
