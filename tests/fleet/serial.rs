//! One scene at a time: each brings a dozen processes, and its times are to be those of the scene alone.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held for as long as a scene lasts.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
