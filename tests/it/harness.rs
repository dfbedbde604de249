//! What the tests are made of: a Consul, a lictor with its service, a proxy between them, and ways to wait.

pub mod address;
pub mod client;
pub mod consul;
pub mod dependency;
pub mod liar;
pub mod lictor;
pub mod processes;
pub mod program;
pub mod proxy;
pub mod setup;
pub mod telegraf;
pub mod wait;

pub use consul::Consul;
pub use lictor::Lictor;
pub use setup::Setup;
pub use telegraf::Telegraf;
pub use wait::eventually;
