//! `redis`: a PING over a connection of its own, after AUTH if there is a password.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisConnectionInfo, RedisError, Value};
use tokio::io::AsyncReadExt;

use crate::check::database::{self, Place, REDIS, Target};
use crate::check::net::Access;
use crate::check::net::dial::{self, Wire};
use crate::check::round::Finding;
use crate::check::tls::encrypt;
use crate::check::{TlsMode, reason};

/// More than Redis has to say to this, in bytes; after as much the connection counts as closed.
const LIMIT: u64 = 1 << 16;

/// Asks once.
pub(in crate::check) async fn probe(place: &Place, access: &Access) -> Finding {
    let target = match place.target(access, REDIS).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    database::finding(ask(&target, access).await, None, &target)
}

async fn ask(target: &Target, access: &Access) -> Result<Option<String>, String> {
    let (incoming, outgoing) = tokio::io::split(connect(target, access).await?);
    let wire = tokio::io::join(incoming.take(LIMIT), outgoing);
    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = &target.user {
        info = info.set_username(user);
    }
    if let Some(password) = target.password.as_ref().and_then(|password| password.expose_str()) {
        info = info.set_password(password);
    }
    if let Some(database) = &target.database {
        info = info.set_db(database.parse().map_err(|_| "its database is not a number".to_owned())?);
    }
    let (mut connection, driver) = MultiplexedConnection::new(&info, wire).await.map_err(|error| why(&error))?;
    let ping = redis::cmd("PING");
    let answer: Value = tokio::select! {
        answer = ping.query_async(&mut connection) => answer.map_err(|error| why(&error))?,
        () = driver => return Err("connection closed".to_owned()),
    };
    match answer {
        Value::SimpleString(text) if text == "PONG" => Ok(None),
        _ => Err("it does not answer PING with PONG: is it Redis?".to_owned()),
    }
}

async fn connect(target: &Target, access: &Access) -> Result<Wire, String> {
    let server = target.server();
    if server.is_path() {
        return dial::unix(&server.host, access).await;
    }
    let wire = dial::tcp(server.place(), access).await?;
    match target.tls {
        TlsMode::Disable => Ok(wire),
        mode => encrypt(wire, target.demand(server, mode), access).await,
    }
}

/// Why there was no answer: what the server says of it, or what went wrong on the way.
fn why(error: &RedisError) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::AuthenticationFailed, _) => "it refuses the password, or the user".to_owned(),
        (ErrorKind::Io, _) => "connection closed".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (_, None) => error.to_string(),
    }
}
