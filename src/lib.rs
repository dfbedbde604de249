//! lictor: a runtime sidecar for one Go service on a Linux host.
//!
//! The rooms, from the outside in: `cli` speaks with people, `app` wires everything, `driver` turns the machine,
//! `machine` decides, and the leaf rooms act. `ARCHITECTURE.md` has the picture and the table of allowed imports.

pub mod admin;
pub mod app;
pub mod bulkhead;
pub mod chain;
pub mod check;
pub mod cli;
pub mod clock;
pub mod composer;
pub mod config;
pub mod consul;
pub mod drain;
pub mod driver;
pub mod envfile;
pub mod environment;
pub mod exit;
pub mod expvar;
pub mod fleet;
pub mod gobuild;
pub mod http;
pub mod line;
pub mod listen;
pub mod machine;
pub mod metrics;
pub mod notify;
pub mod offload;
pub mod page;
pub mod procfs;
pub mod promote;
pub mod quiet;
pub mod reexec;
pub mod registration;
pub mod resolve;
pub mod revive;
pub mod secret;
pub mod service;
pub mod signal;
pub mod source;
pub mod state;
pub mod telemetry;
pub mod version;
