//! `mysql`: one query to MySQL or MariaDB over a connection of its own, closed when it is answered.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as Listener};
use std::time::Duration;

use futures_util::future::{Either, select};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, Executor, Row, raw_sql};
use tokio::net::UnixListener;

use crate::check::database::{self, MYSQL, Sql, Target};
use crate::check::finding::Finding;
use crate::check::net::Access;
use crate::check::net::dial::{self, Wire};
use crate::check::tls::{PEM, fault};
use crate::check::{TlsMode, reason};

/// Asks once.
pub(in crate::check) async fn probe(sql: &Sql, timeout: Duration, access: &Access) -> Finding {
    let target = match sql.place.target(access, MYSQL).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    database::finding(ask(sql, &target, timeout, access).await, sql.expect.as_deref(), &target)
}

/// The first value of the first row.
async fn ask(sql: &Sql, target: &Target, timeout: Duration, access: &Access) -> Result<Option<String>, String> {
    let options = options(target, access).await?;
    let server = target.server();
    let wire =
        if server.is_path() { dial::unix(&server.host).await? } else { dial::tcp(server.place(), access).await? };
    let relay = Relay::new().map_err(|error| reason::of_io(&error))?;
    let options = options.socket(&relay.name);
    let asked = std::pin::pin!(converse(sql, &options, timeout));
    let carried = std::pin::pin!(relay.carry(wire));
    match select(asked, carried).await {
        Either::Left((answer, _)) => answer,
        // The server has hung up: what it said before is still to be read.
        Either::Right(((), asked)) => asked.await,
    }
}

async fn converse(sql: &Sql, options: &MySqlConnectOptions, timeout: Duration) -> Result<Option<String>, String> {
    let mut connection = MySqlConnection::connect_with(options).await.map_err(|error| why(&error))?;
    // Somewhat later than the probe itself ends. A server that does not know the limit will do without.
    let _ = connection.execute(raw_sql(AssertSqlSafe(limit(timeout.mul_f32(1.5))))).await;
    let answer = connection.fetch_optional(raw_sql(AssertSqlSafe(sql.query.clone()))).await;
    let answer = match answer.map_err(|error| why(&error))? {
        // Unchecked: in this protocol everything is text.
        Some(row) => row.try_get_unchecked(0).map_err(|error| why(&error))?,
        None => None,
    };
    // How it ends does not matter any more.
    let _ = connection.close().await;
    Ok(answer)
}

/// Carries what the driver says to the connection that was made for it. The driver makes its own connections, and would
/// look names up where everything else of lictor waits for a disk, and try one address after the other. So it is given
/// a socket of this process: it has no file, and a name that nobody else knows.
struct Relay {
    name: String,
    listener: UnixListener,
}

impl Relay {
    fn new() -> io::Result<Self> {
        let name = format!("lictor-{}-{:032x}", std::process::id(), fastrand::u128(..));
        let listener = Listener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { name: format!("\0{name}"), listener: UnixListener::from_std(listener)? })
    }

    /// Ends when either end does. Only this process is listened to.
    async fn carry(self, mut wire: Wire) {
        loop {
            let Ok((mut driver, _)) = self.listener.accept().await else { return };
            let ours = driver.peer_cred().ok().and_then(|peer| peer.pid());
            if ours.and_then(|pid| u32::try_from(pid).ok()) == Some(std::process::id()) {
                let _ = tokio::io::copy_bidirectional(&mut driver, &mut wire).await;
                return;
            }
        }
    }
}

/// Tells the server, MariaDB or MySQL, not to go on with the query when nobody waits for it any more. A proxy that
/// reads neither comment sets a variable that nobody reads.
fn limit(timeout: Duration) -> String {
    let (seconds, milliseconds) = (timeout.as_secs_f64(), timeout.as_millis());
    format!(
        "SET @lictor = 0 /*M! , SESSION max_statement_time = {seconds} */ \
         /*!50708 , SESSION max_execution_time = {milliseconds} */"
    )
}

async fn options(target: &Target, access: &Access) -> Result<MySqlConnectOptions, String> {
    let user = target.user.as_deref().ok_or("it names no user: write one in the URL, or `user`")?;
    let mut options = MySqlConnectOptions::new()
        .username(user)
        .ssl_mode(match target.tls {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Allow | TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        })
        // Nothing is set up for a session that asks one question.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging();
    if !target.server().is_path() {
        // For whom the certificate must be.
        options = options.host(target.server().place().host);
    }
    if let Some(password) = target.password.as_ref().and_then(|password| password.expose_str()) {
        options = options.password(password);
    }
    if let Some(database) = &target.database {
        options = options.database(database);
    }
    if let Some(path) = &target.ca {
        options = options.ssl_ca_from_pem(access.files.read("ca", path, PEM).await?);
    }
    Ok(options)
}

/// Why there was no answer: what the server says of it, or what went wrong on the way.
fn why(error: &Error) -> String {
    match error {
        Error::Database(error) => error.message().to_owned(),
        // A name of its own cannot be had here.
        Error::Io(error) => {
            let why = fault::of_io(error);
            why.split(": set `server_name`").next().unwrap_or_default().to_owned()
        }
        Error::Tls(error) => format!("TLS failed: {error}"),
        other => other.to_string(),
    }
}
