//! What was drawn before of each instance: as long as its record is the same, it is not drawn again.

use std::collections::HashMap;
use std::sync::Arc;

use super::fleets::Naming;
use super::node::Element;
use crate::fleet::InstanceRecord;

/// What an instance is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Row,
    Tile,
}

/// The pieces of one page.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Of the drawing before.
    before: HashMap<Arc<str>, Drawn>,
    /// Of this drawing.
    now: HashMap<Arc<str>, Drawn>,
}

/// A piece, with everything that it was drawn from.
#[derive(Debug)]
struct Drawn {
    record: Arc<InstanceRecord>,
    piece: Piece,
    naming: Naming,
    element: Arc<Element>,
}

impl Memo {
    /// The piece for this record, drawn anew if it or anything else of it has changed.
    pub(super) fn drawn(
        &mut self,
        key: &Arc<str>,
        record: &Arc<InstanceRecord>,
        (piece, naming): (Piece, Naming),
        draw: impl FnOnce() -> Element,
    ) -> Arc<Element> {
        let is_same =
            |drawn: &Drawn| Arc::ptr_eq(&drawn.record, record) && (drawn.piece, drawn.naming) == (piece, naming);
        let drawn = self.before.remove(key).filter(is_same).unwrap_or_else(|| Drawn {
            record: Arc::clone(record),
            piece,
            naming,
            element: Arc::new(draw()),
        });
        let element = Arc::clone(&drawn.element);
        self.now.insert(Arc::clone(key), drawn);
        element
    }

    /// The page is drawn: what has no place in it any more is forgotten.
    pub(super) fn complete(&mut self) {
        std::mem::swap(&mut self.before, &mut self.now);
        self.now.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fleets::Naming;
    use super::super::node::{Element, element};
    use super::{Memo, Piece};
    use crate::fleet::InstanceRecord;

    fn never() -> Element {
        panic!("it is drawn again")
    }

    #[test]
    fn only_what_has_changed_is_drawn_again() {
        let (mut memo, key) = (Memo::default(), Arc::from("host-a,billing"));
        let record = Arc::new(InstanceRecord::default());
        let tile = (Piece::Tile, Naming::ByNode);
        let first = memo.drawn(&key, &record, tile, || element("li"));
        memo.complete();
        assert!(Arc::ptr_eq(&first, &memo.drawn(&key, &record, tile, never)));
        memo.complete();
        // The same contents, written again, are another record.
        let again = Arc::new(InstanceRecord::default());
        assert_eq!(*memo.drawn(&key, &again, tile, || element("b")), element("b"));
        memo.complete();
        for other in [(Piece::Row, Naming::ByNode), (Piece::Row, Naming::ById)] {
            assert_eq!(*memo.drawn(&key, &again, other, || element("tr")), element("tr"));
            memo.complete();
        }
        // An instance that has gone is forgotten.
        memo.complete();
        assert_eq!(*memo.drawn(&key, &again, (Piece::Row, Naming::ById), || element("p")), element("p"));
    }
}
