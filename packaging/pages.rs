//! Writes the manual pages and the shells' completions into a folder, from the same definitions as `--help`.
//!
//!     cargo run --example pages -- target/packaging

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use lictor::cli::args::Cli;

/// What the definitions do not say.
const MORE: [(&str, &[&str]); 3] = [
    (
        "EXIT STATUS",
        &["0 done, healthy, yes; 1 no; 2 wrong usage; 3 changes (plan --exit-code); 69 no lictor answered; 70 a bug; \
             75 an address, a socket or a directory is taken; 78 the configuration is wrong. run ends with 0 after a clean \
             stop, run --once with the code of its command."],
    ),
    (
        "FILES",
        &[
            "/etc/lictor/NAME.hcl: the configuration of lictor@NAME.service.",
            "/var/lib/lictor/NAME: good environments (with their values), quarantine, holds, history.",
            "/run/lictor/NAME.sock, /run/lictor/NAME/NAME.sock: the operator's socket.",
        ],
    ),
    ("SEE ALSO", &["/usr/share/doc/lictor, systemctl(1), consul(1), envconsul(1)"]),
];

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "name the folder to write into"))?;
    fs::create_dir_all(&folder)?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    page(&program, &folder)?;
    for (shell, name) in [(Shell::Bash, "lictor.bash"), (Shell::Zsh, "_lictor"), (Shell::Fish, "lictor.fish")] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut program, "lictor", &mut text);
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// One page for the program and one for each of its verbs.
fn page(command: &Command, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = Vec::new();
    Man::new(command.clone()).title(name).section("1").manual("lictor").render(&mut text)?;
    if command.has_subcommands() {
        more().to_writer(&mut text)?;
    }
    fs::write(folder.join(format!("{name}.1")), text)?;
    command.get_subcommands().try_for_each(|verb| page(verb, folder))
}

fn more() -> Roff {
    let mut more = Roff::new();
    for (title, paragraphs) in MORE {
        more.control("SH", [title]);
        for paragraph in paragraphs {
            more.control("PP", []);
            more.text([roman(*paragraph)]);
        }
    }
    more
}
