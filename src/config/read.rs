//! Reads what was written: the files, their two syntaxes, the merge, the places for messages, and the types of values.
//! The meaning of the words is in `blocks`.

pub(super) mod address;
pub(super) mod call;
pub mod duration;
pub(super) mod files;
pub(super) mod hcl;
pub(super) mod hint;
pub(super) mod json;
pub(super) mod kv_path;
pub(super) mod legacy;
pub(super) mod merge;
pub(super) mod nesting;
pub(super) mod place;
pub(super) mod readers;
pub(super) mod report;
pub(super) mod section;
pub(super) mod tree;
pub(super) mod value;
