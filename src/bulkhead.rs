//! Work that may hang, in a place of its own: a lookup of a name, a file on a mount that has gone away.
//!
//! Such work cannot be aborted: the kernel or the resolver holds its thread until it answers. So it runs on threads of
//! its own and never on those that other work waits for; of one key there is one piece of work at a time, which all who
//! ask for it wait for together; and all keys together have a limit. Who stops waiting leaves nothing behind: the next
//! one joins the work that is still going on.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::watch;

use crate::signal;

/// What one piece of work comes to, once it is over.
type Answer<T> = watch::Receiver<Option<T>>;

/// The work that is going on, by its key.
type Running<T> = watch::Sender<BTreeMap<String, Answer<T>>>;

/// The threads for one kind of work. Clones share them.
pub struct Bulkhead<T> {
    /// The name of its threads, as `ps -L` shows it.
    name: &'static str,
    /// This much may go on at a time.
    limit: usize,
    running: Arc<Running<T>>,
}

impl<T> Clone for Bulkhead<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, limit: self.limit, running: Arc::clone(&self.running) }
    }
}

impl<T> fmt::Debug for Bulkhead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead").field("name", &self.name).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Bulkhead<T> {
    /// A place for this much work at a time.
    pub fn new(name: &'static str, limit: usize) -> Self {
        Self { name, limit, running: Arc::new(Running::default()) }
    }

    /// The result of the work for this key: of the work that is already going on, else of this, as soon as there is
    /// room for it.
    ///
    /// # Errors
    /// No thread can be started, or the work panicked.
    pub async fn run(&self, key: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let mut answer = self.join_or_start(key, work).await?;
        let found = answer.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        found.ok_or_else(|| io::Error::other("the work for it panicked: a bug of lictor"))
    }

    async fn join_or_start(&self, key: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Answer<T>> {
        let mut running = self.running.subscribe();
        let mut entry = None;
        while entry.is_none() {
            // Its sender is `self`.
            let _ = running.wait_for(|running| running.contains_key(key) || running.len() < self.limit).await;
            self.running.send_if_modified(|running| {
                if let Some(answer) = running.get(key) {
                    entry = Some(Entry::Joined(answer.clone()));
                } else if running.len() < self.limit {
                    let (done, answer) = watch::channel(None);
                    running.insert(key.to_owned(), answer.clone());
                    entry = Some(Entry::Started(done, answer));
                }
                false
            });
        }
        match entry {
            Some(Entry::Joined(answer)) => Ok(answer),
            Some(Entry::Started(done, answer)) => {
                let place = Taken { key: key.to_owned(), running: Arc::clone(&self.running), done };
                let run = move || place.end(work());
                signal::shielded(|| thread::Builder::new().name(self.name.to_owned()).spawn(run))?;
                Ok(answer)
            }
            None => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

/// How a caller gets its answer.
enum Entry<T> {
    Joined(Answer<T>),
    Started(watch::Sender<Option<T>>, Answer<T>),
}

/// A slot that is taken until this is dropped, which also happens when the work panics or no thread can be started.
struct Taken<T> {
    key: String,
    running: Arc<Running<T>>,
    done: watch::Sender<Option<T>>,
}

impl<T> Taken<T> {
    /// Frees the slot first and then answers all who wait, so that a later caller never gets an old answer.
    fn end(self, answer: T) {
        self.leave();
        let _ = self.done.send(Some(answer));
    }

    fn leave(&self) {
        self.running.send_modify(|running| {
            if running.get(&self.key).is_some_and(|answer| answer.same_channel(&self.done.subscribe())) {
                running.remove(&self.key);
            }
        });
    }
}

impl<T> Drop for Taken<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::Bulkhead;

    /// Work that hangs until the sender is dropped, and counts how often it was begun.
    fn hangs(begun: &Arc<AtomicUsize>) -> (mpsc::Sender<()>, impl FnOnce() -> u32 + Send + 'static) {
        let (release, held) = mpsc::channel::<()>();
        let begun = Arc::clone(begun);
        let work = move || {
            begun.fetch_add(1, Ordering::SeqCst);
            let _ = held.recv();
            7
        };
        (release, work)
    }

    /// Polls once: whoever has been polled is waiting.
    async fn waits(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_mins(1), future).await.expect("it must not hang")
    }

    #[tokio::test]
    async fn all_who_ask_for_a_key_wait_for_one_piece_of_work() {
        let (place, begun) = (Bulkhead::new("test", 4), Arc::new(AtomicUsize::new(0)));
        let (release, work) = hangs(&begun);
        let mut first = Box::pin(place.run("a", work));
        assert!(waits(&mut first).await);
        drop(first);
        for _ in 0..20 {
            let mut next = Box::pin(place.run("a", || unreachable!("it is going on already")));
            assert!(waits(&mut next).await);
        }
        let mut last = pin!(place.run("a", || unreachable!("it is going on already")));
        assert!(waits(&mut last).await);
        drop(release);
        assert_eq!(soon(last).await.unwrap(), 7);
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        assert_eq!(soon(place.run("a", || 8)).await.unwrap(), 8, "what is over is not kept");
    }

    #[tokio::test]
    async fn no_more_goes_on_than_there_are_places() {
        let (place, begun) = (Bulkhead::new("test", 2), Arc::new(AtomicUsize::new(0)));
        let ((release, one), (_hold, two)) = (hangs(&begun), hangs(&begun));
        let (mut a, mut b) = (Box::pin(place.run("a", one)), Box::pin(place.run("b", two)));
        assert!(waits(&mut a).await && waits(&mut b).await);
        let mut third = Box::pin(place.run("c", || 9));
        assert!(waits(&mut third).await);
        assert!(waits(&mut Box::pin(place.run("b", || 9))).await, "who joins needs no place");
        let other = Bulkhead::new("other", 1);
        assert_eq!(soon(other.run("c", || 1)).await.unwrap(), 1, "another kind of work is not held up");
        drop(release);
        assert_eq!(soon(third).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn work_that_breaks_gives_its_place_back() {
        let place = Bulkhead::<u32>::new("test", 1);
        for _ in 0..3 {
            assert!(soon(place.run("a", || panic!("as a test wants it"))).await.is_err());
        }
        assert_eq!(soon(place.run("a", || 5)).await.unwrap(), 5);
    }
}
