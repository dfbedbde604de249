//! The meaning of the words: one file for each block of the configuration (or word at its top), with all its
//! attributes, their defaults and their rules.

pub(super) mod admin;
pub(super) mod apply;
pub(super) mod check;
pub(super) mod commit_key;
pub(super) mod consul;
pub(super) mod crash;
pub(super) mod drain;
pub(super) mod exec;
pub(super) mod expvar;
pub(super) mod fleet;
pub(super) mod guard;
pub(super) mod key;
pub(super) mod listen;
pub(super) mod log;
pub(super) mod name;
pub(super) mod registration;
pub(super) mod signals;
pub(super) mod sources;
pub(super) mod state;
pub(super) mod statsd;
pub(super) mod status;
pub(super) mod version;
pub(super) mod wait;

use crate::config::reference::{Attribute, Block, TakenUp, Type, attribute, ignored};

/// Everything that a configuration may contain.
pub static TOP: Block = Block::new("", "The words at the top of a configuration, outside of all blocks.")
    .attributes(&[
        name::ATTRIBUTE,
        names("upcase", "Whether the names of variables are converted to upper case."),
        names("sanitize", "Whether every character of a name other than A-Z, a-z, 0-9 and _ becomes _."),
        attribute("pristine", Type::Boolean, "true", "`true` keeps lictor's own environment from the service.")
            .default("false")
            .taken_up(TakenUp::ByStartOfTheService),
        commit_key::ATTRIBUTE,
        commit_key::START,
        attribute("pid_file", Type::Path, "/run/billing/lictor.pid", "A file for lictor's own PID.")
            .taken_up(TakenUp::ByStartOfLictor),
        ignored("kill_signal", "lictor stops on SIGTERM and SIGINT"),
        ignored("reload_signal", "lictor reads its configuration again on SIGHUP"),
        ignored("max_stale", "lictor decides by itself when a stale answer will do"),
    ])
    .holding(&[
        &consul::BLOCK,
        &sources::PREFIX,
        &sources::FILE,
        &sources::DIRECTORY,
        &wait::BLOCK,
        &exec::BLOCK,
        &apply::BLOCK,
        &guard::BLOCK,
        &crash::BLOCK,
        &key::BLOCK,
        &check::BLOCK,
        &version::BLOCK,
        &listen::BLOCK,
        &registration::BLOCK,
        &drain::BLOCK,
        &fleet::BLOCK,
        &status::BLOCK,
        &admin::BLOCK,
        &statsd::BLOCK,
        &expvar::BLOCK,
        &state::BLOCK,
        &log::BLOCK,
    ]);

/// The settings for the names of all variables from the sources.
const fn names(word: &'static str, meaning: &'static str) -> Attribute {
    attribute(word, Type::Boolean, "true", meaning).default("false")
}
