//! Sockets that lictor holds: real sockets in the kernel, real Go services that take them, and an open load on them.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../it/harness"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod harness {
    pub mod address;
    pub mod client;
    pub mod lictor;
    pub mod processes;
    pub mod program;
    pub mod setup;
    pub mod wait;

    pub use lictor::Lictor;
    pub use setup::Setup;
    #[allow(unused_imports, reason = "as above")]
    pub use wait::eventually;
}

mod billing;
mod cases;
mod go;
#[allow(dead_code, reason = "the benchmarks use the rest of it")]
mod load;

mod overlap;
mod passing;
mod reexec;
mod restart;
mod shut;
mod slow;
mod survive;
