//! Columns and colours for people.

use std::fmt::Write;

use crate::line::one_line;

/// The longest cell, in characters. A terminal breaks a line that it has no room for; nothing of it is lost.
const LONGEST_CELL: usize = 1_000;
/// The longest one that has another cell behind it.
const LONGEST_INNER_CELL: usize = 160;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text(Paint),
    /// As lictor answers it.
    Json,
}

/// Whether colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// For pipes and files.
    Plain,
    /// For terminals.
    Ansi,
}

/// What a cell means, which is what its colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Less important than the rest.
    Dim,
    /// A heading.
    Strong,
}

/// One piece of text on one line. Whatever it is made of, it cannot move the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// A cell of this tone.
pub fn cell(text: impl AsRef<str>, tone: Tone) -> Cell {
    Cell { text: one_line(text.as_ref(), LONGEST_CELL).into_owned(), tone }
}

/// A cell that means nothing in particular.
pub fn plain(text: impl AsRef<str>) -> Cell {
    cell(text, Tone::Plain)
}

/// Writes rows with their columns aligned, two spaces between, and nothing behind the last one.
pub fn table(out: &mut String, paint: Paint, indent: &str, rows: &[Vec<Cell>]) {
    let width = |cell: &Cell| cell.text.chars().count();
    let rows: Vec<Vec<Cell>> = rows.iter().map(|row| fitted(row)).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    // The last cell of a row pushes nothing aside.
    let widest = |column| {
        let inner = rows.iter().filter(|row| column + 1 < row.len());
        inner.map(|row| width(&row[column])).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    for row in &rows {
        out.push_str(indent);
        let filled = filled(row);
        for (column, cell) in row[..filled].iter().enumerate() {
            paint.write(out, cell);
            if column + 1 < filled {
                let gap = widths[column].saturating_sub(width(cell)) + 2;
                out.extend(std::iter::repeat_n(' ', gap));
            }
        }
        out.push('\n');
    }
}

/// How many cells there are before the empty ones at the end.
fn filled(row: &[Cell]) -> usize {
    row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1)
}

/// The row with a limit on the width of its columns. The last cell of a row pushes nothing aside.
fn fitted(row: &[Cell]) -> Vec<Cell> {
    let last = filled(row);
    let fit = |(place, it): (usize, &Cell)| {
        let inner = place + 1 < last;
        if inner { Cell { text: one_line(&it.text, LONGEST_INNER_CELL).into_owned(), ..*it } } else { it.clone() }
    };
    row.iter().enumerate().map(fit).collect()
}

impl Paint {
    /// What suits this process's stdout: colours only on a terminal that has them, and unless `NO_COLOR` is set.
    pub fn for_stdout() -> Self {
        match anstream::AutoStream::choice(&std::io::stdout()) {
            anstream::ColorChoice::Never => Self::Plain,
            _ => Self::Ansi,
        }
    }

    /// Writes one cell in its colour.
    pub fn write(self, out: &mut String, cell: &Cell) {
        let code = match (self, cell.tone) {
            (Self::Plain, _) | (Self::Ansi, Tone::Plain) => {
                out.push_str(&cell.text);
                return;
            }
            (Self::Ansi, Tone::Good) => 32,
            (Self::Ansi, Tone::Warn) => 33,
            (Self::Ansi, Tone::Bad) => 31,
            (Self::Ansi, Tone::Dim) => 2,
            (Self::Ansi, Tone::Strong) => 1,
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "\u{1b}[{code}m{}\u{1b}[0m", cell.text);
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, Tone, cell, plain, table};

    #[test]
    fn columns_are_aligned_and_end_where_they_end() {
        let rows = [
            vec![plain("ä"), plain("bb"), plain("long last one")],
            vec![plain("ccc"), plain("d"), plain("")],
            vec![plain("x"), plain("reaches far beyond")],
        ];
        let mut out = String::new();
        table(&mut out, Paint::Plain, " ", &rows);
        assert_eq!(out, " ä    bb  long last one\n ccc  d\n x    reaches far beyond\n");
    }

    #[test]
    fn colours_do_not_move_columns_and_text_cannot_colour() {
        let rows = [vec![cell("up", Tone::Good), plain("x")], vec![cell("\u{1b}[31m", Tone::Plain), plain("y")]];
        let mut out = String::new();
        table(&mut out, Paint::Ansi, "", &rows);
        assert_eq!(out, "\u{1b}[32mup\u{1b}[0m     x\n [31m  y\n");
    }
}
