//! Addresses that no other test has: every one is a loopback address of its own, so fixed ports never meet.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};

/// The next address of this test run. Two runs on one machine differ in the process number, which is in the middle.
pub fn loopback() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let last = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| last.checked_add(1));
    let run = std::process::id().to_be_bytes();
    // 127.0.0.x is everybody's.
    let (second, third) = if run[2..] == [0, 0] { (255, 255) } else { (run[2], run[3]) };
    Ipv4Addr::new(127, second, third, last.expect("more than 254 addresses in one run: widen harness/address.rs"))
}
