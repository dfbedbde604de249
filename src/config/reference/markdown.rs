//! `docs/configuration.md`, made from the tables.

use std::fmt::Write as _;

use crate::config::read::legacy;

use super::{Attribute, Block, Needs, Occurs, Preset, find};

const HEAD: &str = "\
# The configuration

<!-- Made from the tables in src/config/blocks: cargo run --example pages -- docs/configuration.md -->

This page lists every block and every attribute, as `lictor help config BLOCK` and the manual page `lictor.hcl(5)` do.

A configuration is HCL, or JSON of the same shape; `-c` takes files and folders of `*.hcl` and `*.json`, in lexical order. Over \
several files the attributes of a block are merged and the later file wins; blocks that may be repeated are all kept. Durations are \
written `250ms` or `1m30s`. `env(\"NAME\")` and `env(\"NAME\", \"default\")` as a whole value stand for a variable of \
lictor's own environment. Flags win over files. `lictor check FILE` reports every mistake.

The column *takes effect with* says what is needed after an edit: *reload* is `lictor reload` (or SIGHUP) and touches no process; \
*restart of the service* is the next start of the service after a reload; *restart of lictor* is `systemctl restart`.
";

/// A flag, and the way to the word that it stands for.
type FlagWay = (&'static str, &'static [&'static str]);

/// The page, ended by a line break. `flags` are those that stand for a word of the configuration.
pub fn markdown(top: &'static Block, promotion: &'static Block, flags: impl Iterator<Item = FlagWay>) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## At the top\n");
    table(&mut page, top);
    for block in top.blocks {
        section(&mut page, block, &[block.word]);
    }
    of_the_command_line(&mut page, top, flags);
    old_forms(&mut page);
    let _ = writeln!(page, "\n## promote.hcl\n{}", promotion.meaning);
    table(&mut page, promotion);
    page
}

/// Which flag says the same as which word.
fn of_the_command_line(page: &mut String, top: &'static Block, flags: impl Iterator<Item = FlagWay>) {
    page.push_str(
        "\n## Flags\n`--prefix`, `--file` and `--directory` each add a block of that name. These flags of `lictor run`, `check`, \
         `plan`, `doctor` and `init` win over the attribute beside them, whatever the files say:\n\n| flag | attribute |\n|---|---|\n",
    );
    let has_effect =
        |way: &&[&str]| !find(top, way).is_ok_and(|found| found.attribute.is_some_and(Attribute::is_ignored));
    let (says, silent): (Vec<FlagWay>, Vec<FlagWay>) = flags.partition(|(_, way)| has_effect(way));
    for (flag, way) in says {
        let _ = writeln!(page, "| `{flag}` | `{}` |", way.join("."));
    }
    let silent: Vec<String> = silent.iter().map(|(flag, _)| format!("`{flag}`")).collect();
    let _ = writeln!(page, "\nAccepted from envconsul's command line, without effect: {}.", silent.join(", "));
}

/// What envconsul's files may say in another way.
fn old_forms(page: &mut String) {
    page.push_str("\n## Old forms\nenvconsul's old forms are read, with a warning that names the new one.\n\n");
    page.push_str("| old | today |\n|---|---|\n| `consul = \"ADDRESS\"` | `consul.address` |\n");
    for (old, way) in legacy::MOVED {
        let _ = writeln!(page, "| `{old}` | `{}` |", way.join("."));
    }
    for (old, new) in legacy::RENAMED {
        let _ = writeln!(page, "| `exec.env.{old}` | `exec.env.{new}` |");
    }
    let blocks: Vec<String> = legacy::NOT_YET.iter().map(|word| format!("`{word}`")).collect();
    let _ = writeln!(page, "\nNot supported yet, and refused by name: {}.", blocks.join(", "));
}

/// A block and the blocks in it. Writing to a string cannot fail.
fn section(page: &mut String, block: &'static Block, way: &[&str]) {
    let _ = writeln!(page, "\n{} {}\n{}", "#".repeat(way.len() + 1), way.join("."), block.meaning);
    let _ = writeln!(page, "{}", form(block));
    table(page, block);
    for inner in block.blocks {
        section(page, inner, &[way, &[inner.word]].concat());
    }
}

/// How it is written.
fn form(block: &Block) -> String {
    let label = block.label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
    let mut form = format!("Syntax: `{}{label} {{ .. }}`", block.word);
    if let Some(short) = block.short {
        let _ = write!(form, " or `{} = \"{short}\"`", block.word);
    }
    if block.occurs == Occurs::Repeatedly {
        form.push_str(", any number of times");
    }
    form.push('.');
    form
}

fn table(page: &mut String, block: &Block) {
    if block.effective().next().is_some() {
        page.push_str(
            "\n| attribute | type | default | example | takes effect with | meaning |\n|---|---|---|---|---|---|\n",
        );
    }
    for attribute in block.effective() {
        let Attribute { word, kind, meaning, .. } = attribute;
        let default = match attribute.preset {
            Preset::Needed => "*must be given*".to_owned(),
            Preset::Words(words) => words.to_owned(),
            Preset::Value(_) => attribute.written_default().map(|value| format!("`{value}`")).unwrap_or_default(),
        };
        let (example, taken_up) = (attribute.written_example(), block.taken_up_of(attribute).words());
        let cells = [format!("`{word}`"), kind.to_string(), default, format!("`{example}`"), taken_up.to_owned()];
        let cells = cells.iter().map(String::as_str).chain([*meaning]).map(cell).collect::<Vec<_>>();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    if block.needs == Needs::OneOfItsBlocks {
        let words: Vec<String> = block.blocks.iter().map(|block| format!("`{}`", block.word)).collect();
        let _ = writeln!(page, "\nExactly one of {} must be in it.", words.join(", "));
    }
    let ignored: Vec<&Attribute> = block.attributes.iter().filter(|attribute| attribute.is_ignored()).collect();
    if !ignored.is_empty() {
        page.push_str("\nAccepted from envconsul's files, without effect: ");
        let words: Vec<String> = ignored.iter().map(|it| format!("`{}` ({})", it.word, it.meaning)).collect();
        let _ = writeln!(page, "{}.", words.join(", "));
    }
}

/// The text with everything escaped that would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
