//! Addresses that no other test has: every one is a loopback address of its own, so fixed ports never meet.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};

/// How many addresses one page has: neither 0 nor 255.
const PAGE: u16 = 254;

/// The next address of this test run. Two runs on one machine differ in the process number, which is in the middle; a
/// run that needs many goes on far away from the process numbers beside its own.
pub fn loopback() -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let (page, last) = (next / PAGE, next % PAGE + 1);
    let [_, _, second, third] = std::process::id().to_be_bytes();
    let second = second.wrapping_add(u8::try_from(page * 61).expect("more than a thousand addresses in one run"));
    // 127.0.0.x is everybody's.
    let (second, third) = if (second, third) == (0, 0) { (255, 255) } else { (second, third) };
    Ipv4Addr::new(127, second, third, u8::try_from(last).expect("at most 254"))
}
