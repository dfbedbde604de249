//! Text that no receiver of `StatsD` takes for something else.

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, value};

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
    }
}
