//! The status page that lictor was asked for, to the letter: a database, a queue and the version of what runs.

use crate::harness::{MARKER, Setup, until_passing};
use crate::moto::Moto;
use crate::server::postgres::Postgres;

#[test]
fn the_status_is_what_was_asked_for() {
    let (mut postgres, moto) = (Postgres::start(|_| None), Moto::start());
    postgres.user("billing", MARKER);
    let queue = moto.queue("orders");
    let setup = Setup::on_directory();
    setup.write("DATABASE_URL", format!("postgres://billing:{MARKER}@{}/orders", postgres.address()));
    setup.write("AWS_ACCESS_KEY_ID", "id");
    setup.write("AWS_SECRET_ACCESS_KEY", MARKER);
    let checks = format!(
        "check \"Database\" {{\n  postgres {{ url = env_of_service(\"DATABASE_URL\") }}\n  interval = \"100ms\"\n  \
         good = \"Good\"\n  bad = \"Bad\"\n}}\ncheck \"Status for SQS queue\" {{\n  sqs {{\n    \
         queue_url = \"{queue}\"\n    region = \"eu-west-1\"\n  }}\n  interval = \"100ms\"\n}}\n"
    );
    let lictor = setup.config(&checks).start();
    lictor.until_good();
    until_passing(&lictor, "Database");
    until_passing(&lictor, "Status for SQS queue");
    let answer = lictor.get("/status");
    let expected = r#"{"Database":"Good","Status for SQS queue":"Healthy","version":"1.214"}"#;
    assert_eq!((answer.code, answer.text().trim_end()), (200, expected));

    postgres.stop();
    let answer = crate::harness::eventually("the database is missed", || {
        Some(lictor.get("/status")).filter(|answer| answer.code == 503)
    });
    assert_eq!(answer.text().trim_end(), expected.replace("Good", "Bad"));
}
