//! `postgres`: one query over a connection of its own, closed when it is answered.

mod frames;

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use crate::check::database::{self, Negotiation, POSTGRES, Server, Session, Sql, Target};
use crate::check::net::Access;
use crate::check::net::dial::{self, Wire};
use crate::check::round::Finding;
use crate::check::tls::{Demand, encrypt};
use crate::check::{TlsMode, reason};
use frames::Frames;

/// The request for TLS: a length of 8, and a number in place of a protocol version.
const ASKS_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks once.
pub(in crate::check) async fn probe(sql: &Sql, timeout: Duration, access: &Access) -> Finding {
    // What is left then is for taking the query back.
    let patience = Patience { ends: Instant::now() + timeout.mul_f32(0.9), timeout };
    let target = match sql.place.target(access, POSTGRES).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    database::finding(ask(sql, &target, access, patience).await, sql.expect.as_deref(), &target)
}

/// How long the answer is waited for.
#[derive(Clone, Copy)]
struct Patience {
    ends: Instant,
    timeout: Duration,
}

/// Why there is no session with a server.
#[derive(Debug)]
enum Refused {
    /// Another server may have one, or the same one in another way.
    Here(String),
    /// The servers hold the same: none of them would let us in.
    Everywhere(String),
    /// It is not of the kind that is preferred.
    NotPreferred(String),
}

/// The first value of the first row, from the first server that will do, as the service's driver goes through them.
async fn ask(sql: &Sql, target: &Target, access: &Access, patience: Patience) -> Result<Option<String>, String> {
    let attempts = attempts(target);
    let mut failed: Option<String> = None;
    let mut second_best = None;
    for (number, attempt) in attempts.iter().enumerate() {
        // One that hangs must not use up the time of the others.
        let left = u32::try_from(attempts.len() - number).unwrap_or(u32::MAX);
        let share = Instant::now() + patience.ends.saturating_duration_since(Instant::now()) / left;
        let opened = timeout_at(share, open(attempt, target, access)).await;
        match opened.unwrap_or_else(|_| Err(Refused::Here(format!("{} does not answer", attempt.server)))) {
            Ok(session) => return converse(session, sql, access, patience).await,
            Err(Refused::Everywhere(why)) => return Err(why),
            Err(Refused::Here(why)) => failed = Some(failed.map_or(why.clone(), |before| worse(before, why))),
            Err(Refused::NotPreferred(why)) => {
                second_best.get_or_insert(attempt);
                failed.get_or_insert(why);
            }
        }
    }
    if let Some(attempt) = second_best {
        let any = target.clone().of_any_session();
        if let Ok(session) = open(attempt, &any, access).await {
            return converse(session, sql, access, patience).await;
        }
    }
    if Instant::now() >= patience.ends {
        return Err(access.no_answer(patience.timeout));
    }
    Err(failed.unwrap_or_else(|| "it names no server".to_owned()))
}

/// The more informative of two failures: the first, unless it only says that nothing listens there.
fn worse(before: String, after: String) -> String {
    if before.starts_with("cannot connect to") && !after.starts_with("cannot connect to") { after } else { before }
}

/// One way to one server.
struct Attempt<'a> {
    server: Server,
    tls: TlsMode,
    target: &'a Target,
}

/// Every way to every server, in the driver's order.
fn attempts(target: &Target) -> Vec<Attempt<'_>> {
    let ways = match target.tls {
        TlsMode::Allow => &[TlsMode::Disable, TlsMode::Require][..],
        TlsMode::Prefer => &[TlsMode::Prefer, TlsMode::Disable],
        TlsMode::Disable => &[TlsMode::Disable],
        TlsMode::Require => &[TlsMode::Require],
        TlsMode::VerifyCa => &[TlsMode::VerifyCa],
        TlsMode::VerifyFull => &[TlsMode::VerifyFull],
    };
    let mut attempts = Vec::new();
    for server in target.servers.iter().flat_map(places) {
        let ways = if server.is_path() { &[TlsMode::Disable][..] } else { ways };
        attempts.extend(ways.iter().map(|tls| Attempt { server: server.clone(), tls: *tls, target }));
    }
    attempts
}

/// Where a server is: without a host, wherever one of the drivers looks for it on this host.
fn places(server: &Server) -> Vec<Server> {
    if !server.host.is_empty() {
        return vec![server.clone()];
    }
    let at = |host: &str| Server { host: host.to_owned(), port: server.port };
    ["/var/run/postgresql", "/tmp", "localhost"].map(at).to_vec()
}

/// A session, and the connection that carries it.
struct Open<'a> {
    client: Client,
    connection: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    attempt: &'a Attempt<'a>,
}

/// Opens a session of the kind that is wanted.
async fn open<'a>(attempt: &'a Attempt<'a>, target: &Target, access: &Access) -> Result<Open<'a>, Refused> {
    let missing = || Refused::Everywhere("it names no user: write one in the URL, or `user`".to_owned());
    let user = target.user.as_deref().ok_or_else(missing)?;
    let wire = connect(attempt, access).await.map_err(Refused::Here)?;
    let mut config = Config::new();
    // TLS is done already.
    config.ssl_mode(SslMode::Disable).user(user).application_name("lictor");
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    if let Some(database) = &target.database {
        config.dbname(database);
    }
    let (client, connection) = config.connect_raw(Frames::new(wire), NoTls).await.map_err(|error| refused(&error))?;
    let mut open = Open { client, connection: Box::pin(connection), attempt };
    let Some((question, wanted, otherwise)) = wanted(target.session) else { return Ok(open) };
    let (answer, _) = open.first(question).await.map_err(Refused::Here)?;
    let is = answer.as_deref().is_some_and(|answer| matches!(answer, "on" | "t"));
    if is == wanted {
        return Ok(open);
    }
    let why = format!("{} {otherwise}", attempt.server);
    Err(if target.session == Session::PreferStandby { Refused::NotPreferred(why) } else { Refused::Here(why) })
}

/// What is asked of a session, what the answer must be, and what it is otherwise.
fn wanted(session: Session) -> Option<(&'static str, bool, &'static str)> {
    const READ_ONLY: &str = "SHOW transaction_read_only";
    const RECOVERS: &str = "SELECT pg_is_in_recovery()";
    match session {
        Session::Any => None,
        Session::ReadWrite => Some((READ_ONLY, false, "is read-only")),
        Session::ReadOnly => Some((READ_ONLY, true, "is not read-only")),
        Session::Primary => Some((RECOVERS, false, "is a standby")),
        Session::Standby | Session::PreferStandby => Some((RECOVERS, true, "is not a standby")),
    }
}

impl Open<'_> {
    /// The first value of the first row, carried by the connection.
    async fn first(&mut self, query: &str) -> Result<(Option<String>, Rest), String> {
        tokio::select! {
            answer = first(&self.client, query) => answer,
            // It ends of itself only when the server hangs up.
            ended = &mut self.connection => {
                Err(ended.err().map_or_else(|| "connection closed".to_owned(), |error| why(&error)))
            }
        }
    }
}

/// Asks the question itself.
async fn converse(
    mut open: Open<'_>,
    sql: &Sql,
    access: &Access,
    patience: Patience,
) -> Result<Option<String>, String> {
    let Ok(answer) = timeout_at(patience.ends, open.first(&sql.query)).await else {
        take_back(&open.client, open.attempt, access).await;
        return Err(reason::no_answer(patience.timeout));
    };
    let (value, rest) = answer?;
    // Without its client the connection says goodbye, once all has been read; how it ends does not matter any more.
    let Open { client, connection, .. } = open;
    drop(client);
    if rest == Rest::Nothing {
        let _ = connection.await;
    }
    Ok(value)
}

/// The server would go on with the query after the connection has closed, and with the next one beside it.
async fn take_back(client: &Client, attempt: &Attempt<'_>, access: &Access) {
    if let Ok(wire) = connect(attempt, access).await {
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
async fn connect(attempt: &Attempt<'_>, access: &Access) -> Result<Wire, String> {
    let Attempt { server, tls: mode, target } = attempt;
    if server.is_path() {
        return dial::unix(&format!("{}/.s.PGSQL.{}", server.host, server.port), access).await;
    }
    let mut wire = dial::tcp(server.place(), access).await?;
    let demand = Demand { protocols: &[b"postgresql"], ..target.demand(server, *mode) };
    if *mode == TlsMode::Disable {
        return Ok(wire);
    }
    if target.negotiation == Negotiation::Direct {
        return encrypt(wire, demand, access).await;
    }
    let broken = |error: io::Error| format!("{server}: {}", reason::of_io(&error));
    wire.write_all(&ASKS_FOR_TLS).await.map_err(broken)?;
    match (wire.read_u8().await.map_err(broken)?, mode) {
        (b'S', _) => encrypt(wire, demand, access).await,
        (b'N', TlsMode::Prefer) => Ok(wire),
        (b'N', _) => Err(format!("{server} has no TLS, and `tls` asks for it")),
        _ => Err(format!("the server at {server} is not PostgreSQL")),
    }
}

/// Whether another server, or another way, may help.
fn refused(error: &Error) -> Refused {
    const WRONG_PASSWORD: &str = "28P01";
    const NO_SUCH_DATABASE: &str = "3D000";
    const NO_PRIVILEGE: &str = "42501";
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    match code {
        Some(WRONG_PASSWORD | NO_SUCH_DATABASE | NO_PRIVILEGE) => Refused::Everywhere(why(error)),
        _ => Refused::Here(why(error)),
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
