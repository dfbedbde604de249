//! `redis`: a PING over a connection of its own, after AUTH if there is a password.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisConnectionInfo, RedisError, Value};
use tokio::io::AsyncReadExt;

use super::dial::{self, Wire};
use super::encrypt::{Roots, encrypt};
use super::finding::Finding;
use super::target::Target;
use super::text::OfService;
use super::{Redis, TlsMode, answer, reason};

const PORT: u16 = 6379;

/// More than Redis has to say to this, in bytes; after as much the connection counts as closed.
const LIMIT: u64 = 1 << 16;

/// Asks once.
pub(super) async fn probe(redis: &Redis, service: &OfService, roots: &Roots) -> Finding {
    let target = match redis.place.target(service, Target::of_redis).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    answer::finding(ask(&target, roots).await, None, &target)
}

async fn ask(target: &Target, roots: &Roots) -> Result<Option<String>, String> {
    let (incoming, outgoing) = tokio::io::split(connect(target, roots).await?);
    let wire = tokio::io::join(incoming.take(LIMIT), outgoing);
    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = &target.user {
        info = info.set_username(user);
    }
    if let Some(password) = target.password.as_ref().and_then(|password| password.expose_str()) {
        info = info.set_password(password);
    }
    if let Some(database) = &target.database {
        info = info.set_db(database.parse().map_err(|_| "its database is no number".to_owned())?);
    }
    let (mut connection, driver) = MultiplexedConnection::new(&info, wire).await.map_err(|error| why(&error))?;
    let ping = redis::cmd("PING");
    let answer: Value = tokio::select! {
        answer = ping.query_async(&mut connection) => answer.map_err(|error| why(&error))?,
        () = driver => return Err("connection closed".to_owned()),
    };
    match answer {
        Value::SimpleString(text) if text == "PONG" => Ok(None),
        _ => Err("it does not answer PING with PONG: is it a Redis?".to_owned()),
    }
}

async fn connect(target: &Target, roots: &Roots) -> Result<Wire, String> {
    if target.host().starts_with('/') {
        return dial::unix(target.host()).await;
    }
    let wire = dial::tcp(&target.shown(PORT)).await?;
    match target.tls.unwrap_or(TlsMode::Disable) {
        TlsMode::Disable => Ok(wire),
        mode => encrypt(wire, target.demand(mode), roots).await,
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
