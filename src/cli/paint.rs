//! Columns and colours for people.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::IsTerminal;

use crate::line::one_line;

/// The longest cell, in characters.
const LONGEST_CELL: usize = 1_000;
/// The longest cell that has another one behind it.
const LONGEST_INNER_CELL: usize = 160;
/// The shortest length that a cell is cut to: on a narrower terminal the line is wrapped instead.
const SHORTEST_CUT: usize = 12;
/// Between two columns.
const GAP: usize = 2;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text(Paint),
    /// As lictor answers it.
    Json,
}

/// How text for people is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    colours: Colours,
    /// The width of a line in characters, to which it is cut; `None`: lines are not cut.
    width: Option<usize>,
}

/// Whether colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    /// For pipes and files.
    Plain,
    /// For terminals.
    Ansi,
}

/// The meaning of a cell, which its colour shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// No special meaning.
    Plain,
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Bad.
    Bad,
    /// Less important than the rest.
    Dim,
    /// A heading.
    Strong,
}

/// One piece of text on one line. It has no control characters, whatever it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

/// A cell of this tone.
pub(super) fn cell(text: impl AsRef<str>, tone: Tone) -> Cell {
    Cell { text: one_line(text.as_ref(), LONGEST_CELL).into_owned(), tone }
}

/// A cell without a special meaning.
pub(super) fn plain(text: impl AsRef<str>) -> Cell {
    cell(text, Tone::Plain)
}

/// Writes rows with their columns aligned, two spaces between, and nothing behind the last one. If that is wider than
/// the terminal, the widest cells are cut.
pub(super) fn table(out: &mut String, paint: Paint, indent: &str, rows: &[Vec<Cell>]) {
    let width = |cell: &Cell| cell.text.chars().count();
    let rows: Vec<Vec<Cell>> = rows.iter().map(|row| fitted(row)).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    // The last cell of a row does not widen its column.
    let widest = |column| {
        let inner = rows.iter().filter(|row| column + 1 < row.len());
        inner.map(|row| width(&row[column])).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    if let Some(room) = paint.width {
        let last = |column| rows.iter().filter(|row| filled(row) == column + 1).map(|row| width(&row[column])).max();
        let ends: Vec<usize> = (0..columns).map(|column| last(column).unwrap_or_default()).collect();
        let cut = widest_cut(&widths, &ends, room.saturating_sub(indent.len()));
        for width in &mut widths {
            *width = cut.min(*width);
        }
    }
    for row in &rows {
        out.push_str(indent);
        let filled = filled(row);
        let mut used = indent.len();
        for (column, cell) in row[..filled].iter().enumerate() {
            if column + 1 == filled {
                paint.write(out, &Cell { text: paint.cut(&cell.text, used).into_owned(), ..*cell });
            } else {
                let cell = Cell { text: one_line(&cell.text, widths[column]).into_owned(), ..*cell };
                paint.write(out, &cell);
                out.extend(std::iter::repeat_n(' ', widths[column].saturating_sub(width(&cell)) + GAP));
                used += widths[column] + GAP;
            }
        }
        out.push('\n');
    }
}

/// How long a cell may be so that every row has room: the largest such limit. `widths` are those of the inner cells of
/// each column, `ends` those of the cells that end a row there.
fn widest_cut(widths: &[usize], ends: &[usize], room: usize) -> usize {
    let fits = |limit: usize| {
        let mut used = 0;
        widths.iter().zip(ends).all(|(inner, end)| {
            let fits = used + limit.min(*end) <= room;
            used += limit.min(*inner) + GAP;
            fits
        })
    };
    (SHORTEST_CUT..=LONGEST_CELL).rev().find(|limit| fits(*limit)).unwrap_or(SHORTEST_CUT)
}

/// How many cells there are before the empty ones at the end.
fn filled(row: &[Cell]) -> usize {
    row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1)
}

/// The row with a limit on the width of its columns. The last cell of a row does not widen its column.
fn fitted(row: &[Cell]) -> Vec<Cell> {
    let last = filled(row);
    let fit = |(place, it): (usize, &Cell)| {
        let inner = place + 1 < last;
        if inner { Cell { text: one_line(&it.text, LONGEST_INNER_CELL).into_owned(), ..*it } } else { it.clone() }
    };
    row.iter().enumerate().map(fit).collect()
}

impl Paint {
    /// Without colours and without cutting lines.
    pub(super) const PLAIN: Self = Self { colours: Colours::Plain, width: None };
    /// With colours, without cutting lines.
    pub(super) const ANSI: Self = Self { colours: Colours::Ansi, width: None };

    /// What suits this process's stdout: colours only on a terminal that has them, and unless `NO_COLOR` is set. Lines
    /// are not cut: the terminal wraps those that are too long.
    pub(super) fn for_stdout() -> Self {
        match anstream::AutoStream::choice(&std::io::stdout()) {
            anstream::ColorChoice::Never => Self::PLAIN,
            _ => Self::ANSI,
        }
    }

    /// The same, but a line has to fit into the width of the terminal, if stdout is one: as wide as `COLUMNS` says,
    /// else as wide as it is now.
    pub(super) fn for_screen() -> Self {
        let stdout = std::io::stdout();
        let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
        let measured = || {
            let columns = rustix::termios::tcgetwinsize(&stdout).ok()?.ws_col;
            Some(usize::from(columns)).filter(|columns| *columns > 0)
        };
        let width = if stdout.is_terminal() { said().or_else(measured) } else { None };
        Self { width, ..Self::for_stdout() }
    }

    /// The same for the width that the terminal has now, if lines have to fit into it.
    #[must_use]
    pub(super) fn resized(self) -> Self {
        if self.width.is_some() { Self::for_screen() } else { self }
    }

    /// Whether it is for a terminal on which a picture can be redrawn in place.
    pub(super) fn is_ansi(self) -> bool {
        self.colours == Colours::Ansi
    }

    /// The part of the text for which there is room behind this many characters.
    pub(super) fn cut(self, text: &str, used: usize) -> Cow<'_, str> {
        match self.width {
            Some(width) => one_line(text, width.saturating_sub(used).max(SHORTEST_CUT)),
            None => Cow::Borrowed(text),
        }
    }

    /// Writes one cell in its colour.
    pub(super) fn write(self, out: &mut String, cell: &Cell) {
        let code = match (self.colours, cell.tone) {
            (Colours::Plain, _) | (Colours::Ansi, Tone::Plain) => {
                out.push_str(&cell.text);
                return;
            }
            (Colours::Ansi, Tone::Good) => 32,
            (Colours::Ansi, Tone::Warn) => 33,
            (Colours::Ansi, Tone::Bad) => 31,
            (Colours::Ansi, Tone::Dim) => 2,
            (Colours::Ansi, Tone::Strong) => 1,
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
        table(&mut out, Paint::PLAIN, " ", &rows);
        assert_eq!(out, " ä    bb  long last one\n ccc  d\n x    reaches far beyond\n");
    }

    #[test]
    fn the_widest_cells_are_cut_until_every_line_fits() {
        let long = "x".repeat(70);
        let rows = [
            vec![plain("A"), plain(&long), plain("consul billing/"), plain("open")],
            vec![plain("LONGER_NAME"), plain("1"), plain("file /x"), plain(&long)],
        ];
        for width in [60, 79, 100] {
            let mut out = String::new();
            table(&mut out, Paint { width: Some(width), ..Paint::PLAIN }, "  ", &rows);
            let lines: Vec<&str> = out.lines().collect();
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}:\n{out}");
            assert!(lines[0].contains("x...") && lines[1].ends_with("x..."), "{width}:\n{out}");
            assert!(
                lines[0].starts_with("  A            ") && lines[1].starts_with("  LONGER_NAME  1"),
                "{width}:\n{out}"
            );
        }
        let (mut roomy, mut endless) = (String::new(), String::new());
        table(&mut roomy, Paint { width: Some(300), ..Paint::PLAIN }, "  ", &rows);
        table(&mut endless, Paint::PLAIN, "  ", &rows);
        assert_eq!(roomy, endless);
        assert!(endless.contains(&long));
    }

    #[test]
    fn a_terminal_without_room_breaks_lines_itself() {
        let mut out = String::new();
        let rows = [vec![plain("a name of twenty-two c"), plain("and a sentence that is longer")]];
        table(&mut out, Paint { width: Some(4), ..Paint::PLAIN }, "", &rows);
        assert_eq!(out, "a name of...  and a sen...\n");
    }

    #[test]
    fn colours_do_not_move_columns_and_text_cannot_colour() {
        let rows = [vec![cell("up", Tone::Good), plain("x")], vec![cell("\u{1b}[31m", Tone::Plain), plain("y")]];
        let mut out = String::new();
        table(&mut out, Paint::ANSI, "", &rows);
        assert_eq!(out, "\u{1b}[32mup\u{1b}[0m     x\n [31m  y\n");
    }
}
