//! All rules for one value.

use super::{Bound, Pattern, Type};

/// A message lists at most this many allowed values.
const MAX_LISTED: usize = 10;

/// The rules for one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// Its type; `None`: any.
    pub kind: Option<Type>,
    /// The values it may have; empty: any.
    pub one_of: Vec<String>,
    /// What the whole value must match.
    pub pattern: Option<Pattern>,
    /// The least value.
    pub min: Option<Bound>,
    /// The greatest value.
    pub max: Option<Bound>,
}

impl Form {
    /// Every rule that a value breaks, worded to follow the variable's name. None of them contains the value.
    pub fn faults(&self, value: &[u8]) -> Vec<String> {
        if *self == Self::default() {
            return Vec::new();
        }
        let Ok(value) = std::str::from_utf8(value) else {
            return if self.takes_any_bytes() { Vec::new() } else { vec!["is not UTF-8".to_owned()] };
        };
        let mut faults = Vec::new();
        match self.kind.map(|kind| (kind, kind.read(value))) {
            Some((kind, None)) => faults.push(format!("is not {}", kind.name())),
            Some((_, Some(measure))) => {
                if let Some(min) = self.min.filter(|min| min.is_above(measure)) {
                    faults.push(format!("is less than {min}"));
                }
                if let Some(max) = self.max.filter(|max| max.is_below(measure)) {
                    faults.push(format!("is greater than {max}"));
                }
            }
            None => {}
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(|allowed| allowed == value) {
            faults.push(format!("is none of {}", self.listed()));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.matches(value)) {
            faults.push(format!("does not match {:?}", pattern.as_str()));
        }
        faults
    }

    fn takes_any_bytes(&self) -> bool {
        matches!(self.kind, None | Some(Type::String)) && self.one_of.is_empty() && self.pattern.is_none()
    }

    fn listed(&self) -> String {
        let listed: Vec<String> = self.one_of.iter().take(MAX_LISTED).map(|value| format!("{value:?}")).collect();
        let more = if self.one_of.len() > MAX_LISTED { ", ..." } else { "" };
        format!("{}{more}", listed.join(", "))
    }
}
