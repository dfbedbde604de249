//! `sqs`: a queue as moto has it, and what moto cannot do by a server of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::authority::Authority;
use crate::harness::address::loopback;
use crate::harness::lictor::pid;
use crate::harness::{Setup, eventually};
use crate::moto::{Keys, Moto};
use crate::web_server::{WebServer, tls};
use crate::words::{fails, nowhere, passes, setup, with_check};

/// Credentials as variables of the service.
fn give(setup: &Setup, keys: &Keys) {
    setup.write("AWS_ACCESS_KEY_ID", &keys.id);
    setup.write("AWS_SECRET_ACCESS_KEY", &keys.secret);
}

fn kind(queue: &str, more: &str) -> String {
    format!("sqs {{\n  queue_url = \"{queue}\"\n  region = \"eu-west-1\"\n{more}}}")
}

#[test]
fn a_queue_with_signatures_that_are_looked_at() {
    let mut moto = Moto::start();
    let queue = moto.queue("orders");
    let (reader, nobody) = (moto.user("reader", Some("sqs:GetQueueAttributes")), moto.user("nobody", None));
    let wrong = Keys { id: reader.id.clone(), secret: "hunter2hunter2".to_owned() };
    let unknown = Keys { id: "AKIAUNKNOWN".to_owned(), secret: "hunter3hunter3".to_owned() };
    (0..3).for_each(|_| moto.send(&queue));

    let with = |keys: &Keys, kind: &str| {
        let setup = setup();
        give(&setup, keys);
        with_check(setup, kind).start()
    };
    let full = with(&reader, &kind(&queue, "  max_messages = 2\n"));
    fails(&full, "about 3 messages wait in the queue, more than max_messages = 2");
    moto.purge(&queue);
    passes(&full);
    drop(full);

    moto.look_at_signatures();
    let lictor = with(&reader, &kind(&queue, ""));
    passes(&lictor);
    let of_the_service = "from the service's environment";
    fails(&with(&nobody, &kind(&queue, "")), "access denied: allow sqs:GetQueueAttributes");
    let refused = with(&wrong, &kind(&queue, ""));
    fails(&refused, &format!("the secret key {of_the_service} is wrong"));
    nowhere(&refused, &[&wrong.secret]);
    fails(&with(&unknown, &kind(&queue, "")), &format!("the access key {of_the_service} is not known to AWS"));
    fails(&with(&reader, &kind(&queue.replace("orders", "other"), "")), "there is no such queue in eu-west-1");

    moto.kill();
    fails(&lictor, "connection refused");
    nowhere(&lictor, &[&reader.secret]);
}

#[test]
fn what_else_may_be_answered() {
    let server = WebServer::plain();
    let endpoint = format!("http://{}", server.address);
    let good = r#"{"Attributes":{"ApproximateNumberOfMessages":"7"}}"#;
    server.answers(200, &[], good);
    let setup = setup();
    give(&setup, &Keys { id: "AKIA".to_owned(), secret: "hunter2hunter2".to_owned() });
    setup.write("AWS_SESSION_TOKEN", "hunter3hunter3");
    let queue = "https://sqs.eu-north-1.amazonaws.com/123456789012/orders";
    setup.write("QUEUE_URL", queue);
    let kind = format!(
        "sqs {{\n  queue_url = env_of_service(\"QUEUE_URL\")\n  endpoint = \"{endpoint}\"\n  max_messages = 7\n}}"
    );
    let lictor = with_check(setup, &kind).start();
    passes(&lictor);
    let request = server.requests().swap_remove(0);
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("/eu-north-1/sqs/aws4_request"), "the region of the queue: {request}");
    assert!(request.contains("x-amz-security-token: hunter3hunter3\r\n"), "{request}");
    assert!(
        request.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"),
        "{request}"
    );
    assert!(
        request.ends_with(&format!(r#"{{"QueueUrl":"{queue}","AttributeNames":["ApproximateNumberOfMessages"]}}"#))
    );

    let first = lictor.board();
    for (code, body, why) in [
        (
            403,
            r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"hunter4"}"#,
            "access denied: allow",
        ),
        (400, r#"{"__type":"com.amazonaws.sqs#ThrottlingException","message":"x"}"#, "SQS throttles these requests"),
        (400, r#"{"__type":"com.amazon.coral.service#ExpiredTokenException"}"#, "the session token from the service's"),
        (500, "", "500 Internal Server Error, but not an answer of SQS"),
        (200, "<html>hunter4</html>", "200 OK, but not an answer of SQS"),
        (200, r#"{"Attributes":{"ApproximateNumberOfMessages":"8"}}"#, "about 8 messages wait"),
    ] {
        server.answers(code, &[], body);
        fails(&lictor, why);
    }
    server.hangs();
    fails(&lictor, "no answer within 1s");
    server.answers(200, &[], good);
    passes(&lictor);
    assert_eq!(pid(&lictor.board()), pid(&first), "an informing check restarts nothing");
    nowhere(&lictor, &["hunter2hunter2", "hunter3hunter3", "hunter4"]);
}

#[test]
fn an_endpoint_with_an_authority_of_its_own() {
    let authority = Authority::new();
    let host = loopback();
    let server = WebServer::tls((host, 0).into(), tls(&authority.server("sqs.test", host), None));
    let setup = self::setup();
    give(&setup, &Keys { id: "AKIA".to_owned(), secret: "hunter2hunter2".to_owned() });
    let queue = format!("https://{}/123456789012/orders", server.address);
    let lictor = with_check(setup, &kind(&queue, "")).start();
    fails(&lictor, "its certificate is signed by a CA that is not trusted here: set `ca` to that CA");
    drop(lictor);
    let trusting = self::setup();
    give(&trusting, &Keys { id: "AKIA".to_owned(), secret: "hunter2hunter2".to_owned() });
    server.answers(200, &[], r#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#);
    let ca = format!("  ca = \"{}\"\n", authority.ca().display());
    passes(&with_check(trusting, &kind(&queue, &ca)).start());
}

#[test]
fn without_credentials_it_says_where_they_may_be() {
    let server = WebServer::plain();
    let queue = format!("http://{}/123456789012/orders", server.address);
    let setup = setup().variable("AWS_EC2_METADATA_DISABLED", "true");
    let home = setup.folder().display().to_string();
    let lictor = with_check(setup.variable("HOME", &home), &kind(&queue, "")).start();
    fails(&lictor, "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the service");
    fs::create_dir(lictor.setup().path(".aws")).unwrap();
    let file = "[default]\naws_access_key_id = AKIA\naws_secret_access_key = hunter2hunter2\n";
    fs::write(lictor.setup().path(".aws/credentials"), file).unwrap();
    server.answers(200, &[], r#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#);
    passes(&lictor);
    nowhere(&lictor, &["hunter2hunter2"]);
}

/// Only root can run the service as somebody else.
#[test]
fn a_file_that_the_service_s_environment_names_is_opened_with_its_rights() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let server = WebServer::plain();
    server.answers(200, &[], "{}");
    let setup = setup().config("exec {\n  user = \"nobody\"\n}\n");
    fs::set_permissions(setup.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    let token = setup.path("token");
    fs::write(&token, "hunter2hunter2\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    setup.write("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{}/role", server.address));
    setup.write("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.display().to_string());
    let queue = format!("http://{}/123456789012/orders", server.address);
    let lictor = with_check(setup, &kind(&queue, "")).start();
    fails(&lictor, "permission denied");
    assert_eq!(server.requests(), Vec::<String>::new(), "nothing is asked without the token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    eventually("the token is shown once the service may read it", || {
        server.requests().iter().any(|request| request.contains("authorization: hunter2hunter2\r\n")).then_some(())
    });
    nowhere(&lictor, &["hunter2hunter2"]);
}
