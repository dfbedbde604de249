//! URLs that are asked over HTTP.

use reqwest::Url;

/// Checks that the text is an `http` or `https` URL with a host; returns it as written. The error does not repeat it,
/// there may be a password in it.
pub(crate) fn http(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text.to_owned()).ok_or("expected a URL, as in \"http://127.0.0.1:8080/healthz\"")
}

#[cfg(test)]
mod tests {
    use super::http;

    #[test]
    fn http_and_https_only() {
        for good in ["http://127.0.0.1:8080/healthz", "https://[::1]/", "http://localhost"] {
            assert_eq!(http(good).as_deref(), Ok(good));
        }
        for bad in ["", "/healthz", "127.0.0.1:8080", "ftp://x/", "http://", "http://h:99999/", "unix:///x"] {
            assert!(http(bad).is_err(), "{bad}");
        }
    }
}
