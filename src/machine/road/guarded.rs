//! *guarded*: an operator's hold stops every wish here; the wipe guard will stand here too.

use super::super::hold::Hold;
use super::Decision;

pub(in super::super) fn decide(hold: Option<&Hold>) -> Decision {
    match hold {
        Some(_) => Decision::Wait(None),
        None => Decision::Pass,
    }
}
