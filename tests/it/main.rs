//! The whole program against real parts: Consul itself, a real Go service, the real `lictor`.
//!
//! Each file is one of lictor's promises, each test's name is a sentence of it. Every test has addresses, folders and
//! agents of its own, so they run side by side; they wait for what the board says, never for time to pass.

#![expect(clippy::unwrap_used, reason = "a test says by its panic what is wrong")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/frozen.rs"]
mod frozen;
mod harness;

mod boot;
mod boot_order;
mod check_command;
mod command_line;
mod commit_key;
mod consul_files;
mod consul_outage;
mod consul_rights;
mod consul_watch;
mod demo;
mod deploy_and_config;
mod directory;
mod fleet;
mod guard;
mod history;
mod hostile_answers;
mod hostile_clients;
mod hostile_consul;
mod hostile_files;
mod hostile_fleet;
mod hostile_service;
mod hostile_start;
mod hostile_state;
mod hostile_values;
mod http;
mod killed;
mod metrics;
mod new_build;
mod once;
mod plan;
mod plan_offline;
mod process;
mod promote;
mod promote_many;
mod proxies;
mod registration;
mod reload;
mod reload_keys;
mod restart;
mod roles;
mod schema;
mod secrets;
mod terminal;
mod trial;
mod validate;
mod verbs;
mod version;
mod wall_clock;
