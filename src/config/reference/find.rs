//! Finds a block or an attribute by its path, as in `apply.min_healthy`.

use super::{Attribute, Block};
use crate::config::read::section::nearest;

/// What the path leads to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The blocks on the path, the outermost first; none for the top.
    pub way: Vec<&'static Block>,
    /// The attribute, unless a block was asked for.
    pub attribute: Option<&'static Attribute>,
}

/// Looks for these words below `top`. The error is the nearest known word, if one is near.
pub fn find(top: &'static Block, words: &[&str]) -> Result<Found, Option<&'static str>> {
    let (mut way, mut at) = (Vec::new(), top);
    for (place, word) in words.iter().enumerate() {
        let is_last = place + 1 == words.len();
        match (at.block(word), at.attribute(word)) {
            (Some(block), _) => {
                way.push(block);
                at = block;
            }
            (None, Some(attribute)) if is_last => return Ok(Found { way, attribute: Some(attribute) }),
            (None, Some(_)) => return Err(None),
            (None, None) => return Err(nearest(word, &at.words())),
        }
    }
    Ok(Found { way, attribute: None })
}
