//! Real Go programs, built in every way that changes where their version can be found.

mod damaged;
mod flags;
mod running;
mod stamped;
mod workshop;
