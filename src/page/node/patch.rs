//! Finds the changes of a page: the smallest elements with a key that contain all of them.

use std::sync::Arc;

use super::{Element, Node};

/// The elements of the new tree that replace those of the same keys in the old one. Both roots have the same key, and
/// nothing is left out: whoever has the old tree and puts these in has the new one.
pub(in super::super) fn patches<'a>(old: &Element, new: &'a Element) -> Vec<&'a Element> {
    let mut found = Vec::new();
    collect(old, new, &mut found);
    found
}

fn collect<'a>(old: &Element, new: &'a Element, found: &mut Vec<&'a Element>) {
    let mut pairs = Vec::new();
    if !have_same_frame(old, new, &mut pairs) {
        return found.push(new);
    }
    for (old, new) in pairs {
        if old != new {
            collect(old, new, found);
        }
    }
}

/// Whether two elements differ in nothing but inside of elements with keys below them; those are put into the list.
fn have_same_frame<'o, 'n>(old: &'o Element, new: &'n Element, pairs: &mut Vec<(&'o Element, &'n Element)>) -> bool {
    if old.tag != new.tag
        || old.key != new.key
        || old.attributes != new.attributes
        || old.children.len() != new.children.len()
    {
        return false;
    }
    old.children.iter().zip(&new.children).all(|children| match children {
        (Node::Text(old), Node::Text(new)) => old == new,
        (Node::Shared(old), Node::Shared(new)) if Arc::ptr_eq(old, new) => true,
        (old, new) => match (old.element(), new.element()) {
            (Some(old), Some(new)) if old.key.is_some() && old.key == new.key => {
                pairs.push((old, new));
                old.tag == new.tag
            }
            (Some(old), Some(new)) => have_same_frame(old, new, pairs),
            _ => false,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Element, Node, element};
    use super::patches;

    fn row(name: &str, word: &'static str) -> Element {
        element("tr").keyed(name).child(element("td").text(name.to_owned())).child(element("td").text(word))
    }

    fn table(rows: &[(&str, &'static str)], head: &'static str) -> Element {
        let body = element("tbody").keyed("rows").children(rows.iter().map(|(name, word)| row(name, word)));
        element("main").keyed("page").child(element("h1").text(head)).child(element("table").child(body))
    }

    #[test]
    fn a_change_in_a_row_is_that_row_and_a_row_more_is_the_list() {
        let old = table(&[("a", "good"), ("b", "good")], "billing");
        assert!(patches(&old, &old).is_empty());
        let new = table(&[("a", "good"), ("b", "on trial")], "billing");
        assert_eq!(patches(&old, &new), [&row("b", "on trial")]);
        let longer = table(&[("a", "good"), ("b", "good"), ("c", "good")], "billing");
        let found = patches(&old, &longer);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].tag, found[0].children.len()), ("tbody", 3));
        // A piece that both trees have is not looked into; one that is another is a change like any other.
        let share =
            |rows: [&Arc<Element>; 2]| element("ul").keyed("page").nodes(rows.map(|row| Node::Shared(Arc::clone(row))));
        let [a, b, c] = [row("a", "good"), row("b", "good"), row("b", "on trial")].map(Arc::new);
        assert!(patches(&share([&a, &b]), &share([&a, &b])).is_empty());
        assert_eq!(patches(&share([&a, &b]), &share([&a, &c])), [&*c]);
        let headed = table(&[("a", "good"), ("b", "good")], "shipping");
        assert_eq!(patches(&old, &headed), [&headed]);
    }
}
