//! Hints what to write instead: of the parser's short messages, of HCL1's forms, and of expressions.

use hcl_edit::expr::Expression;

use super::place::Page;

/// The hint for a text with `${` or `%{` in it.
pub(crate) const NO_TEMPLATES: &str =
    "templates are not supported: write env(\"NAME\") as the whole value, or $${ for the characters themselves";

/// The hint for a quote that goes on after the end of the line.
pub(crate) const UNCLOSED_QUOTE: &str = "a quote is not closed on this line";

/// The line of the quote that was not closed, if that is why the parser stopped at this line and column: it reads on to
/// the next quote, some lines below, and fails behind it.
pub(crate) fn unclosed_quote(page: &Page<'_>, line: usize, column: usize) -> Option<usize> {
    let odd = |text: &str| text.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2 == 1;
    let comment = |text: &str| text.trim_start().starts_with(['#', '/']);
    let before: String = page.line(line).chars().take(column.saturating_sub(1)).collect();
    if !odd(&before) {
        return odd(page.line(line)).then_some(line).filter(|_| column == page.indent(line) + 1);
    }
    (1..line).find(|earlier| odd(page.line(*earlier)) && !comment(page.line(*earlier)))
}

/// Why an expression is not accepted as a value.
pub(crate) fn for_expression(expression: &Expression) -> String {
    match expression {
        Expression::Null(_) => "null is not a value: leave the word out".to_owned(),
        // Not quoted: it may be a secret whose quotes were forgotten.
        Expression::Variable(_) => "a bare word is not a value: put it in quotes, or write true or false".to_owned(),
        Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => NO_TEMPLATES.to_owned(),
        Expression::Conditional(_) => "conditionals are not supported: write the value itself".to_owned(),
        Expression::BinaryOp(_) | Expression::UnaryOp(_) | Expression::Parenthesis(_) => {
            "operators are not supported: write the value itself".to_owned()
        }
        Expression::Traversal(_) => "this is not a value: put it in quotes".to_owned(),
        _ => "this is not a value: write text in quotes, a number, true, false, a list or a block".to_owned(),
    }
}

/// A sentence about the first thing that the parser did not understand, on this line at this column (from 1).
pub(crate) fn for_syntax(line: &str, column: usize, message: &str) -> String {
    let split = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    let trouble = Trouble { before: line[..split].trim_end(), rest: line[split..].trim_start(), message };
    let hints = [
        Trouble::redefined,
        Trouble::escape,
        Trouble::quoted_name,
        Trouble::template,
        Trouble::blocks_in_a_list,
        Trouble::nested_on_one_line,
        Trouble::two_on_one_line,
        Trouble::not_a_value,
        Trouble::comma_in_a_list,
        Trouble::brace_on_its_own_line,
        Trouble::unbalanced,
    ];
    hints.iter().find_map(|hint| hint(&trouble)).unwrap_or_else(|| format!("not understood here: {message}"))
}

struct Trouble<'a> {
    before: &'a str,
    rest: &'a str,
    message: &'a str,
}

impl Trouble<'_> {
    fn redefined(&self) -> Option<String> {
        let word = self.rest.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
        self.message.contains("redefined").then(|| format!("`{word}` is given twice in this block"))
    }

    fn escape(&self) -> Option<String> {
        self.message
            .contains("escape")
            .then(|| "unknown escape: a backslash in text is doubled, as in \"\\\\d+\"".into())
    }

    /// HCL1 and JSON: `"wait" = "5s"`, `"wait" { ... }`.
    fn quoted_name(&self) -> Option<String> {
        let (name, after) = self.rest.strip_prefix('"')?.split_once('"')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let after = after.trim_start();
        match after.chars().next()? {
            '{' if plain => Some(format!("a name has no quotes (HCL2): write {name} {{")),
            '=' if plain => Some(format!("a name has no quotes (HCL2): write {name} = ...")),
            _ => None,
        }
    }

    fn template(&self) -> Option<String> {
        self.rest.contains("%{").then(|| NO_TEMPLATES.to_owned())
    }

    /// HCL1: `prefix [ { ... }, { ... } ]`.
    fn blocks_in_a_list(&self) -> Option<String> {
        let word = last_word(self.before);
        (self.rest.starts_with('[') && !word.is_empty() && !self.before.contains('=')).then(|| {
            format!("a block is written once for each item (HCL2): {word} {{ ... }}, and again {word} {{ ... }}")
        })
    }

    /// `check "D" { http { url = "x" } }`.
    fn nested_on_one_line(&self) -> Option<String> {
        let word = last_word(self.before);
        (self.rest.starts_with('{') && self.before.contains('{') && !word.is_empty()).then(|| {
            format!("a block inside a block needs its own line (HCL2): write {word} {{ ... }} on the next line")
        })
    }

    /// `prefix { path = "a", no_prefix = true }`, `a = 1 b = 2`, `consul { address = "x"` and more lines.
    fn two_on_one_line(&self) -> Option<String> {
        if !self.before.contains('=') || self.message.contains("invalid expression") {
            return None;
        }
        let next = self.rest.trim_start_matches([',', ';', ' ']);
        if self.before.contains('{') && next.is_empty() {
            return Some("a block of several lines begins its body on the next line (HCL2)".to_owned());
        }
        if next.starts_with('}') {
            return Some("the closing } of a block of several lines needs its own line (HCL2)".to_owned());
        }
        let another = next.contains('=') || next.contains('{');
        (another && !self.message.contains("expected `]`")).then(|| {
            "one attribute a line (HCL2): write the next one on a line of its own, without comma or semicolon"
                .to_owned()
        })
    }

    fn not_a_value(&self) -> Option<String> {
        if self.rest.starts_with('\'') {
            return Some("text is written in double quotes".to_owned());
        }
        if self.before.ends_with('0') && self.rest.starts_with(['x', 'X']) {
            return Some("numbers are decimal; a mode is written as text, as in \"0640\"".to_owned());
        }
        if self.before.ends_with('=') && self.rest.is_empty() {
            return Some("the value is missing: it stands on the same line".to_owned());
        }
        if !self.before.contains('=') && self.rest.starts_with(':') {
            return Some(format!("write {} = ...", last_word(self.before)));
        }
        None
    }

    fn comma_in_a_list(&self) -> Option<String> {
        let missing = self.message.ends_with("expected `]`") && !self.rest.is_empty();
        missing.then(|| "a comma is missing between two items of a list".to_owned())
    }

    fn unbalanced(&self) -> Option<String> {
        if self.rest.starts_with('}') {
            return Some("this } closes nothing".to_owned());
        }
        self.rest.starts_with("/*").then(|| "this comment is not closed".to_owned())
    }

    fn brace_on_its_own_line(&self) -> Option<String> {
        let word = last_word(self.before);
        (self.rest.is_empty() && word == self.before.trim_start() && !word.is_empty())
            .then(|| format!("`{word}` has no value: write {word} = ..., or {word} {{ with the brace on this line"))
    }
}

/// The last word, or the one before a label: `http` of `check "D" { http`.
fn last_word(text: &str) -> &str {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let text = text.trim_end();
    let text =
        text.strip_suffix('"').and_then(|inner| inner.rsplit_once('"')).map_or(text, |(outer, _)| outer.trim_end());
    text.rsplit(|c: char| !word(c)).next().unwrap_or_default()
}
