//! Lines for people: one line each, not too long.

use std::borrow::Cow;

/// The text as one line of at most `most` characters: control characters become spaces, the end becomes `...`.
pub fn one_line(text: &str, most: usize) -> Cow<'_, str> {
    let fits = text.len() <= most || text.chars().nth(most).is_none();
    let text = text.trim_end();
    if fits && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let clean = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    if fits {
        return Cow::Owned(clean.collect());
    }
    let mut cut: String = clean.take(most.saturating_sub(3)).collect();
    cut.push_str("...");
    Cow::Owned(cut)
}

/// The last of these lines, whole, that fit `most` bytes, each with its newline.
pub(super) fn last_lines(lines: &[String], most: usize) -> String {
    let mut size = 0;
    let fitting = lines.iter().rev().take_while(|line| {
        size += line.len() + 1;
        size <= most
    });
    let first = lines.len() - fitting.count();
    lines[first..].iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::{last_lines, one_line};

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(one_line("plain", 5), "plain");
        assert_eq!(one_line("plainer", 5), "pl...");
        assert_eq!(one_line("a\r\nb\tc\n", 20), "a  b c");
        assert_eq!(one_line("äöüäö", 5), "äöüäö");
        assert_eq!(one_line("äöüäöü", 5), "äö...");
    }

    #[test]
    fn the_top_is_cut_and_lines_stay_whole() {
        let lines = ["one", "two", "three"].map(str::to_owned);
        assert_eq!(last_lines(&lines, 100), "one\ntwo\nthree\n");
        assert_eq!(last_lines(&lines, 10), "two\nthree\n");
        assert_eq!(last_lines(&lines, 9), "three\n");
        assert_eq!(last_lines(&lines, 5), "");
    }
}
