//! The configuration: from HCL or JSON as written to settings with a meaning. Every error is reported at once, with its
//! place.
//!
//! Files become trees of words (`read/hcl`, `read/json`), flags become one more, and `read/merge` makes them one. Then
//! each block's own file in `blocks` has the table of its words and reads them by name and type through a
//! `read::section`. A word that no table has is reported as unknown.

mod blocks;
mod flags;
mod promotion;
mod read;
pub mod reference;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use blocks::TOP;
pub use blocks::admin::Admin;
pub use blocks::apply::Apply;
pub use blocks::key::Key;
pub use blocks::log::{Log, LogFormat};
pub use blocks::state::State;
pub use blocks::statsd::{Statsd, Style};
pub use blocks::status::{Status, default_address as default_status_address};
pub use blocks::version::{Version, VersionProcess};
pub use flags::{FlagValue, Flags, Override, SourceFlag};
pub use promotion::{TOP as PROMOTION, promotion};
pub use read::call::Lookup;
pub use read::duration;
pub use read::place::{Place, Position};
pub use read::report::{Errors, Finding, Warning};
pub use settings::Settings;

use read::report::Report;
use read::{files, hcl, json, legacy, merge, place, section, tree};

/// Where a configuration comes from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What `-c` names: files, and directories of `*.hcl` and `*.json`.
    pub paths: &'a [PathBuf],
    /// What the command line sets, which wins over the files.
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

/// Reads the whole configuration: flags win over files, files over the environment, and the environment over the
/// defaults.
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
    let settings = section::read_root(root, &blocks::TOP, &mut report, |root| settings::read(root, inputs.lookup));
    report.close(settings)
}
