//! `mysql`: one query to MySQL or MariaDB over a connection of its own, closed when it is answered.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, Executor, Row, raw_sql};

use super::finding::Finding;
use super::target::Target;
use super::text::OfService;
use super::tls::{self, PEM};
use super::{Sql, TlsMode, answer, dial, file, reason};

const PORT: u16 = 3306;

/// Asks once.
pub(super) async fn probe(sql: &Sql, timeout: Duration, service: &OfService) -> Finding {
    let target = match sql.place.target(service, Target::of_mysql).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    answer::finding(ask(sql, &target, timeout).await, sql.expect.as_deref(), &target)
}

/// The first value of the first row.
async fn ask(sql: &Sql, target: &Target, timeout: Duration) -> Result<Option<String>, String> {
    let options = options(target).await?;
    let place = target.shown(PORT);
    let mut connection = MySqlConnection::connect_with(&options).await.map_err(|error| cannot(&place, &error))?;
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

/// Tells the server, MariaDB or MySQL, not to go on with the query when nobody waits for it any more. A proxy that
/// reads neither comment sets a variable that nobody reads.
fn limit(timeout: Duration) -> String {
    let (seconds, milliseconds) = (timeout.as_secs_f64(), timeout.as_millis());
    format!(
        "SET @lictor = 0 /*M! , SESSION max_statement_time = {seconds} */ \
         /*!50708 , SESSION max_execution_time = {milliseconds} */"
    )
}

async fn options(target: &Target) -> Result<MySqlConnectOptions, String> {
    let user = target.user.as_deref().ok_or("it is not said as whom: write a user in the URL, or `user`")?;
    let mut options = MySqlConnectOptions::new()
        .username(user)
        .ssl_mode(match target.tls.unwrap_or(TlsMode::Prefer) {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Prefer => MySqlSslMode::Preferred,
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
    options = match target.host() {
        path if path.starts_with('/') => options.socket(path),
        host => options.host(host).port(target.port.unwrap_or(PORT)),
    };
    if let Some(password) = target.password.as_ref().and_then(|password| password.expose_str()) {
        options = options.password(password);
    }
    if let Some(database) = &target.database {
        options = options.database(database);
    }
    if let Some(path) = &target.ca {
        options = options.ssl_ca_from_pem(file::read("ca", path, PEM).await?);
    }
    Ok(options)
}

fn cannot(place: &str, error: &Error) -> String {
    match error {
        // A name of its own cannot be had here.
        Error::Io(error) => tls::within(error).map_or_else(
            || dial::cannot(place, error),
            |why| why.split(": set `server_name`").next().unwrap_or_default().to_owned(),
        ),
        other => why(other),
    }
}

/// Why there was no answer: what the server says of it, or what went wrong on the way.
fn why(error: &Error) -> String {
    match error {
        Error::Database(error) => error.message().to_owned(),
        Error::Io(error) => reason::of_io(error),
        Error::Tls(error) => format!("TLS failed: {error}"),
        other => other.to_string(),
    }
}
