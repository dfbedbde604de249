//! `postgres`: one query over a connection of its own, closed when it is answered.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use super::dial::{self, Wire};
use super::encrypt::{Roots, encrypt};
use super::finding::Finding;
use super::frames::Frames;
use super::target::Target;
use super::text::OfService;
use super::{Sql, TlsMode, answer, reason};

const PORT: u16 = 5432;

/// Asks whether there is TLS: a length of 8 and the number that is no version.
const ASKS_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks once.
pub(super) async fn probe(sql: &Sql, timeout: Duration, service: &OfService, roots: &Roots) -> Finding {
    // What is left then is for taking the query back.
    let patience = Patience { ends: Instant::now() + timeout.mul_f32(0.9), timeout };
    let target = match sql.place.target(service, Target::of_postgres).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    answer::finding(ask(sql, &target, roots, patience).await, sql.expect.as_deref(), &target)
}

/// How long the answer is waited for.
struct Patience {
    ends: Instant,
    timeout: Duration,
}

/// The first value of the first row.
async fn ask(sql: &Sql, target: &Target, roots: &Roots, patience: Patience) -> Result<Option<String>, String> {
    let user = target.user.as_deref().ok_or("it is not said as whom: write a user in the URL, or `user`")?;
    let wire = connect(target, roots).await?;
    let mut config = Config::new();
    // TLS is done already.
    config.ssl_mode(SslMode::Disable).user(user).application_name("lictor");
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    if let Some(database) = &target.database {
        config.dbname(database);
    }
    let (client, connection) = config.connect_raw(Frames::new(wire), NoTls).await.map_err(|error| why(&error))?;
    let mut connection = std::pin::pin!(connection);
    let (value, rest) = tokio::select! {
        answer = first(&client, &sql.query) => answer?,
        // It ends of itself only when the server hangs up.
        ended = &mut connection => {
            return Err(ended.err().map_or_else(|| "connection closed".to_owned(), |error| why(&error)));
        }
        () = sleep_until(patience.ends) => {
            take_back(&client, target, roots).await;
            return Err(reason::no_answer(patience.timeout));
        }
    };
    // Without its client the connection says goodbye, once all has been read; how it ends does not matter any more.
    drop(client);
    if rest == Rest::Nothing {
        let _ = connection.await;
    }
    Ok(value)
}

/// The server would go on with the query after the connection has closed, and with the next one beside it.
async fn take_back(client: &Client, target: &Target, roots: &Roots) {
    if let Ok(wire) = connect(target, roots).await {
        let _ = client.cancel_token().cancel_query_raw(wire, NoTls).await;
    }
}

/// What of an answer has not been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    Rows,
}

/// A connection on which the protocol can begin.
async fn connect(target: &Target, roots: &Roots) -> Result<Wire, String> {
    let place = target.shown(PORT);
    if target.host().starts_with('/') {
        let folder = target.host();
        return dial::unix(&format!("{folder}/.s.PGSQL.{}", target.port.unwrap_or(PORT))).await;
    }
    let mut wire = dial::tcp(&place).await?;
    let mode = target.tls.unwrap_or(TlsMode::Prefer);
    if mode == TlsMode::Disable {
        return Ok(wire);
    }
    let broken = |error: io::Error| format!("{place}: {}", reason::of_io(&error));
    wire.write_all(&ASKS_FOR_TLS).await.map_err(broken)?;
    match (wire.read_u8().await.map_err(broken)?, mode) {
        (b'S', _) => encrypt(wire, target.demand(mode), roots).await,
        (b'N', TlsMode::Prefer) => Ok(wire),
        (b'N', _) => Err(format!("{place} has no TLS, and `tls` asks for it")),
        _ => Err(format!("what answers at {place} is no PostgreSQL")),
    }
}

/// The first value of the first row. Of further rows nothing is read.
async fn first(client: &Client, query: &str) -> Result<(Option<String>, Rest), String> {
    let answers = client.simple_query_raw(query).await.map_err(|error| why(&error))?;
    let mut answers = std::pin::pin!(answers);
    let mut value = None;
    while let Some(answer) = answers.next().await {
        match (answer.map_err(|error| why(&error))?, &value) {
            (SimpleQueryMessage::Row(row), None) => {
                let text = row.try_get(0).map_err(|error| why(&error))?;
                value = Some(text.map(str::to_owned));
            }
            (SimpleQueryMessage::Row(_), Some(_)) => return Ok((value.flatten(), Rest::Rows)),
            _ => {}
        }
    }
    Ok((value.flatten(), Rest::Nothing))
}

/// Why there was no answer: what the server says of it, or what went wrong on the way.
fn why(error: &Error) -> String {
    let Some(source) = error.source() else {
        return error.to_string();
    };
    if let Some(error) = source.downcast_ref::<DbError>() {
        return error.message().to_owned();
    }
    match source.downcast_ref::<io::Error>() {
        Some(error) => reason::of_io(error),
        None => source.to_string(),
    }
}
