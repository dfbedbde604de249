//! Warnings about keys, limited: ten thousand bad keys make a few lines, not ten thousand.

/// Warnings beyond this many are only counted.
const MAX_LINES: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Warnings {
    lines: Vec<String>,
    beyond: usize,
}

impl Warnings {
    /// Adds a line, which is only put together if it will be shown.
    pub(super) fn push(&mut self, line: impl FnOnce() -> String) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(line());
        } else {
            self.beyond += 1;
        }
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.beyond > 0 {
            self.lines.push(format!("and {} more warnings of this kind", self.beyond));
        }
        self.lines
    }
}
