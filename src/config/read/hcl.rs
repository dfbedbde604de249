//! From HCL2 to words and values. Operators, conditionals and templates are refused with a hint; the functions are in
//! `call`.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::Template;

use super::place::{Page, Place};
use super::report::Report;
use super::tree::{Entry, Form, Node, Object, Value};
use super::{call, hint, nesting};

/// Reads a file, and reports what is wrong with it.
pub(crate) fn read(page: &Page<'_>, lookup: call::Lookup<'_>, report: &mut Report) -> Object {
    if let Some(at) = nesting::too_deep(page.text()) {
        report.unreadable(&page.place(at), "this is nested too deeply: close a brace, bracket or parenthesis above");
        return Object::default();
    }
    match hcl_edit::parser::parse_body(page.text()) {
        Ok(body) => Walk { page, lookup, report }.body(&body),
        Err(error) => {
            let (line, column) = (error.location().line(), error.location().column());
            if let Some(line) = hint::unclosed_quote(page, line, column) {
                report.unreadable(&page.at(line, 1), hint::UNCLOSED_QUOTE);
            } else {
                let sentence = hint::for_syntax(page.line(line), column, error.message());
                report.unreadable(&page.at(line, column), sentence);
            }
            Object::default()
        }
    }
}

struct Walk<'a> {
    page: &'a Page<'a>,
    lookup: call::Lookup<'a>,
    report: &'a mut Report,
}

impl Walk<'_> {
    fn body(&mut self, body: &Body) -> Object {
        let entries = body.iter().map(|structure| match structure {
            Structure::Attribute(attribute) => {
                let place = self.place(&attribute.key);
                Entry {
                    word: attribute.key.to_string(),
                    place,
                    form: Form::Attribute,
                    node: self.node(&attribute.value),
                }
            }
            Structure::Block(block) => {
                let place = self.place(&block.ident);
                let labels = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
                let value = Value::Object(self.body(&block.body));
                Entry {
                    word: block.ident.to_string(),
                    place: place.clone(),
                    form: Form::Block(labels),
                    node: Node::new(place, value),
                }
            }
        });
        Object { entries: entries.collect() }
    }

    fn node(&mut self, expression: &Expression) -> Node {
        let place = self.place(expression);
        let value = match expression {
            Expression::Bool(value) => Value::Bool(*value.value()),
            // HCL2 does not allow line breaks in quotes, but the parser accepts them.
            Expression::String(_) if self.written(expression).contains('\n') => {
                self.broken(&place, hint::UNCLOSED_QUOTE)
            }
            Expression::String(value) => Value::Text(value.to_string()),
            Expression::Number(_) => self.number(expression, &place),
            Expression::Array(array) => {
                let nodes: Vec<Node> = array.iter().map(|item| self.node(item)).collect();
                if nodes.iter().any(|node| node.value == Value::Broken) { Value::Broken } else { Value::List(nodes) }
            }
            Expression::Object(object) => {
                let entries = object.iter().filter_map(|(key, value)| self.member(key, value.expr()));
                Value::Object(Object { entries: entries.collect() })
            }
            Expression::HeredocTemplate(heredoc) => self.literal(&heredoc.template, &place),
            Expression::FuncCall(function) => {
                call::evaluate(function, self.lookup).unwrap_or_else(|sentence| self.broken(&place, sentence))
            }
            Expression::UnaryOp(operation) => match (operation.operator.value(), self.node(&operation.expr).value) {
                (UnaryOperator::Neg, Value::Integer(number)) => Value::Integer(-number),
                (UnaryOperator::Neg, Value::Float(number)) => Value::Float(-number),
                _ => self.broken(&place, hint::for_expression(expression)),
            },
            _ => self.broken(&place, hint::for_expression(expression)),
        };
        Node { place, value }
    }

    fn member(&mut self, key: &ObjectKey, value: &Expression) -> Option<Entry> {
        let (word, place) = match key {
            ObjectKey::Ident(ident) => (ident.to_string(), self.place(ident)),
            ObjectKey::Expression(Expression::String(text)) => (text.to_string(), self.place(text)),
            ObjectKey::Expression(other) => {
                let place = self.place(other);
                self.report.error(&place, "a name in an object is one word, or text in quotes");
                return None;
            }
        };
        Some(Entry { word, place, form: Form::Attribute, node: self.node(value) })
    }

    /// A number. HCL2 reads `0644` as 644, which is never meant.
    fn number(&mut self, expression: &Expression, place: &Place) -> Value {
        let Expression::Number(number) = expression else { return Value::Broken };
        if let [b'0', b'0'..=b'9', ..] = self.written(expression).trim().as_bytes() {
            let sentence = "a number must not begin with a zero, it would be read as decimal: \
                            a mode is written as text, as in \"0640\"";
            return self.broken(place, sentence);
        }
        match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(float)) => Value::Float(float),
            (None, None) => self.broken(place, "this number is out of range"),
        }
    }

    /// A heredoc without interpolation is plain text.
    fn literal(&mut self, template: &Template, place: &Place) -> Value {
        let parts: Option<Vec<&str>> =
            template.iter().map(|element| element.as_literal().map(|text| text.as_str())).collect();
        parts.map_or_else(|| self.broken(place, hint::NO_TEMPLATES), |parts| Value::Text(parts.concat()))
    }

    fn broken(&mut self, place: &Place, sentence: impl Into<String>) -> Value {
        self.report.error(place, sentence);
        Value::Broken
    }

    fn written(&self, expression: &Expression) -> &str {
        self.page.text().get(expression.span().unwrap_or_default()).unwrap_or_default()
    }

    fn place(&self, spanned: &impl Span) -> Place {
        self.page.place(spanned.span().unwrap_or_default().start)
    }
}
