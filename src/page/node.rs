//! A page as a tree. The same tree gives the HTML of an answer and, as JSON, the patches for an open document. Names and reasons are
//! text in both, never markup.

mod patch;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

pub(super) use patch::patches;

/// A piece of a page.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(Cow<'static, str>),
    Element(Element),
    /// An element that other trees have too.
    Shared(Arc<Element>),
}

impl Node {
    fn element(&self) -> Option<&Element> {
        match self {
            Self::Text(_) => None,
            Self::Element(element) => Some(element),
            Self::Shared(element) => Some(element),
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            // What is the same piece of memory need not be looked through.
            (Self::Shared(one), Self::Shared(other)) if Arc::ptr_eq(one, other) => true,
            (one, other) => one.element().is_some() && one.element() == other.element(),
        }
    }
}

impl Eq for Node {}

/// An element with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    tag: &'static str,
    /// The key by which a browser finds it again. Unique in a page.
    key: Option<String>,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    children: Vec<Node>,
}

/// Elements that have no end tag.
const VOID: [&str; 4] = ["link", "meta", "br", "img"];

/// An element with nothing in it.
pub(super) fn element(tag: &'static str) -> Element {
    Element { tag, key: None, attributes: Vec::new(), children: Vec::new() }
}

/// An element of this class.
pub(super) fn classed(tag: &'static str, class: impl Into<Cow<'static, str>>) -> Element {
    element(tag).with("class", class)
}

/// A link to another page of ours.
pub(super) fn link(to: String, text: impl Into<Cow<'static, str>>) -> Element {
    element("a").with("href", to).text(text)
}

impl Element {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(super) fn text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    pub(super) fn nodes(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// As HTML, at the end of this text.
    pub(super) fn write_html(&self, html: &mut String) {
        html.extend(["<", self.tag]);
        let key = self.key.iter().map(|key| ("data-key", key.as_str()));
        for (name, value) in key.chain(self.attributes.iter().map(|(name, value)| (*name, value.as_ref()))) {
            html.extend([" ", name, "=\""]);
            escape(html, value);
            html.push('"');
        }
        html.push('>');
        for child in &self.children {
            match child {
                Node::Text(text) => escape(html, text),
                Node::Element(element) => element.write_html(html),
                Node::Shared(element) => element.write_html(html),
            }
        }
        if !VOID.contains(&self.tag) {
            html.extend(["</", self.tag, ">"]);
        }
    }
}

/// Text as it stands in HTML, in an attribute or between tags. Characters that HTML has no place for become U+FFFD.
fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // What turns the direction of a line round could make one name look like another.
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                html.push('\u{fffd}');
            }
            _ => html.push(character),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => {
                let mut clean = String::with_capacity(text.len());
                for character in text.chars() {
                    let is_odd = matches!(character, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                    clean.push(if is_odd { '\u{fffd}' } else { character });
                }
                serializer.serialize_str(&clean)
            }
            Self::Element(element) => element.serialize(serializer),
            Self::Shared(element) => element.serialize(serializer),
        }
    }
}

/// `["tag", {"name": "value", ..}, child, ..]`; the key is under `"k"`.
impl Serialize for Element {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(2 + self.children.len()))?;
        list.serialize_element(self.tag)?;
        list.serialize_element(&Attributes(self))?;
        for child in &self.children {
            list.serialize_element(child)?;
        }
        list.end()
    }
}

struct Attributes<'a>(&'a Element);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(key) = &self.0.key {
            map.serialize_entry("k", key)?;
        }
        for (name, value) in &self.0.attributes {
            map.serialize_entry(name, value.as_ref())?;
        }
        map.end()
    }
}

/// A part of a whole as SVG has it: `37.5%`.
pub(super) fn percent(part: f64, whole: f64) -> String {
    let mut text = String::new();
    let share = if whole > 0.0 { (part / whole * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    // Writing to a string does not fail.
    let _ = write!(text, "{share:.2}%");
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Node, classed, element, link};

    #[test]
    fn what_others_wrote_is_text_and_never_markup() {
        let hostile = "<img src=x onerror=alert(1)>\"'&\u{0}\u{202e}";
        let node = classed("p", hostile).keyed(hostile).text(hostile).child(link(format!("/{hostile}"), hostile));
        let mut html = String::new();
        node.write_html(&mut html);
        assert_eq!(html.matches('<').count(), 4, "{html}");
        assert!(!html.contains("<img") && !html.contains("x\" onerror") && !html.contains('\u{202e}'), "{html}");
        let json = serde_json::to_string(&node).unwrap();
        assert!(json.starts_with(r#"["p",{"k":"#), "{json}");
    }

    #[test]
    fn a_piece_that_trees_share_is_one_like_any_other() {
        let piece = || element("li").keyed("a").text("x");
        let shared = |element| Node::Shared(Arc::new(element));
        let (own, both) = (element("ul").child(piece()), element("ul").nodes([shared(piece())]));
        assert_eq!(own, both);
        assert_eq!(both, element("ul").nodes([shared(piece())]), "by what is in it");
        assert_ne!(both, element("ul").nodes([shared(element("li"))]));
        assert_ne!(Node::Text("x".into()), Node::Element(piece()));
        let html = |element: &super::Element| {
            let mut html = String::new();
            element.write_html(&mut html);
            html
        };
        assert_eq!(html(&own), html(&both));
        assert_eq!(serde_json::to_string(&own).unwrap(), serde_json::to_string(&both).unwrap());
    }

    #[test]
    fn what_has_no_end_tag_gets_none() {
        let mut html = String::new();
        element("p").child(element("br")).write_html(&mut html);
        assert_eq!(html, "<p><br></p>");
    }
}
