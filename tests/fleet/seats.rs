//! Two scenes at a time: each brings a dozen processes, which mostly wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for a seat; held for as long as a scene lasts.
pub fn take() -> MutexGuard<'static, ()> {
    static SEATS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SEATS[NEXT.fetch_add(1, Ordering::Relaxed) % SEATS.len()].lock().unwrap_or_else(PoisonError::into_inner)
}
