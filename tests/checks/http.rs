//! `http` in full: what is asked, what the answer must be like, and whose certificates count.

use crate::authority::Authority;
use crate::harness::address::loopback;
use crate::harness::eventually;
use crate::web_server::{WebServer, tls};
use crate::words::{fails, nowhere, passes, setup, with_check};

#[test]
fn an_answer_is_looked_into() {
    let server = WebServer::plain();
    let address = server.address;
    let kind = format!(
        "http {{\n  url = \"http://user:hunter2@{address}/healthz?token=hunter3\"\n  method = \"POST\"\n  host = \"billing.test\"\n  \
         headers = {{ X-Token = env_of_service(\"API_TOKEN\") }}\n  status = [200, \"3xx\"]\n  contains = \"ready\"\n  pattern = \"v[0-9]+\"\n  \
         json {{\n    field = \"db.state\"\n    equals = \"up\"\n  }}\n}}"
    );
    server.answers(302, &[], r#"{"db":{"state":"up"},"note":"ready in v12"}"#);
    let setup = setup();
    setup.write("API_TOKEN", "hunter4");
    let lictor = with_check(setup, &kind).start();
    passes(&lictor);
    let request = server.requests().swap_remove(0);
    assert!(request.starts_with("POST /healthz?token=hunter3 HTTP/1.1\r\n"), "{request}");
    for field in ["host: billing.test\r\n", "x-token: hunter4\r\n", "authorization: Basic "] {
        assert!(request.contains(field), "{field} in {request}");
    }
    lictor.until_applied(|| lictor.setup().write("API_TOKEN", "hunter6"));
    eventually("the new token is used", || server.requests().last()?.contains("x-token: hunter6\r\n").then_some(()));
    for (code, body, why) in [
        (503, "{}", "503 Service Unavailable"),
        (404, "{}", "404 Not Found"),
        (200, "not yet", "200 OK, but its body does not contain \"ready\""),
        (200, "ready", "200 OK, but its body does not match `pattern`"),
        (200, "ready v1", "200 OK, but its body is not JSON"),
        (200, r#"{"ready":"v1"}"#, "200 OK, but its JSON has no field db.state"),
        (200, r#"{"db":{"state":"hunter5"},"ready":"v1"}"#, "200 OK, but its field db.state is not \"up\""),
    ] {
        server.answers(code, &[], body);
        fails(&lictor, why);
    }
    server.hangs();
    fails(&lictor, "no answer within 1s");
    server.answers(200, &[], r#"{"db":{"state":"up"},"ready":"v1"}"#);
    passes(&lictor);
    drop(server);
    fails(&lictor, "connection refused");
    nowhere(&lictor, &["hunter2", "hunter3", "hunter4", "hunter5", "hunter6"]);
}

#[test]
fn a_server_of_ones_own_authority_that_wants_a_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let host = loopback();
    let pair = authority.server("billing.test", host);
    let server = WebServer::tls((host, 0).into(), tls(&pair, Some(&authority.ca())));
    let url = format!("https://{}/healthz", server.address);
    let me = authority.client("lictor.test");
    let (ca, cert, key) = (authority.ca(), me.cert.display().to_string(), me.key.display().to_string());
    let with = |words: &str| with_check(setup(), &format!("http {{\n  url = \"{url}\"\n{words}}}")).start();
    let shown = format!("  cert = \"{cert}\"\n  key = \"{key}\"\n");
    let trusted = format!("  ca = \"{}\"\n", ca.display());

    let good = with(&format!("{trusted}{shown}"));
    passes(&good);
    passes(&with(&format!("{trusted}{shown}  server_name = \"billing.test\"\n")));
    assert!(server.requests().iter().all(|request| request.contains(&format!("host: {}\r\n", server.address))));
    passes(&with(&format!("{trusted}{shown}  host = \"billing.test\"\n")));

    let unknown = "its certificate is signed by a CA that is not trusted here: set `ca` to that CA";
    fails(&with(&shown), unknown);
    fails(&with(&format!("  ca = \"{}\"\n{shown}", stranger.ca().display())), unknown);
    fails(&with(&trusted), "it asks for a certificate: set `cert` and `key`");
    let other = stranger.client("other.test");
    let shown_other = format!("  cert = \"{}\"\n  key = \"{}\"\n", other.cert.display(), other.key.display());
    fails(&with(&format!("{trusted}{shown_other}")), "it refuses the certificate in `cert`");
    fails(&with(&format!("{trusted}{shown}  server_name = \"shop.test\"\n")), "its certificate is for another name");
    let mixed = format!("{trusted}  cert = \"{cert}\"\n  key = \"{}\"\n", other.key.display());
    fails(&with(&mixed), "key is not the key of the certificate in cert");
    fails(&with("  ca = \"/nowhere/ca.pem\"\n"), "cannot read ca /nowhere/ca.pem: no such file or directory");
    fails(&with(&format!("  ca = \"{key}\"\n")), "ca holds no certificate in PEM");

    // Renewed by another authority, and what is trusted is renewed as well: the very next probe knows.
    drop(server);
    fails(&good, "connection refused");
}

#[test]
fn renewed_certificates_are_used_at_once() {
    let (old, new) = (Authority::new(), Authority::new());
    let host = loopback();
    let address = (host, 8443).into();
    let server = WebServer::tls(address, tls(&old.server("billing.test", host), None));
    let setup = setup();
    let ca = setup.path("ca.pem");
    std::fs::copy(old.ca(), &ca).unwrap();
    let kind = format!("http {{\n  url = \"https://{address}/\"\n  ca = \"{}\"\n}}", ca.display());
    let lictor = with_check(setup, &kind).start();
    passes(&lictor);
    drop(server);
    let _server = WebServer::tls(address, tls(&new.server("billing.test", host), None));
    fails(&lictor, "signed by a CA that is not trusted here");
    std::fs::copy(new.ca(), &ca).unwrap();
    passes(&lictor);
}
