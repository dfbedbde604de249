//! Whether this kernel allows steering.

use super::fault::{self, Fault};
use super::pair;
use super::program::Marks;

/// What happens if it does not.
const INSTEAD: &str = "so connections are not steered: they wait in one queue during a restart, and one that the stopping \
                       service has just accepted may be lost";

/// Whether it does.
///
/// # Errors
/// Why it does not, as a sentence for the board.
pub(super) fn possible(marks: Marks) -> Result<(), String> {
    match fault::of_kernel() {
        Fault::Mended => {}
        Fault::There => return Err(format!("this kernel has CVE-2026-52910, {INSTEAD}; update the kernel")),
        Fault::Unknown => {
            return Err(format!(
                "it is unknown whether this kernel has CVE-2026-52910, {INSTEAD}; let lictor read /sys/kernel/btf/vmlinux \
                 or /proc/kallsyms, or update the kernel"
            ));
        }
    }
    pair::try_out(marks).map_err(|error| format!("the kernel does not steer connections ({error}), {INSTEAD}"))
}
