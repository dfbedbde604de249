//! The signals that lictor itself receives, and the names of all signals.

use std::io;

use futures_util::Stream;
use signal_hook_tokio::Signals;

/// What a signal to lictor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Stop the service and end; once more: kill it now.
    Stop,
    /// Read our own configuration again.
    Reload,
    /// Pass this number on to the main process of the service.
    Forward(i32),
}

impl Signal {
    /// What the signal of this number asks for.
    pub fn of(number: i32) -> Self {
        match number {
            libc::SIGTERM | libc::SIGINT => Self::Stop,
            libc::SIGHUP => Self::Reload,
            other => Self::Forward(other),
        }
    }
}

/// What we listen to: what stops and reloads lictor, and what a service may use for itself. Not SIGCHLD, SIGPIPE and
/// SIGURG, which runtimes use, nor those of a terminal's job control, which are about lictor.
const NAMED: [i32; 11] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGWINCH,
    libc::SIGQUIT,
    libc::SIGALRM,
    libc::SIGCONT,
    libc::SIGIO,
    libc::SIGPWR,
];

/// From now on signals come as a stream of their numbers. Equal ones that arrive before the first is taken may come as
/// one. Call it in the main thread, before any other is started and before the service is: what our starter blocked or
/// ignored would otherwise never arrive, and the service would inherit it.
///
/// # Errors
/// The kernel's error, when there are no more descriptors.
pub fn numbers() -> io::Result<impl Stream<Item = i32>> {
    heed_the_ignored();
    let signals = Signals::new(NAMED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX()))?;
    // Last: what has been waiting, above all while lictor began anew, is heard now and does not kill us.
    mask(Mask::Nothing)?;
    Ok(signals)
}

/// From now on every signal waits that comes to this thread, also for the program that it executes.
///
/// # Errors
/// The kernel's.
pub fn hold() -> io::Result<()> {
    mask(Mask::Everything)
}

/// Starts threads that no signal reaches: they inherit that from the thread which starts them. So each signal to this
/// process comes to the main thread, where it can be held for the program that lictor executes to begin anew; in another
/// thread it would be taken by a handler that nobody hears any more.
pub fn shielded<T>(start: impl FnOnce() -> T) -> T {
    under_mask(Mask::Everything, start)
}

/// Starts processes from a thread that may be shielded. They would inherit that and could not be told to end.
pub fn unshielded<T>(start: impl FnOnce() -> T) -> T {
    under_mask(Mask::Nothing, start)
}

fn under_mask<T>(mask: Mask, start: impl FnOnce() -> T) -> T {
    let before = exchange_mask(mask);
    let started = start();
    if let Ok(before) = before {
        restore_mask(&before);
    }
    started
}

/// A signal that came and was not acted on: it waits, after [`hold`], for the program that this thread executes.
#[expect(unsafe_code, reason = "rustix sends no signal to a thread of ours")]
pub fn leave_pending(number: i32) {
    // SAFETY: the thread is this one, which exists; a number that is no signal is refused.
    let _ = unsafe { libc::pthread_kill(libc::pthread_self(), number) };
}

/// Whether a signal of this number may be sent to a service: one that has a name, or a real-time one. The C library keeps
/// the numbers between for itself.
pub fn exists(number: i32) -> bool {
    name(number).is_some() || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number)
}

/// Which signals wait that come to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    Nothing,
    Everything,
}

fn mask(mask: Mask) -> io::Result<()> {
    exchange_mask(mask).map(drop)
}

/// Gives the mask that was there before.
#[expect(unsafe_code, reason = "neither std nor rustix can change the mask of signals")]
fn exchange_mask(mask: Mask) -> io::Result<libc::sigset_t> {
    // SAFETY: the new set is initialised by sigemptyset or sigfillset before it is read; the old one is plain numbers, which
    // the call fills.
    let (failed, before) = unsafe {
        let (mut set, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        match mask {
            Mask::Nothing => libc::sigemptyset(&raw mut set),
            Mask::Everything => libc::sigfillset(&raw mut set),
        };
        (libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, &raw mut before), before)
    };
    if failed == 0 { Ok(before) } else { Err(io::Error::from_raw_os_error(failed)) }
}

#[expect(unsafe_code, reason = "neither std nor rustix can change the mask of signals")]
fn restore_mask(set: &libc::sigset_t) {
    // SAFETY: the kernel has filled the set; a null old set is allowed. It fails for no set and this way of changing.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set, std::ptr::null_mut()) };
}

/// Gives each signal that is ignored its default action again. SIGPIPE stays ignored: Rust's runtime did that, and gives
/// the default back to children.
#[expect(unsafe_code, reason = "neither std nor rustix can read or change the actions of signals")]
fn heed_the_ignored() {
    for number in (1..=libc::SIGRTMAX()).filter(|&number| number != libc::SIGPIPE) {
        // SAFETY: a null new action only asks; SIG_DFL installs no handler. Numbers that the C library keeps for itself
        // are refused by it with an error, which leaves `action` as it was: not ignored.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(number, std::ptr::null(), &raw mut action);
            if action.sa_sigaction == libc::SIG_IGN {
                libc::signal(number, libc::SIG_DFL);
            }
        }
    }
}

/// The number of a signal by its name, with or without `SIG`, in any case: `SIGTERM`, `TERM`, `term`.
pub fn number(text: &str) -> Option<i32> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let named = |number: &i32| name(*number).is_some_and(|name| name.strip_prefix("SIG") == Some(bare));
    (1..libc::SIGRTMIN()).find(named).or_else(|| real_time(bare))
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-1`.
fn real_time(bare: &str) -> Option<i32> {
    let away = |text: &str, sign: char| if text.is_empty() { Some(0) } else { text.strip_prefix(sign)?.parse().ok() };
    let number = match (bare.strip_prefix("RTMIN"), bare.strip_prefix("RTMAX")) {
        (Some(rest), _) => libc::SIGRTMIN().checked_add(away(rest, '+')?)?,
        (_, Some(rest)) => libc::SIGRTMAX().checked_sub(away(rest, '-')?)?,
        _ => return None,
    };
    (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number).then_some(number)
}

/// The name of a signal, with `SIG`; `None` for real-time signals and for what is not a signal.
pub fn name(number: i32) -> Option<&'static str> {
    match number {
        // Linux has these two and other systems do not.
        libc::SIGSTKFLT => Some("SIGSTKFLT"),
        libc::SIGPWR => Some("SIGPWR"),
        _ => signal_hook::low_level::signal_name(number),
    }
}

#[cfg(test)]
mod tests;
