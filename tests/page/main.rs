//! The page, in a real Chromium, on a real Consul: what a person sees of it.
//!
//! `chromium.rs` speaks DevTools' protocol and knows nothing of lictor; `tab.rs` is one tab, as a person uses it;
//! `records.rs` writes what lictors would write. Screenshots land in `target/page/`, for a look.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../it/harness"]
#[allow(dead_code, reason = "tests/it uses the rest of it")]
mod harness {
    pub mod address;
    pub mod client;
    pub mod consul;
    pub mod lictor;
    pub mod processes;
    pub mod program;
    pub mod setup;
    pub mod wait;

    pub use consul::Consul;
    pub use setup::Setup;
    pub use wait::eventually;
}

mod away;
mod change;
mod chromium;
mod hostile;
mod http;
mod instances;
mod live;
mod one_host;
mod records;
mod server;
mod tab;
