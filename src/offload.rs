//! Work that may block, each piece on a thread of its own.
//!
//! A disk that hangs, a user database that does not answer, or a program that lies on a dead mount hangs only the thread
//! that asked it. The runtime's own pool does not help: it has a few threads for everything, so that work which hangs
//! there would starve work of every other kind. Whoever offloads waits for one piece before it begins the next, which
//! bounds the number of threads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::signal;

/// A piece of work on its way. Dropping it leaves the work to finish by itself; its result is then dropped on its thread.
#[derive(Debug)]
pub struct Offloaded<T>(Result<oneshot::Receiver<T>, Option<io::Error>>);

/// Begins the work at once, within the runtime that this is called in.
///
/// The future returns an error if no thread can be started, or if the work panics.
pub fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Offloaded<T> {
    let (answer_tx, answer_rx) = oneshot::channel();
    let runtime = Handle::current();
    let run = move || {
        let _within = runtime.enter();
        // Nobody waits any more: the result is dropped here.
        let _ = answer_tx.send(work());
    };
    let spawned = signal::shielded(|| std::thread::Builder::new().name("lictor-io".to_owned()).spawn(run));
    Offloaded(spawned.map(|_| answer_rx).map_err(Some))
}

impl<T> Future for Offloaded<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(answer) => {
                Pin::new(answer).poll(context).map_err(|_| io::Error::other("lictor has met a bug: a thread panicked"))
            }
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(|| io::ErrorKind::Other.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::offload;

    #[tokio::test]
    async fn the_answer_comes_back_and_a_panic_is_an_error() {
        assert_eq!(offload(|| 7).await.unwrap(), 7);
        assert!(offload(|| -> u8 { panic!("on purpose") }).await.is_err());
    }

    #[tokio::test]
    async fn one_piece_that_hangs_holds_up_no_other() {
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hanging = offload(move || hangs.recv());
        for number in 0..20 {
            assert_eq!(offload(move || number).await.unwrap(), number);
        }
        drop(release);
        assert!(hanging.await.unwrap().is_err());
    }
}
