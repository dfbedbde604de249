//! Which variables differ between two environments: names only.

use super::Environment;

/// The names that only one of the two has, or that have another value in each; in the order of the names.
pub fn changed_names(before: &Environment, after: &Environment) -> Vec<String> {
    let mut old = before.marks().peekable();
    let mut new = after.marks().peekable();
    let mut changed = Vec::new();
    loop {
        let name = match (old.peek().copied(), new.peek().copied()) {
            (None, None) => return changed,
            (Some((name, _)), None) => {
                old.next();
                name
            }
            (None, Some((name, _))) => {
                new.next();
                name
            }
            (Some((left, was)), Some((right, is))) => {
                if left <= right {
                    old.next();
                }
                if right <= left {
                    new.next();
                }
                if left == right && was == is {
                    continue;
                }
                left.min(right)
            }
        };
        changed.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Variable, Visibility};
    use super::changed_names;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let variables = pairs.iter().map(|(name, value)| {
            let variable = Variable { value: (*value).into(), origin: "test".into(), visibility: Visibility::Secret };
            ((*name).to_owned(), variable)
        });
        Environment::new(variables.collect())
    }

    #[test]
    fn added_removed_and_changed_names_come_in_order() {
        let before = environment(&[("A", "1"), ("B", "1"), ("D", "1")]);
        let after = environment(&[("B", "2"), ("C", "1"), ("D", "1"), ("E", "1")]);
        assert_eq!(changed_names(&before, &after), ["A", "B", "C", "E"]);
        assert_eq!(changed_names(&after, &before), ["A", "B", "C", "E"]);
        assert!(changed_names(&after, &after).is_empty());
    }
}
