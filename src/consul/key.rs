//! Keys of the KV store as paths of a URL.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what every server and proxy leaves alone.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The key, each segment encoded and `/` kept.
///
/// An empty, `.` or `..` segment would be cleaned away on its way (and another key be read), so in such a key every `/`
/// is written `%2F`, which Consul takes for the same key.
pub fn encoded(key: &str) -> String {
    let segments = || key.split('/').map(|segment| Cow::from(utf8_percent_encode(segment, SEGMENT)));
    let inner = key.strip_suffix('/').unwrap_or(key);
    let odd = inner.split('/').any(|segment| matches!(segment, "" | "." | ".."));
    segments().collect::<Vec<_>>().join(if odd { "%2F" } else { "/" })
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::encoded;

    #[test]
    fn keys_keep_their_slashes_and_nothing_else() {
        for (key, path) in [
            ("billing/", "billing/"),
            ("a/b-c_d.e~f/", "a/b-c_d.e~f/"),
            ("a b/ü?x=1&y#z%2F/", "a%20b/%C3%BC%3Fx%3D1%26y%23z%252F/"),
            ("a//b/", "a%2F%2Fb%2F"),
            ("/lead/", "%2Flead%2F"),
            ("a/../b/", "a%2F..%2Fb%2F"),
            ("./", ".%2F"),
        ] {
            assert_eq!(encoded(key), path);
        }
    }

    #[test]
    fn a_url_leaves_them_alone() {
        for key in ["a/../b/", "../", "a//b/", "a b/%2e%2e/\"quote\"/"] {
            let mut url = Url::parse("http://localhost/").unwrap();
            url.set_path(&format!("/v1/kv/{}", encoded(key)));
            assert_eq!(url.path(), format!("/v1/kv/{}", encoded(key)));
        }
    }
}
