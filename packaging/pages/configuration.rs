//! `lictor.hcl(5)`: the reference of the configuration as a manual page.

use std::path::Path;
use std::{fs, io};

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use lictor::config::TOP;
use lictor::config::reference::{Attribute, Block, Needs, Occurs, Preset};

const ABOUT: &str = "A configuration of lictor is HCL, or JSON of the same shape. lictor run -c takes files and folders of *.hcl \
                     and *.json, in lexical order. Over several files the attributes of a block are merged and the \
                     later file wins; blocks that may be repeated are all kept. Durations are written 250ms or 1m30s. env(\"NAME\") and \
                     env(\"NAME\", \"default\") as a whole value stand for a variable of lictor's own environment. \
                     Flags win over files.";

const EXAMPLE: &str = "\
prefix {
  path = \"billing/\"
}
exec {
  command = [\"/opt/billing/billing\", \"-addr\", \":8080\"]
}
check \"Web\" {
  http {
    url = \"http://127.0.0.1:8080/healthz\"
  }
}";

/// Writes `lictor.hcl.5` into the folder.
pub(crate) fn page(folder: &Path) -> io::Result<()> {
    let mut page = Roff::new();
    page.control("TH", ["lictor.hcl", "5", "", "", "lictor"]);
    page.control("SH", ["NAME"]).text([roman("lictor.hcl - the configuration of lictor")]);
    page.control("SH", ["DESCRIPTION"]).text([roman(ABOUT)]);
    page.control("SH", ["EXAMPLE"]).control("nf", []).text([roman(EXAMPLE)]).control("fi", []);
    page.control("SH", ["WORDS AT THE TOP"]);
    attributes(&mut page, &TOP);
    page.control("SH", ["BLOCKS"]);
    for block in TOP.blocks {
        section(&mut page, block, block.word);
    }
    page.control("SH", ["SEE ALSO"])
        .text([roman("lictor(1), lictor-check(1), lictor-reload(1), /usr/share/doc/lictor/docs")]);
    fs::write(folder.join("lictor.hcl.5"), page.render())
}

fn section(page: &mut Roff, block: &Block, way: &str) {
    let label = block.label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
    // A quotation mark in a heading would end it.
    page.control("SS", [way]);
    let mut text = vec![bold(format!("{}{label} {{ .. }}", block.word)), roman(": ")];
    text.extend(marked(block.meaning));
    if block.occurs == Occurs::Repeatedly {
        text.push(roman(" It may be repeated."));
    }
    if let Some(short) = block.short {
        text.extend([roman(" Also "), bold(format!("{} = \"{short}\"", block.word)), roman(".")]);
    }
    if block.needs == Needs::OneOfItsBlocks {
        let words: Vec<&str> = block.blocks.iter().map(|block| block.word).collect();
        text.push(roman(format!(" One of these must be in it: {}.", words.join(", "))));
    }
    page.text(text);
    attributes(page, block);
    for inner in block.blocks {
        section(page, inner, &format!("{way}.{}", inner.word));
    }
}

fn attributes(page: &mut Roff, block: &Block) {
    for attribute in block.effective() {
        page.control("TP", []);
        let head = [bold(attribute.word), roman(" ("), italic(attribute.kind.to_string()), roman("; ")];
        page.text([&head, marked(&default(attribute)).as_slice(), &[roman(")")]].concat());
        let example = [
            roman(" For example "),
            bold(format!("{} = {}", attribute.word, attribute.written_example())),
            roman(format!(". A change takes effect with a {}.", block.taken_up_of(attribute).words())),
        ];
        page.text([marked(attribute.meaning).as_slice(), &example].concat());
    }
}

/// What the tables have in backquotes is bold.
fn marked(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate();
    pieces.map(|(place, piece)| if place % 2 == 0 { roman(piece) } else { bold(piece) }).collect()
}

fn default(attribute: &Attribute) -> String {
    match attribute.preset {
        Preset::Needed => "must be given".to_owned(),
        Preset::Words(words) => format!("default: {words}"),
        Preset::Value(_) => format!("default {}", attribute.written_default().unwrap_or_default()),
    }
}
