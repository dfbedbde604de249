//! `moto`: it answers as Amazon SQS and IAM do, and looks at signatures once it is told to.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::address::loopback;
use crate::harness::client::{Answer, Request};
use crate::harness::eventually;

/// One account of AWS; ended when dropped.
#[derive(Debug)]
pub struct Moto {
    host: Ipv4Addr,
    folder: TempDir,
    server: Option<Child>,
}

/// A user's pair of keys.
#[derive(Debug)]
pub struct Keys {
    pub id: String,
    pub secret: String,
}

impl Moto {
    /// One on an address of its own.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("moto-").tempdir().unwrap();
        let mut moto = Self { host: loopback(), folder, server: None };
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/moto-5.2.5/bin/python");
        assert!(program.exists(), "moto is not installed: run `make setup`");
        let log = File::create(moto.folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["-m", "moto.server", "-H", &moto.host.to_string(), "-p", "5000"]).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        moto.server = Some(command.spawn().unwrap());
        eventually("moto answers", || {
            let ended = moto.server.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "moto ended: {}", fs::read_to_string(moto.folder.path().join("log")).unwrap());
            Request::get("/moto-api/data.json").tcp(moto.address()).ok().filter(|answer| answer.code == 200)
        });
        moto
    }

    fn address(&self) -> SocketAddr {
        (self.host, 5000).into()
    }

    /// A queue of this name; its URL.
    pub fn queue(&self, name: &str) -> String {
        let made = self.sqs("CreateQueue", &json!({ "QueueName": name }));
        // It names the host by which it was asked.
        let path = made["QueueUrl"].as_str().unwrap().splitn(4, '/').nth(3).unwrap().to_owned();
        format!("http://{}/{path}", self.address())
    }

    /// Puts a message into it.
    pub fn send(&self, queue: &str) {
        self.sqs("SendMessage", &json!({ "QueueUrl": queue, "MessageBody": "hello" }));
    }

    /// Takes all messages out of it.
    pub fn purge(&self, queue: &str) {
        self.sqs("PurgeQueue", &json!({ "QueueUrl": queue }));
    }

    /// A user who may do this, or nothing.
    pub fn user(&self, name: &str, action: Option<&str>) -> Keys {
        self.iam(&format!("Action=CreateUser&UserName={name}"));
        if let Some(action) = action {
            let policy = format!(
                "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                 %22Action%22%3A%22{action}%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
            );
            self.iam(&format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}"));
        }
        let answer = self.iam(&format!("Action=CreateAccessKey&UserName={name}")).text();
        let between = |tag: &str| -> String {
            let (_, rest) = answer.split_once(&format!("<{tag}>")).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        Keys { id: between("AccessKeyId"), secret: between("SecretAccessKey") }
    }

    /// From now on every request must be signed by somebody who may.
    pub fn look_at_signatures(&self) {
        let headers = [("Content-Type", "text/plain")];
        self.ask(&Request { method: "POST", path: "/moto-api/reset-auth", headers: &headers, body: b"0" });
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    fn sqs(&self, action: &str, body: &Value) -> Value {
        let target = format!("AmazonSQS.{action}");
        let headers = [
            ("Authorization", &*scope("sqs")),
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", &target),
        ];
        let body = body.to_string();
        let answer = self.ask(&Request { method: "POST", path: "/", headers: &headers, body: body.as_bytes() });
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    fn iam(&self, question: &str) -> Answer {
        let headers = [("Authorization", &*scope("iam")), ("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("{question}&Version=2010-05-08");
        self.ask(&Request { method: "POST", path: "/", headers: &headers, body: body.as_bytes() })
    }

    fn ask(&self, request: &Request<'_>) -> Answer {
        let answer = request.tcp(self.address()).unwrap();
        assert_eq!(answer.code, 200, "{}", answer.text());
        answer
    }
}

/// By this it knows which service is meant.
fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.kill();
    }
}
