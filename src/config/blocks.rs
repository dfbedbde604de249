//! What the words mean: one file a block of the configuration (or a word at its top), with all its attributes, their
//! defaults and their rules.

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
