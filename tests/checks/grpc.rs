//! `grpc`: a Go server's own health service.

use crate::authority::Authority;
use crate::grpc_server::GrpcServer;
use crate::harness::address::loopback;
use crate::web_server::WebServer;
use crate::words::{fails, passes, setup, with_check};

const SERVICE: &str = "billing.v1.Billing";

fn kind(address: impl std::fmt::Display, more: &str) -> String {
    format!("grpc {{\n  address = \"{address}\"\n{more}}}")
}

fn of_service(name: &str) -> String {
    format!("  service = \"{name}\"\n")
}

#[test]
fn a_service_that_serves_and_does_not() {
    let host = loopback();
    let mut server = GrpcServer::start(host, &[]);
    let address = server.address;
    let whole = with_check(setup(), &kind(address, "")).start();
    passes(&whole);
    let one = with_check(setup(), &kind(address, &of_service(SERVICE))).start();
    fails(&one, "the server does not know the service \"billing.v1.Billing\"");
    server.says(SERVICE, "SERVING");
    passes(&one);
    server.says(SERVICE, "NOT_SERVING");
    fails(&one, "the service \"billing.v1.Billing\" answers NOT_SERVING");
    server.says("-", "NOT_SERVING");
    fails(&whole, "the server answers NOT_SERVING");
    drop(server);
    fails(&one, "connection refused");
    let mut server = GrpcServer::start(host, &[]);
    server.says(SERVICE, "SERVING");
    passes(&one);
    passes(&whole);
}

#[test]
fn servers_that_are_slow_or_no_such_servers() {
    let slow = GrpcServer::start(loopback(), &["-slow", "30s"]);
    fails(&with_check(setup(), &kind(slow.address, "")).start(), "no answer within 1s");
    let bare = GrpcServer::start(loopback(), &["-bare"]);
    fails(&with_check(setup(), &kind(bare.address, "")).start(), "the server has no health service");
    let web = WebServer::plain();
    let lictor = with_check(setup(), &kind(web.address, "")).start();
    fails(&lictor, "");
}

#[test]
fn a_server_with_tls_that_wants_a_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let host = loopback();
    let (pair, me) = (authority.server("billing.test", host), authority.client("lictor.test"));
    let ca = authority.ca().display().to_string();
    let (cert, key) = (pair.cert.display().to_string(), pair.key.display().to_string());
    let server = GrpcServer::start(host, &["-cert", &cert, "-key", &key, "-ca", &ca]);
    let with = |words: &str| with_check(setup(), &kind(server.address, words)).start();
    let trusted = format!("  ca = \"{ca}\"\n");
    let shown = format!("  cert = \"{}\"\n  key = \"{}\"\n", me.cert.display(), me.key.display());
    passes(&with(&format!("{trusted}{shown}")));
    passes(&with(&format!("{trusted}{shown}  server_name = \"billing.test\"\n")));
    fails(&with(&format!("{trusted}{shown}  server_name = \"shop.test\"\n")), "its certificate is for another name");
    fails(
        &with(&format!("  ca = \"{}\"\n{shown}", stranger.ca().display())),
        "is signed by a CA that is not trusted here",
    );
    fails(&with(&format!("  tls = \"verify-full\"\n{shown}")), "is signed by a CA that is not trusted here");
    fails(&with(&trusted), "it asks for a certificate: set `cert` and `key`");
    // It waits for TLS that never comes, or hangs up.
    fails(&with(""), "");
}
