//! Measures how deeply HCL is nested, before it is parsed. The parser tries each expression in braces twice, and so
//! each one inside it again: three lines of nonsense could keep it busy for years.

/// The deepest nesting, which is more than any configuration needs: a list in an object in a block in a block is four
/// deep.
pub(crate) const MAX_DEPTH: usize = 8;

/// The construct that the scanner is inside of.
enum Within<'a> {
    /// Braces, brackets or parentheses, or `${` in a text.
    Code,
    /// Quotes: text up to the next quote, or the end of the line.
    Quotes,
    /// A heredoc: text up to the line with this word.
    Heredoc(&'a str),
}

/// The place (in bytes) of the first brace, bracket or parenthesis that is nested too deeply.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let mut within: Vec<Within<'_>> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        let rest = &text.as_bytes()[at..];
        let step = match within.last() {
            None | Some(Within::Code) => code(&text[at..], &mut within),
            Some(Within::Quotes | Within::Heredoc(_)) if rest.starts_with(b"$${") || rest.starts_with(b"%%{") => 3,
            Some(Within::Quotes | Within::Heredoc(_)) if rest.starts_with(b"${") || rest.starts_with(b"%{") => {
                within.push(Within::Code);
                2
            }
            Some(Within::Quotes) => {
                if matches!(byte, b'"' | b'\n') {
                    within.pop();
                }
                // The byte after a backslash does not end the text; it may be the first one of a longer character.
                if byte == b'\\' { 2 } else { 1 }
            }
            Some(Within::Heredoc(word)) => {
                let line = byte == b'\n' && text[at + 1..].lines().next().is_some_and(|line| line.trim() == *word);
                if line {
                    within.pop();
                }
                1
            }
        };
        if within.iter().filter(|within| matches!(within, Within::Code)).count() > MAX_DEPTH {
            return Some(at);
        }
        at += step;
        while !text.is_char_boundary(at) && at < text.len() {
            at += 1;
        }
    }
    None
}

/// Handles the next token outside of text; returns its length in bytes.
fn code<'a>(rest: &'a str, within: &mut Vec<Within<'a>>) -> usize {
    let line = || rest.find('\n').unwrap_or(rest.len());
    match rest.as_bytes() {
        [b'#', ..] | [b'/', b'/', ..] => line(),
        [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |end| end + 2),
        [b'<', b'<', ..] => {
            let word = rest[2..line()].trim_start_matches(['-', '~']).trim();
            if !word.is_empty() {
                within.push(Within::Heredoc(word));
                // The line break belongs to the text, because the first line may end it already.
                return line();
            }
            2
        }
        [b'"', ..] => {
            within.push(Within::Quotes);
            1
        }
        [b'{' | b'[' | b'(', ..] => {
            within.push(Within::Code);
            1
        }
        [b'}' | b']' | b')', ..] => {
            within.pop();
            1
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_DEPTH;
    use super::too_deep;

    #[test]
    fn what_people_write_is_shallow() {
        for text in [
            "",
            include_str!("../tests/surface.hcl"),
            &"a = \"{{{{{{{{{{{{\"\n".repeat(3),
            &"a = \"\\\"{{\"\n".repeat(20),
            &"# {{{{\n// [[[[\n/* ((((\n{{{{ */\n".repeat(9),
            &"a = \"$${ %%{\"\n".repeat(20),
            "a = <<EOT\n{{{{{{{{{{{{\nEOT\nb = {}\n",
            "a = <<-EOT\n  {{{{{{{{{{{{\n  EOT\n",
            &"a = {b = [\"}\"]}\n".repeat(20),
            &"}".repeat(20),
            "a = \"é\\é{{{{{{{{{{{{{",
        ] {
            assert_eq!(too_deep(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_that_is_too_deep_is_found_wherever_it_hides() {
        assert_eq!(too_deep(&"{".repeat(20)), Some(MAX_DEPTH));
        assert_eq!(too_deep(&"[{(\n".repeat(5)), Some(10));
        for piece in ["{b/c/", "\"${{b/c/", "<<A\n${{b/c/"] {
            assert!(too_deep(&format!("a = {}", piece.repeat(9))).is_some(), "{piece}");
        }
        assert!(too_deep(&format!("a = \"\n{}", "{".repeat(9))).is_some(), "a quote ends with its line");
        assert!(too_deep(&format!("a = <<A\nA\nb = {}", "{".repeat(9))).is_some(), "a heredoc ends with its word");
    }
}
