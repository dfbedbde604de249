//! The read-only resources over HTTP/1.1, answered from memory: no request ever runs a probe, changes anything or waits for
//! the driver. The room reads the board and nothing else.
//!
//! [`serve`] is the one server, for TCP and for the admin socket alike; [`Resources`] is what it serves, one file a
//! resource.

mod bind;
mod board;
mod body;
mod env;
mod exposition;
mod health;
mod host;
mod listener;
mod pages;
mod query;
mod question;
mod reply;
mod resources;
mod server;
mod slots;
mod status;
mod verdict;
mod waiting;

#[cfg(test)]
mod tests;

pub use bind::{BindError, StatusPort, Wanted, bind_status};
pub use body::{Body, Events};
pub use exposition::{Exposition, Format};
pub use host::HostNames;
pub use listener::{Listener, Peer};
pub use pages::{PageHandler, Pages, Served};
pub use query::Query;
pub use reply::{Answer, Reply, error, json, not_allowed, not_read, page};
pub use resources::{Resources, waits};
pub use server::{Handler, Limits, serve};
pub use status::{REASON_HEADER, VERDICT_HEADER};
pub use verdict::not_restarted;
