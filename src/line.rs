//! Text from elsewhere on one line: without control characters, and not too long.

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

/// The first few of these names, and how many more there are: `A, B and 3 more`.
pub fn listed<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown = names.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A number of things: `1 key`, `2 keys`.
pub fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// How many of the last lines fit into `most` bytes, each with its newline.
pub fn fitting<T: AsRef<str>>(lines: &[T], most: usize) -> usize {
    let mut size = 0;
    let fits = |line: &&T| {
        size += line.as_ref().len() + 1;
        size <= most
    };
    lines.iter().rev().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::{counted, fitting, listed, one_line};

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(one_line("plain", 5), "plain");
        assert_eq!(one_line("plainer", 5), "pl...");
        assert_eq!(one_line("a\r\nb\tc\n", 20), "a  b c");
        assert_eq!(one_line("äöüäö", 5), "äöüäö");
        assert_eq!(one_line("äöüäöü", 5), "äö...");
    }

    #[test]
    fn one_thing_or_several() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "key")), ["0 keys", "1 key", "2 keys"]);
    }

    #[test]
    fn the_rest_of_a_list_is_counted() {
        assert_eq!(listed(&["A", "B"], 2), "A, B");
        assert_eq!(listed(&["A", "B", "C", "D"], 2), "A, B and 2 more");
        assert_eq!(listed::<&str>(&[], 2), "");
    }

    #[test]
    fn whole_lines_fit_or_do_not() {
        let lines = ["one", "two", "three"];
        assert_eq!([100, 10, 9, 5].map(|most| fitting(&lines, most)), [3, 2, 1, 0]);
    }
}
