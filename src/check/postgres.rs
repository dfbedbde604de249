//! `postgres`: one query over a connection of its own, closed when it is answered.

use std::error::Error as _;
use std::io;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use super::dial::{self, Wire};
use super::encrypt::{Roots, encrypt};
use super::frames::Frames;
use super::probe::Finding;
use super::target::Target;
use super::text::OfService;
use super::{Sql, TlsMode, answer, reason};

const PORT: u16 = 5432;

/// Asks whether there is TLS: a length of 8 and the number that is no version.
const ASKS_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks once.
pub(super) async fn probe(sql: &Sql, service: &OfService, roots: &Roots) -> Finding {
    let target = match sql.place.target(service, Target::of_postgres).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    answer::finding(ask(sql, &target, roots).await, sql.expect.as_deref(), &target)
}

/// The first value of the first row.
async fn ask(sql: &Sql, target: &Target, roots: &Roots) -> Result<Option<String>, String> {
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
    let answer = tokio::select! {
        answer = first(&client, &sql.query) => answer,
        // It ends of itself only when the server hangs up.
        ended = &mut connection => Err(ended.err().map_or_else(|| "connection closed".to_owned(), |error| why(&error))),
    };
    // Without its client the connection says goodbye; how it ends does not matter any more.
    drop(client);
    if answer.is_ok() {
        let _ = connection.await;
    }
    answer
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

async fn first(client: &Client, query: &str) -> Result<Option<String>, String> {
    let answers = client.simple_query_raw(query).await.map_err(|error| why(&error))?;
    let mut answers = std::pin::pin!(answers);
    while let Some(answer) = answers.next().await {
        if let SimpleQueryMessage::Row(row) = answer.map_err(|error| why(&error))? {
            return row.try_get(0).map(|value| value.map(str::to_owned)).map_err(|error| why(&error));
        }
    }
    Ok(None)
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
