//! Makes values of tags safe, so that no receiver of `StatsD` misreads them, and keeps different values apart.

use std::collections::{BTreeMap, BTreeSet};

/// At most this many values of one tag are kept apart; further ones become `other`.
const MOST_VALUES: usize = 1000;

/// The longest value of a tag, in bytes.
const LONGEST: usize = 200;

/// The value of a tag: `[A-Za-z0-9_./-]`, never empty, never over 200 bytes.
pub(super) fn value(text: &str) -> String {
    if text.is_empty() {
        return "none".to_owned();
    }
    let fine = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-');
    text.chars().take(LONGEST).map(|letter| if fine(letter) { letter } else { '_' }).collect()
}

/// The safe form of each value, so that two values never become one series: `a b` is `a_b`, and `a:b` then is `a_b_2`.
#[derive(Debug, Default)]
pub(super) struct Values {
    tags: BTreeMap<&'static str, Written>,
}

/// The values of one tag.
#[derive(Debug, Default)]
struct Written {
    by_text: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Values {
    /// The value of this tag as it is written, always the same for the same text.
    pub(super) fn written(&mut self, tag: &'static str, text: &str) -> &str {
        self.tags.entry(tag).or_default().of(text)
    }
}

impl Written {
    fn of(&mut self, text: &str) -> &str {
        if !self.by_text.contains_key(text) {
            if self.by_text.len() >= MOST_VALUES {
                *self = Self::default();
            }
            let written = self.free(value(text));
            self.taken.insert(written.clone());
            self.by_text.insert(text.to_owned(), written);
        }
        self.by_text.get(text).map_or("none", String::as_str)
    }

    /// This value, or with a number after it if another text is written so.
    fn free(&self, value: String) -> String {
        let numbered = |number: usize| {
            let end = format!("_{number}");
            let kept = value.len().min(LONGEST - end.len());
            format!("{}{end}", &value[..kept])
        };
        if !self.taken.contains(&value) {
            return value;
        }
        // One of them is free: there are more numbers than values.
        (2..MOST_VALUES + 3).map(numbered).find(|candidate| !self.taken.contains(candidate)).unwrap_or(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, MOST_VALUES, Values, value};

    #[test]
    fn two_texts_are_never_one_value_of_a_tag() {
        let mut values = Values::default();
        for (text, written) in [
            ("a b", "a_b"),
            ("a:b", "a_b_2"),
            ("a_b_2", "a_b_2_2"),
            ("a_b", "a_b_3"),
            ("", "none"),
            ("none", "none_2"),
            ("a b", "a_b"),
            ("a:b", "a_b_2"),
        ] {
            assert_eq!(values.written("check", text), written, "{text}");
        }
        assert_eq!(values.written("source", "a:b"), "a_b", "another tag");
        let long = ["x".repeat(LONGEST), "x".repeat(LONGEST + 1)];
        let written = long.each_ref().map(|text| values.written("check", text).to_owned());
        assert_eq!(written, ["x".repeat(LONGEST), format!("{}_2", "x".repeat(LONGEST - 2))]);
    }

    #[test]
    fn versions_that_come_and_go_do_not_add_up_for_ever() {
        let mut values = Values::default();
        for number in 0..=2 * MOST_VALUES {
            values.written("version", &number.to_string());
        }
        assert!(values.tags["version"].by_text.len() <= MOST_VALUES);
    }

    #[test]
    fn values_that_would_break_a_line_are_mended() {
        for (text, safe) in [
            ("billing", "billing"),
            ("consul billing/", "consul_billing/"),
            ("a:b,c=d|e\nf#g", "a_b_c_d_e_f_g"),
            ("Prüfung", "Pr_fung"),
            ("", "none"),
        ] {
            assert_eq!(value(text), safe);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_a_safe_value_comes_out(text in "\\PC{0,300}|[\\x00-\\xff]{0,300}") {
            let safe = value(&text);
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST);
            prop_assert!(safe.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte)), "{safe}");
        }

        #[test]
        fn as_many_values_as_texts(texts in proptest::collection::btree_set("[a_ :]{0,3}|x{198,203}", 0..40)) {
            let mut values = Values::default();
            let written: Vec<String> = texts.iter().map(|text| values.written("check", text).to_owned()).collect();
            prop_assert!(written.iter().all(|value| value.len() <= LONGEST));
            let again: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (text, value) in again.iter().zip(&written) {
                prop_assert_eq!(values.written("check", text), value);
            }
            let apart: std::collections::BTreeSet<_> = written.iter().collect();
            prop_assert_eq!(apart.len(), texts.len());
        }
    }
}
