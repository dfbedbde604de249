//! Checks and numbers of the whole program against real parts: TLS servers, queues, gRPC servers, Go programs, Telegraf.

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
    pub mod telegraf;
    pub mod wait;

    pub use lictor::Lictor;
    pub use setup::Setup;
    pub use telegraf::Telegraf;
    #[allow(unused_imports, reason = "as above")]
    pub use wait::eventually;
}

mod authority;
mod cbor;
mod cloudwatch_stub;
mod grpc_server;
mod moto;
mod web_server;
mod words;

mod cloudwatch;
mod drivers;
mod expvar;
mod grpc;
mod http;
mod silent_resolver;
mod sqs;
