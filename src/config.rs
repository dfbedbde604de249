//! The configuration: HCL or JSON as written, to settings that mean something; every error at once, with its place.
//!
//! Files become trees of words (`hcl`, `json`), flags become one more; `merge` makes them one; then each block's
//! own file reads its words by name and type through a `section`. What no reader asked for is unknown.

mod address;
mod admin;
mod apply;
mod call;
mod check;
mod commit_key;
mod consul;
mod crash;
mod drain;
pub mod duration;
mod exec;
mod expvar;
mod files;
mod flags;
mod fleet;
mod guard;
mod hcl;
mod hint;
mod json;
mod key;
mod kv_path;
mod legacy;
mod listen;
mod log;
mod merge;
mod name;
mod nearest;
mod nesting;
mod place;
mod promotion;
mod registration;
mod report;
mod section;
mod settings;
mod signals;
mod sources;
mod state;
mod statsd;
mod status;
#[cfg(test)]
mod tests;
mod tree;
mod unsupported;
mod url;
mod value;
mod version;
mod wait;

use std::path::PathBuf;

pub use admin::Admin;
pub use apply::Apply;
pub use call::Lookup;
pub use flags::{FlagValue, Flags, Override, SourceFlag};
pub use key::Key;
pub use log::{Log, LogFormat};
pub use place::{Place, Position};
pub use promotion::promotion;
pub use report::{Errors, Finding, Warning};
pub use settings::Settings;
pub use state::State;
pub use statsd::{Statsd, Style};
pub use status::{Status, default_address as default_status_address};
pub use version::{Version, VersionProcess};

use report::Report;

/// Where a configuration comes from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What `-c` names: files, and directories of `*.hcl` and `*.json`.
    pub paths: &'a [PathBuf],
    /// What the command line says over them.
    pub flags: &'a Flags,
    /// The words after `--`.
    pub command: &'a [String],
    /// lictor's own environment.
    pub lookup: Lookup<'a>,
}

impl std::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").field("paths", &self.paths).field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// Reads the whole configuration: flags win over files, files over the environment, that over defaults.
///
/// # Errors
/// The first syntax error of each file and every other error at once.
pub fn load(inputs: Inputs<'_>) -> Result<(Settings, Vec<Warning>), Errors> {
    let mut report = Report::default();
    let mut root = tree::Object::default();
    for (order, written) in files::read(inputs.paths, &mut report).into_iter().enumerate() {
        let page = place::Page::new(order, written.file.clone(), &written.text);
        let mut object = if written.is_json() {
            json::read(&page, &mut report)
        } else {
            hcl::read(&page, inputs.lookup, &mut report)
        };
        legacy::modernise(&mut object, &mut report);
        merge::refuse_twins(&object, &mut report);
        merge::merge(&mut root, object);
    }
    merge::merge(&mut root, inputs.flags.tree(inputs.command));
    for warning in inputs.flags.remarks(inputs.command) {
        report.warning(&warning.place, warning.sentence);
    }
    let settings = section::read_root(root, &mut report, |root| settings::read(root, inputs.lookup));
    report.close(settings)
}
