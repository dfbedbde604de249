//! What the page's server says to others than browsers.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::client::Request;
use crate::harness::{Consul, eventually};
use crate::records::{instance, put};
use crate::server::Server;

#[test]
fn it_is_strict_and_read_only() {
    let consul = Consul::start();
    put(&consul, "billing", &instance("host-a", "1.215"));
    let server = Server::of(&consul);
    eventually("it has read", || server.ask(&Request::get("/")).text().contains("billing").then_some(()));
    for path in ["/", "/service/billing", "/page.css", "/page.js", "/icon.svg", "/service/nobody"] {
        let answer = server.ask(&Request::get(path));
        assert_eq!(answer.code, if path == "/service/nobody" { 404 } else { 200 }, "{path}");
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(!answer.headers.contains_key("set-cookie"));
        let text = answer.text();
        assert!(!text.contains(" style=") && !text.contains("onclick"), "{path}");
        assert!(!text.contains("http://") || path == "/icon.svg" || path == "/page.js", "{path}: {text}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.ask(&Request { method, path: "/", headers: &[], body: b"" });
        assert_eq!(answer.code, 405, "{method}");
    }
    assert_eq!(server.ask(&Request::get("/status")).code, 404);
    let answer = asked_as(&server, "evil.example");
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("--host evil.example"), "{answer}");
    let named = Server::with(&consul, &["--host", "fleet.example"]);
    assert!(asked_as(&named, "fleet.example").starts_with("HTTP/1.1 200 "));
}

/// What is said to a browser that was led here by this name.
fn asked_as(server: &Server, host: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
