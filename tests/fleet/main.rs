//! Several instances behind a load balancer, under load: what clients see of it when they are restarted.
//!
//! Real parts all the way: Consul, consul-template, nginx, the Go service, and requests at a fixed pace. `balancer.rs` and
//! `load.rs` know nothing of lictor.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![expect(clippy::print_stdout, reason = "it is shown where a test fails")]
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
    pub use lictor::Lictor;
    pub use setup::Setup;
}

mod balancer;
mod cluster;
mod faults;
mod history;
mod load;
mod restarts;
mod rollout;
mod seats;
mod stage;
