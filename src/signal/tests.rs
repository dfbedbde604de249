use std::process::Command;

use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::{Signal, exists, hold, leave_pending, name, number, numbers};

#[test]
fn names_are_read_with_and_without_prefix_in_any_case() {
    for spelling in ["SIGTERM", "TERM", "term", "sigterm", "SigTerm"] {
        assert_eq!(number(spelling), Some(15), "{spelling}");
    }
    for nonsense in ["", "SIG", "SIGSIGTERM", "TERMINATE", "15", "TÉRM"] {
        assert_eq!(number(nonsense), None, "{nonsense}");
    }
}

#[test]
fn every_name_and_number_has_its_way_back() {
    let named: Vec<_> = (1..32).filter_map(|signal| Some((signal, name(signal)?))).collect();
    assert_eq!(named.len(), 31, "{named:?}");
    for (signal, known) in named {
        assert!(known.starts_with("SIG"), "{known}");
        assert_eq!(number(known), Some(signal));
    }
    for (signal, known) in
        [(libc::SIGSTKFLT, "STKFLT"), (libc::SIGPWR, "PWR"), (libc::SIGIO, "IO"), (libc::SIGSYS, "SYS")]
    {
        assert_eq!(number(known), Some(signal));
    }
    assert_eq!(name(0), None);
    assert_eq!(name(40), None);
}

#[test]
fn real_time_signals_go_by_their_place() {
    let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    for (spelling, expected) in
        [("SIGRTMIN", first), ("rtmin+0", first), ("RTMIN+3", first + 3), ("RTMAX", last), ("RTMAX-1", last - 1)]
    {
        assert_eq!(number(spelling), Some(expected), "{spelling}");
    }
    for nonsense in ["RTMIN-1", "RTMIN+", "RTMIN+99", "RTMIN3", "RTMAX+1", "RTMAX-99", "RTMIN+-1", "RTMIN+9999999999"] {
        assert_eq!(number(nonsense), None, "{nonsense}");
    }
    assert!(exists(first) && exists(last) && exists(libc::SIGTERM));
    assert!(!exists(0) && !exists(first - 1) && !exists(last + 1) && !exists(-1));
}

#[test]
fn only_term_and_int_stop_and_only_hup_reloads() {
    assert_eq!(Signal::of(libc::SIGTERM), Signal::Stop);
    assert_eq!(Signal::of(libc::SIGINT), Signal::Stop);
    assert_eq!(Signal::of(libc::SIGHUP), Signal::Reload);
    assert_eq!(Signal::of(libc::SIGQUIT), Signal::Forward(libc::SIGQUIT));
}

/// What is ignored belongs to the whole process, so the tests that change it take turns.
static TURN: Semaphore = Semaphore::const_new(1);

#[tokio::test]
async fn signals_arrive_as_a_stream() {
    let _turn = TURN.acquire().await.unwrap();
    let mut one = numbers().unwrap();
    let mut other = numbers().unwrap();
    let us = rustix::process::getpid();
    rustix::process::kill_process(us, rustix::process::Signal::ALARM).unwrap();
    assert_eq!(one.next().await, Some(libc::SIGALRM));
    assert_eq!(other.next().await, Some(libc::SIGALRM));
}

#[tokio::test]
async fn what_came_while_signals_were_held_is_heard_afterwards() {
    let _turn = TURN.acquire().await.unwrap();
    hold().unwrap();
    leave_pending(libc::SIGPWR);
    leave_pending(libc::SIGUSR1);
    let heard = numbers().unwrap().take(2).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(heard.await, [libc::SIGPWR, libc::SIGUSR1].into());
}

/// The hexadecimal set of this name in the child's `/proc/self/status`.
fn set_of_a_child(name: &str) -> u64 {
    let output = Command::new("grep").args([&format!("^{name}:"), "/proc/self/status"]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let set = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
    // glibc's posix_spawn ignores the two that it keeps for itself, 32 and 33, in every child.
    set & !(0b11 << 31)
}

#[tokio::test]
#[expect(unsafe_code, reason = "plays the starter that left signals blocked and ignored")]
async fn children_inherit_neither_a_block_nor_an_ignored_signal() {
    let _turn = TURN.acquire().await.unwrap();
    let urgent = 1 << (libc::SIGURG - 1);
    let user = 1 << (libc::SIGUSR2 - 1);
    // SAFETY: the set is initialised before use, and the mask is this thread's alone; nothing in this process uses SIGURG.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        libc::signal(libc::SIGURG, libc::SIG_IGN);
    }
    assert_eq!((set_of_a_child("SigBlk") & user, set_of_a_child("SigIgn") & urgent), (user, urgent));
    let _heard = numbers().unwrap();
    assert_eq!((set_of_a_child("SigBlk"), set_of_a_child("SigIgn")), (0, 0));
}
