//! Whether this kernel lets us steer.

use super::program::Marks;
use super::{fault, pair};

/// Whether it does.
///
/// # Errors
/// Why it does not, as a sentence for the board.
pub(super) fn possible(marks: Marks) -> Result<(), String> {
    if !fault::is_mended() {
        return Err(
            "this kernel may have CVE-2026-52910, so connections cannot be steered: they wait in one queue during \
                    a restart, and one that the stopping service has just accepted may be lost; update the kernel"
                .to_owned(),
        );
    }
    pair::try_out(marks).map_err(|error| {
        format!(
            "connections cannot be steered, so they wait in one queue during a restart, and one that the stopping service \
             has just accepted may be lost: {error}"
        )
    })
}
