//! The fleet, as the driver sees it.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::environment::Environment;
use crate::machine::Build;
use crate::machine::numbers::TurnId;
use crate::machine::order::TurnVerdict;

/// The fleet, as the driver sees it: words go in here, facts come out of the inbox. Nothing here waits.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(super) words: mpsc::UnboundedSender<Word>,
}

/// What the machine orders.
#[derive(Debug)]
pub(super) enum Word {
    Ask { turn: TurnId, wish: Arc<Environment>, running: Option<Arc<Environment>>, build: Build },
    Return { turn: TurnId, verdict: TurnVerdict },
    Halt { wish: Arc<Environment>, good: Arc<Environment>, reason: String },
    EndHalt { wish: Arc<Environment> },
}

impl Fleet {
    /// Asks for a turn; answered by `TurnGranted`, and by `TurnRefused` for as long as it waits. Replaces an older request.
    pub fn ask(&self, turn: TurnId, wish: Arc<Environment>, running: Option<Arc<Environment>>, build: Build) {
        self.word(Word::Ask { turn, wish, running, build });
    }

    /// Gives a turn back, or withdraws the request.
    pub fn give_back(&self, turn: TurnId, verdict: TurnVerdict) {
        self.word(Word::Return { turn, verdict });
    }

    /// A change is taken back here: everybody stops on it.
    pub fn halt(&self, wish: Arc<Environment>, good: Arc<Environment>, reason: String) {
        self.word(Word::Halt { wish, good, reason });
    }

    /// It was not the change after all.
    pub fn end_halt(&self, wish: Arc<Environment>) {
        self.word(Word::EndHalt { wish });
    }

    fn word(&self, word: Word) {
        // Nobody listens any more when lictor ends: its session ends then, and its turn with it.
        let _ = self.words.send(word);
    }
}
