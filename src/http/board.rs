//! `/board`: everything that may be shown, as JSON; it blocks like Consul's own queries.

use hyper::StatusCode;
use hyper::header::HeaderName;
use tokio::time::Instant;

use super::question::Block;
use super::reply::{Answer, error, json, with_header};
use super::waiting::{Boards, Woken};
use crate::machine::Board;

/// The board's index, for the next blocking request.
const INDEX_HEADER: HeaderName = HeaderName::from_static("x-lictor-index");

/// The board as it is.
pub(super) fn whole(board: &Board) -> Answer {
    match serde_json::to_vec(board) {
        Ok(body) => with_header(json(StatusCode::OK, body), INDEX_HEADER, &board.index.to_string()),
        Err(reason) => error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the board cannot be written: {reason}")),
    }
}

/// The first board with a larger index, or the one at the end of the wait.
pub(super) async fn after(block: Block, mut boards: Boards) -> Answer {
    let deadline = Instant::now() + block.wait;
    let mut woken = Woken::Look;
    loop {
        let board = boards.now();
        if board.index > block.index || Instant::now() >= deadline || woken == Woken::Ending {
            return whole(&board);
        }
        woken = boards.newer(deadline).await;
    }
}
