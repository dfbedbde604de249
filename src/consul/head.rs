//! The head of an answer: the meaning of its status, and the headers that matter.

use reqwest::header::HeaderMap;

use super::error::Class;

/// The parts of an answer's head that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 200 or 404.
    pub found: Found,
    /// `X-Consul-Index`; 1 if it is missing, zero or not a number.
    pub index: u64,
    /// `X-Consul-Results-Filtered-By-ACLs`: keys were left out because the token may not read them.
    pub results: Results,
    /// `X-Consul-Default-Acl-Policy`.
    pub default_policy: DefaultPolicy,
}

/// Whether there was anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// 200.
    Something,
    /// 404: nothing there, which is an answer too.
    Nothing,
}

/// Whether all keys were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// Yes, as far as the server reports.
    Whole,
    /// Some, or all, were hidden.
    Filtered,
}

/// What a token without rules may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultPolicy {
    /// Everything, or the server does not report it.
    Allow,
    /// Nothing.
    Deny,
}

/// Whether a request carried a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// It did.
    Token,
    /// It did not.
    None,
}

impl Head {
    /// Of a 200 or 404.
    pub(super) fn read(found: Found, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let index = text("x-consul-index").and_then(|index| index.parse().ok()).unwrap_or(1).max(1);
        let results = match text("x-consul-results-filtered-by-acls") {
            Some(word) if word.eq_ignore_ascii_case("true") => Results::Filtered,
            _ => Results::Whole,
        };
        let default_policy = match text("x-consul-default-acl-policy") {
            Some(word) if word.eq_ignore_ascii_case("deny") => DefaultPolicy::Deny,
            _ => DefaultPolicy::Allow,
        };
        Self { found, index, results, default_policy }
    }

    /// Whether keys are hidden, so that this must not be taken for all there is.
    ///
    /// A request without a token is not told that results were filtered; under a default of *deny* its 404 says nothing.
    pub fn hides(&self, credentials: Credentials) -> bool {
        let unsaid =
            (self.found, self.default_policy, credentials) == (Found::Nothing, DefaultPolicy::Deny, Credentials::None);
        self.results == Results::Filtered || unsaid
    }
}

/// What any status but 200 and 404 means. The text only refines a 500.
pub(super) fn class_of(status: u16, said: &str) -> Class {
    const NO_LEADER: [&str; 4] = ["No cluster leader", "No known Consul servers", "rpc error", "leadership lost"];
    match status {
        401 | 403 => Class::Denied,
        408 => Class::Timeout,
        429 | 503 => Class::Throttled,
        300..=399 | 400 | 405 | 413 | 414 => Class::Invalid,
        500 if said.contains("invalid key name") => Class::Invalid,
        500 if NO_LEADER.iter().any(|text| said.contains(text)) => Class::NoLeader,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(found: Found, headers: &[(&'static str, &'static str)]) -> Head {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Head::read(found, &map)
    }

    #[test]
    fn an_index_that_is_none_is_one() {
        for (value, index) in
            [("7", 7), ("18446744073709551615", u64::MAX), ("0", 1), ("", 1), ("-1", 1), ("x", 1), ("1e9", 1)]
        {
            assert_eq!(head(Found::Something, &[("x-consul-index", value)]).index, index, "{value:?}");
        }
        assert_eq!(head(Found::Nothing, &[]).index, 1);
    }

    #[test]
    fn hidden_keys_are_told_from_missing_ones() {
        let filtered = ("x-consul-results-filtered-by-acls", "true");
        let deny = ("x-consul-default-acl-policy", "deny");
        let allow = ("x-consul-default-acl-policy", "allow");
        for (found, headers, credentials, hides) in [
            (Found::Nothing, vec![], Credentials::None, false),
            (Found::Nothing, vec![allow], Credentials::None, false),
            (Found::Nothing, vec![deny], Credentials::Token, false),
            (Found::Nothing, vec![deny], Credentials::None, true),
            (Found::Something, vec![deny], Credentials::None, false),
            (Found::Nothing, vec![deny, filtered], Credentials::Token, true),
            (Found::Something, vec![allow, filtered], Credentials::Token, true),
        ] {
            assert_eq!(head(found, &headers).hides(credentials), hides, "{found:?} {headers:?} {credentials:?}");
        }
    }

    #[test]
    fn statuses_have_classes() {
        for (status, said, class) in [
            (403, "Permission denied", Class::Denied),
            (429, "", Class::Throttled),
            (503, "", Class::Throttled),
            (500, "No cluster leader", Class::NoLeader),
            (500, "rpc error making call: EOF", Class::NoLeader),
            (500, "No known Consul servers", Class::NoLeader),
            (500, "invalid key name \"a b\"", Class::Invalid),
            (500, "", Class::Unknown),
            (502, "", Class::Unknown),
            (307, "", Class::Invalid),
            (400, "", Class::Invalid),
            (204, "", Class::Unknown),
        ] {
            assert_eq!(class_of(status, said), class, "{status} {said}");
        }
    }
}
