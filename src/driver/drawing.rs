//! When the board is drawn: at once, except for results of checks that follow closely on each other.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The least time between two boards that differ only in results of checks. Otherwise two hundred checks a second would draw two
/// hundred boards, each with all of them on it.
const APART: Duration = Duration::from_millis(50);

/// What has happened since the last board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Probes have found something, and nothing was ordered for it.
    Findings,
    /// Anything else.
    Other,
}

/// When the last board was drawn, and when the next one has to be.
#[derive(Debug)]
pub(super) struct Drawing {
    last: Instant,
    due: Option<Instant>,
}

impl Drawing {
    /// One was drawn just now.
    pub(super) fn begun() -> Self {
        Self { last: Instant::now(), due: None }
    }

    /// Whether the board is to be drawn now.
    pub(super) fn is_due_after(&mut self, news: News) -> bool {
        let now = Instant::now();
        let soonest = self.last + APART;
        if news == News::Findings && now < soonest {
            self.due = Some(soonest);
            return false;
        }
        *self = Self { last: now, due: None };
        true
    }

    /// Returns when a board is overdue; never, if none is.
    pub(super) async fn overdue(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::{APART, Drawing, News};

    #[tokio::test(start_paused = true)]
    async fn findings_share_a_board_when_they_come_thick_and_fast() {
        let mut drawing = Drawing::begun();
        advance(APART).await;
        assert!(drawing.is_due_after(News::Findings), "the first one is drawn at once");
        assert!(!drawing.is_due_after(News::Findings));
        advance(APART / 2).await;
        assert!(!drawing.is_due_after(News::Findings));
        let before = Instant::now();
        drawing.overdue().await;
        assert_eq!(before.elapsed(), APART / 2, "none waits longer than that");
        assert!(drawing.is_due_after(News::Findings));
        assert!(drawing.is_due_after(News::Other), "everything else is drawn at once");
    }
}
