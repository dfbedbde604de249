//! Splits the inside of `{{ }}` into words, bars and strings.

use super::{FormatError, character};

/// What an action is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Bar,
}

/// A token with the number of its first character in the format, for messages.
pub(super) type Placed = (Token, usize);

/// How an action ended, with the byte after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `}}`
    Plain(usize),
    /// ` -}}`: the white space after it goes.
    Trimming(usize),
}

/// The tokens of the action whose inside begins at byte `start`, and where it ended. `open` is the number of the
/// character at which it began. The last token is always the end itself, as a word that no rule accepts.
pub(super) fn tokens(text: &str, start: usize, open: usize) -> Result<(Vec<Placed>, End), FormatError> {
    let mut tokens = Vec::new();
    let mut at = start;
    loop {
        let spaced = at;
        at += text[at..].len() - text[at..].trim_start().len();
        let place = character(text, at);
        let rest = &text[at..];
        if rest.starts_with("}}") {
            tokens.push((Token::Word("}}".to_owned()), place));
            return Ok((tokens, End::Plain(at + 2)));
        }
        if at > spaced && rest.starts_with("-}}") {
            tokens.push((Token::Word("-}}".to_owned()), place));
            return Ok((tokens, End::Trimming(at + 3)));
        }
        let length = match rest.chars().next() {
            None => return Err(FormatError::NeverClosed { at: open }),
            Some('|') => {
                tokens.push((Token::Bar, place));
                1
            }
            Some('"') => {
                let (literal, length) = interpreted(rest).map_err(|why| FormatError::BadString { at: place, why })?;
                tokens.push((Token::Text(literal), place));
                length
            }
            Some('`') => {
                let (literal, length) = raw(rest).map_err(|why| FormatError::BadString { at: place, why })?;
                tokens.push((Token::Text(literal), place));
                length
            }
            Some(_) => {
                let length = word(rest);
                tokens.push((Token::Word(rest[..length].to_owned()), place));
                length
            }
        };
        at += length;
    }
}

/// The length of a word: letters, digits and `_`; else up to what could end it, so that a message shows it whole.
fn word(rest: &str) -> usize {
    let ends = |character: char| character.is_whitespace() || matches!(character, '|' | '"' | '`' | '}');
    let first = rest.chars().next().map_or(0, char::len_utf8);
    first + rest[first..].find(ends).unwrap_or(rest.len() - first)
}

const UNFINISHED: &str = "it has no closing quote";
const NOT_TEXT: &str = "its escapes do not make UTF-8 text";
const UNKNOWN_ESCAPE: &str = "it has an escape that Go does not know";

fn raw(rest: &str) -> Result<(String, usize), &'static str> {
    let end = rest[1..].find('`').ok_or(UNFINISHED)?;
    // Go drops carriage returns here.
    Ok((rest[1..=end].replace('\r', ""), end + 2))
}

fn interpreted(rest: &str) -> Result<(String, usize), &'static str> {
    let mut bytes = Vec::new();
    let mut at = 1;
    loop {
        let character = rest[at..].chars().next().filter(|character| *character != '\n').ok_or(UNFINISHED)?;
        at += character.len_utf8();
        match character {
            '"' => break,
            '\\' => at += escape(&rest[at..], &mut bytes)?,
            plain => bytes.extend(plain.to_string().bytes()),
        }
    }
    Ok((String::from_utf8(bytes).map_err(|_| NOT_TEXT)?, at))
}

/// Appends what the escape after a backslash stands for and says how many bytes of text it took.
fn escape(rest: &str, bytes: &mut Vec<u8>) -> Result<usize, &'static str> {
    let simple = match rest.bytes().next().ok_or(UNFINISHED)? {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        b'"' => b'"',
        b'x' => byte(rest.get(1..3), 16)?,
        b'0'..=b'7' => {
            bytes.push(byte(rest.get(..3), 8)?);
            return Ok(3);
        }
        b'u' => return code_point(rest.get(1..5), bytes),
        b'U' => return code_point(rest.get(1..9), bytes),
        _ => return Err(UNKNOWN_ESCAPE),
    };
    bytes.push(simple);
    Ok(if rest.starts_with('x') { 3 } else { 1 })
}

fn byte(digits: Option<&str>, radix: u32) -> Result<u8, &'static str> {
    u8::try_from(number(digits, radix)?).map_err(|_| UNKNOWN_ESCAPE)
}

fn code_point(digits: Option<&str>, bytes: &mut Vec<u8>) -> Result<usize, &'static str> {
    let character = char::from_u32(number(digits, 16)?).ok_or(NOT_TEXT)?;
    bytes.extend(character.to_string().bytes());
    Ok(1 + digits.map_or(0, str::len))
}

fn number(digits: Option<&str>, radix: u32) -> Result<u32, &'static str> {
    let digits = digits.filter(|digits| digits.chars().all(|digit| digit.is_digit(radix))).ok_or(UNKNOWN_ESCAPE)?;
    u32::from_str_radix(digits, radix).map_err(|_| UNKNOWN_ESCAPE)
}
