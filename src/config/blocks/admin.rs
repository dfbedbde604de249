//! `admin {}`: the operator's socket.

use crate::config::reference::{Block, TakenUp, Type, attribute};
use std::path::PathBuf;

use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::value;

pub(crate) static BLOCK: Block =
    Block::new("admin", "The admin socket, which `lictor status`, `hold`, `release` and the other verbs use.")
        .attributes(&[
            attribute("socket", Type::Path, "/run/billing/lictor.sock", "Where the socket is.").otherwise(
                "`NAME.sock` in `$RUNTIME_DIRECTORY`, else in `/run/lictor` (root) or `$XDG_RUNTIME_DIR/lictor`",
            ),
            attribute(
                "mode",
                Type::Mode,
                "0600",
                "The socket's permissions. Whoever may write to it can do everything that an operator can.",
            )
            .default("0660"),
            attribute("group", Type::Text, "ops", "The socket's group.").otherwise("lictor's own group"),
        ])
        .taken_up(TakenUp::ByStartOfLictor);

/// `admin {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// `None`: the default place for this name.
    pub socket: Option<PathBuf>,
    /// Its permissions, such as 0o660.
    pub mode: u32,
    /// Its group.
    pub group: Option<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { socket: None, mode: 0o660, group: None }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Admin {
    let default = Admin::default();
    Admin {
        socket: section.read("socket", value::maybe_text).flatten().map(PathBuf::from),
        mode: section.read("mode", mode).unwrap_or(default.mode),
        group: section.read("group", value::maybe_text).flatten(),
    }
}

/// Permissions as text: a number would be read as decimal.
fn mode(node: &Node) -> Result<u32, Finding> {
    const EXPECTED: &str = "expected permissions as text, as in \"0660\"";
    let Value::Text(text) = &node.value else { return Err(node.wrong(EXPECTED)) };
    let octal = (3..=4).contains(&text.len()) && text.chars().all(|c| c.is_digit(8));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| octal && *mode <= 0o777);
    mode.ok_or_else(|| node.wrong(EXPECTED))
}
