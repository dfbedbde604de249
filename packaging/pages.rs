//! Writes the manual pages and the shells' completions into a folder, from the same definitions as `--help` and `lictor help
//! config`; or, for a name that ends in `.md`, the reference of the configuration into that file.
//!
//!     cargo run --example pages -- target/packaging
//!     cargo run --example pages -- docs/configuration.md

#[path = "pages/configuration.rs"]
mod configuration;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use lictor::cli::args::{Cli, flags};
use lictor::config::reference::{self, Block};
use lictor::config::{PROMOTION, TOP};

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "name the folder to write into"))?;
    if folder.extension().is_some_and(|ending| ending == "md") {
        return fs::write(folder, reference::markdown(&TOP, &PROMOTION, flags()));
    }
    fs::create_dir_all(&folder)?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    page(&program, &folder)?;
    configuration::page(&folder)?;
    let topics = PossibleValuesParser::new(topics(&program));
    let mut program =
        Cli::command().mut_subcommand("help", |help| help.mut_arg("topic", |topic| topic.value_parser(topics)));
    for (shell, name) in [(Shell::Bash, "lictor.bash"), (Shell::Zsh, "_lictor"), (Shell::Fish, "lictor.fish")] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut program, "lictor", &mut text);
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// What `lictor help` explains: the verbs, the words for the other pages, and each block by the way to it. Other words, such as
/// those on the board, are explained too, so this is for completions alone.
///
/// clap keeps what it is given, which for a program that ends at once may be leaked.
fn topics(program: &Command) -> Vec<&'static str> {
    let verbs = program.get_subcommands().filter(|verb| !verb.is_hide_set());
    let verbs = verbs.map(|verb| &*verb.get_name().to_owned().leak());
    let mut topics: Vec<&str> = verbs.chain(["config", "states"]).collect();
    blocks(&mut topics, "", TOP.blocks);
    topics
}

fn blocks(topics: &mut Vec<&'static str>, way: &str, within: &[&'static Block]) {
    for block in within {
        let way = format!("{way}{}", block.word);
        blocks(topics, &format!("{way}."), block.blocks);
        topics.push(way.leak());
    }
}

/// One page for the program and one for each of its verbs.
fn page(command: &Command, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = Vec::new();
    let man = Man::new(command.clone()).title(name).section("1").manual("lictor");
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if command.get_after_long_help().or(command.get_after_help()).is_some() {
        let mut extra = Vec::new();
        man.render_extra_section(&mut extra)?;
        text.extend(String::from_utf8_lossy(&extra).replacen(".SH EXTRA", ".SH NOTES", 1).into_bytes());
    }
    if command.has_subcommands() {
        let mut more = Roff::new();
        more.control("SH", ["SEE ALSO"]);
        more.text([roman("lictor.hcl(5), /usr/share/doc/lictor, systemctl(1), consul(1), envconsul(1)")]);
        more.to_writer(&mut text)?;
    }
    fs::write(folder.join(format!("{name}.1")), text)?;
    command.get_subcommands().filter(|verb| !verb.is_hide_set()).try_for_each(|verb| page(verb, folder))
}
