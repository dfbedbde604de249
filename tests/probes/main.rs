//! The checks against what they are for: a real PostgreSQL, MariaDB and Redis, with and without TLS, by the real `lictor`.
//!
//! Each test has servers, addresses and folders of its own; `tests/setup probes` sees to it that the servers are
//! installed.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../checks/authority.rs"]
#[allow(dead_code, reason = "nobody here shows a certificate of a client")]
mod authority;
mod harness;
#[path = "../checks/moto.rs"]
#[allow(dead_code, reason = "nobody here looks at signatures")]
mod moto;
mod server;

mod mysql;
mod postgres;
mod redis;
mod story;
mod tcp;
