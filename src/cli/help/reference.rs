//! `lictor help config`: the reference of the configuration, out of its tables.

use crate::cli::args::flags;
use crate::cli::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::config::TOP;
use crate::config::reference::{Attribute, Block, Needs, Preset, example, find};

/// The page on a block or an attribute by its path, as in `apply` or `apply.min_healthy`. The error is the nearest
/// word.
pub(super) fn page(words: &[&str]) -> Result<String, Option<&'static str>> {
    let way: Vec<&str> = words.iter().flat_map(|word| word.split('.')).filter(|word| !word.is_empty()).collect();
    let found = find(&TOP, &way)?;
    let block = found.way.last().copied().unwrap_or(&TOP);
    let mut page = String::new();
    match found.attribute {
        Some(attribute) => {
            let name = way.join(".");
            one(&mut page, (&name, flag(&name)), block, attribute);
            page.push_str("\nExample:\n");
            page.extend(example(&found.way, attribute).lines().map(|line| format!("  {line}\n")));
        }
        None if found.way.is_empty() => top(&mut page),
        None => whole(&mut page, &way.join("."), block),
    }
    Ok(page)
}

fn top(page: &mut String) {
    page.push_str("At the top:\n");
    let attributes = TOP.effective().map(|attribute| (attribute.word, attribute.meaning));
    rows(page, attributes);
    page.push_str("\nBlocks:\n");
    rows(page, TOP.blocks.iter().map(|block| (block.word, block.meaning)));
    page.push_str(
        "\n`lictor help config BLOCK` has a block's attributes, `lictor help config BLOCK.ATTRIBUTE` an example.\n",
    );
}

fn rows(page: &mut String, entries: impl Iterator<Item = (&'static str, &'static str)>) {
    let rows: Vec<Vec<Cell>> = entries.map(|(word, meaning)| vec![cell(word, Tone::Strong), plain(meaning)]).collect();
    table(page, Paint::PLAIN, "  ", &rows);
}

fn whole(page: &mut String, way: &str, block: &Block) {
    let label = block.label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
    line(page, "", &format!("{way}{label} {{ .. }}"));
    line(page, "  ", block.meaning);
    for attribute in block.effective() {
        page.push('\n');
        one(page, (attribute.word, flag(&format!("{way}.{}", attribute.word))), block, attribute);
    }
    if !block.blocks.is_empty() {
        let needs = match block.needs {
            Needs::OneOfItsBlocks => "\nBlocks in it, of which it holds exactly one:\n",
            Needs::Nothing => "\nBlocks in it:\n",
        };
        page.push_str(needs);
        rows(page, block.blocks.iter().map(|block| (block.word, block.meaning)));
    }
}

/// The flag that says the same as the attribute at the end of this way.
fn flag(way: &str) -> Option<&'static str> {
    flags().find(|(_, path)| path.join(".") == way).map(|(flag, _)| flag)
}

fn one(page: &mut String, (name, flag): (&str, Option<&str>), block: &Block, attribute: &Attribute) {
    let default = match attribute.preset {
        Preset::Needed => "must be given".to_owned(),
        Preset::Words(words) => format!("default: {words}"),
        Preset::Value(_) => format!("default: {}", attribute.written_default().unwrap_or_default()),
    };
    line(page, "", &format!("{name}  ({}; {default})", attribute.kind));
    line(page, "  ", attribute.meaning);
    let (example, taken_up) = (attribute.written_example(), block.taken_up_of(attribute).words());
    line(page, "  ", &format!("For example {} = {example}. A change takes effect with a {taken_up}.", attribute.word));
    if let Some(flag) = flag {
        line(page, "  ", &format!("On the command line: {flag}, which wins."));
    }
}

fn line(page: &mut String, indent: &str, text: &str) {
    table(page, Paint::PLAIN, indent, &[vec![plain(text)]]);
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn blocks_attributes_and_what_is_near() {
        let top = page(&[]).unwrap();
        for word in ["\n  commit_key", "\n  consul", "\n  check", "lictor help config BLOCK"] {
            assert!(top.contains(word), "{word}: {top}");
        }
        let crash = page(&["crash"]).unwrap();
        assert!(
            crash.starts_with("crash { .. }\n") && crash.contains("\nreset_after  (duration; default: \"1m\")\n"),
            "{crash}"
        );
        assert!(page(&["check"]).unwrap().contains("exactly one:\n  http"));
        for words in [&["apply.share"][..], &["apply", "share"]] {
            let share = page(words).unwrap();
            assert!(share.starts_with("apply.share  (share; default: \"100%\")\n"), "{share}");
            assert!(
                share.contains("    handover = \"overlap\"\n    share = \"5%\"\n  }\n  listen \"http\" {\n"),
                "{share}"
            );
        }
        let flag = "On the command line: --exec-kill-timeout, which wins.";
        assert!(page(&["exec.kill_timeout"]).unwrap().contains(flag) && page(&["exec"]).unwrap().contains(flag));
        assert_eq!(page(&["gaurd"]), Err(Some("guard")));
        assert_eq!(page(&["nonsense"]), Err(None));
    }
}
