//! Go's quoted strings, both ways, and its way to split flags into words.

use std::fmt::Write;

/// Undoes the quotes (double, or back-quotes) at the start of the text; gives the string and what follows it.
pub(super) fn unquote_prefix(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (inner, rest) = raw.split_once('`')?;
        return Some((inner.replace('\r', ""), rest));
    }
    let mut rest = text.strip_prefix('"')?;
    // Bytes, because `\x` escapes stand for bytes and need not be UTF-8.
    let mut bytes = Vec::new();
    loop {
        let mut chars = rest.chars();
        match chars.next()? {
            '"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), chars.as_str())),
            '\n' => return None,
            '\\' => rest = escape(chars.as_str(), &mut bytes)?,
            plain => {
                bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                rest = chars.as_str();
            }
        }
    }
}

/// One escape after its backslash.
fn escape<'t>(text: &'t str, bytes: &mut Vec<u8>) -> Option<&'t str> {
    let kind = *text.as_bytes().first()?;
    let simple = match kind {
        b'a' => Some(0x07),
        b'b' => Some(0x08),
        b'f' => Some(0x0c),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0b),
        b'\\' | b'"' => Some(kind),
        _ => None,
    };
    if let Some(byte) = simple {
        bytes.push(byte);
        return text.get(1..);
    }
    let (from, to, base) = match kind {
        b'x' => (1, 3, 16),
        b'u' => (1, 5, 16),
        b'U' => (1, 9, 16),
        b'0'..=b'7' => (0, 3, 8),
        _ => return None,
    };
    let digits = text.get(from..to).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let number = u32::from_str_radix(digits, base).ok()?;
    if matches!(kind, b'u' | b'U') {
        bytes.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        bytes.push(u8::try_from(number).ok()?);
    }
    text.get(to..)
}

/// The text in Go's double quotes, as `go version -m` writes settings with spaces or quotes.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                let number = u32::from(control);
                // Writing to a string does not fail.
                let _ =
                    if number < 0x80 { write!(quoted, "\\x{number:02x}") } else { write!(quoted, "\\u{number:04x}") };
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// Splits flags into words as the `go` command does: at white space, but for words in single or double quotes; nothing
/// is unescaped, and a quote inside a word is a letter like any other. An open quote ends the list.
pub(super) fn words(text: &str) -> Vec<&str> {
    const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(SPACES);
    while let Some(first) = rest.chars().next() {
        let split = match first {
            '"' | '\'' => rest[1..].split_once(first),
            _ => rest.split_once(SPACES).or(Some((rest, ""))),
        };
        let Some((word, after)) = split else { break };
        words.push(word);
        rest = after.trim_start_matches(SPACES);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{quote, unquote_prefix, words};

    #[test]
    fn quotes_are_undone_as_go_does() {
        for (quoted, plain) in [
            (r#""a b""#, "a b"),
            (r#""\"\\\n\t""#, "\"\\\n\t"),
            (r#""\x41\101\u00e4\U0001f600""#, "AAä😀"),
            (r"`a\b`", r"a\b"),
        ] {
            assert_eq!(unquote_prefix(quoted), Some((plain.to_owned(), "")), "{quoted}");
        }
        for wrong in ["", "a", "\"", "\"a", "`a", r#""\q""#, r#""\x4""#, r#""\ud800""#, r#""\777""#, r#""\+12""#] {
            assert_eq!(unquote_prefix(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quoting_can_be_undone() {
        let text = "-X 'main.note=a\tb\"c\\'\u{1b}\u{85}ä";
        assert_eq!(unquote_prefix(&quote(text)), Some((text.to_owned(), "")));
    }

    #[test]
    fn words_are_split_as_the_go_command_does() {
        assert_eq!(
            words(" -s  -X 'main.note=a b' \"c d\"e f'g h "),
            ["-s", "-X", "main.note=a b", "c d", "e", "f'g", "h"]
        );
        assert_eq!(words("-X 'open"), ["-X"]);
        assert!(words(" \t").is_empty());
    }
}
