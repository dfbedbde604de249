//! Redis: the URLs of `go-redis`, `redis://`, `rediss://` with TLS, and `unix://`.

use super::go_url::GoUrl;
use super::{Server, Target, Variables, port};
use crate::check::TlsMode;
use crate::environment::schema::Type;

const PORT: u16 = 6379;

/// Words that only tune the service's own driver: those that are numbers.
const NUMBERS: [&str; 10] = [
    "protocol",
    "max_retries",
    "pool_size",
    "min_idle_conns",
    "max_idle_conns",
    "max_active_conns",
    "max_concurrent_dials",
    "pipeline_pool_size",
    "pipeline_read_buffer_size",
    "pipeline_write_buffer_size",
];
/// Those that are durations, a truth value or a name.
const OTHERS: [&str; 13] = [
    "client_name",
    "min_retry_backoff",
    "max_retry_backoff",
    "dial_timeout",
    "read_timeout",
    "write_timeout",
    "pool_timeout",
    "pool_fifo",
    "conn_max_idle_time",
    "idle_timeout",
    "conn_max_lifetime",
    "max_conn_age",
    "conn_max_lifetime_jitter",
];

/// Reads a URL.
pub(super) fn parse(text: &str, _: &Variables) -> Result<Target, String> {
    const SCHEME: &str = "it is not a URL that begins with redis://, rediss:// or unix://";
    let url = GoUrl::parse(text).map_err(|why| if text.contains("://") { why } else { SCHEME.to_owned() })?;
    let mut target = match &*url.scheme {
        "redis" | "rediss" => {
            let port = if url.port.is_empty() { PORT } else { port(&url.port)? };
            Target::at(Server { host: url.host.clone(), port })
        }
        "unix" if url.path.trim().is_empty() => {
            return Err("the path of its socket is empty: write unix:///path".to_owned());
        }
        "unix" => Target::at(Server { host: url.path.clone(), port: PORT }),
        _ => return Err(SCHEME.to_owned()),
    };
    target.user = url.user.filter(|user| !user.is_empty());
    target.password = url.password.filter(|password| !password.is_empty()).map(Into::into);
    let mut database = 0;
    if url.scheme != "unix" {
        let mut parts = url.path.split('/').filter(|part| !part.is_empty());
        if let Some(part) = parts.next() {
            database = number(part)?;
        }
        if parts.next().is_some() {
            return Err("its path is more than the number of a database".to_owned());
        }
    }
    let secure = url.scheme == "rediss";
    target.tls = if secure { TlsMode::VerifyFull } else { TlsMode::Disable };
    for (word, value) in &url.query {
        match &**word {
            "db" if value.is_empty() => {}
            "db" => database = number(value)?,
            "skip_verify" if secure => match &**value {
                "true" | "1" => target.tls = TlsMode::Require,
                "false" | "0" | "" => target.tls = TlsMode::VerifyFull,
                _ => return Err("its skip_verify is neither true nor false".to_owned()),
            },
            word if NUMBERS.contains(&word) && (value.is_empty() || number(value).is_ok()) => {}
            word if OTHERS.contains(&word) && is_fit(word, value) => {}
            _ => return Err("a word after its ? is not one of go-redis, or its value is not fit for it".to_owned()),
        }
    }
    if database < 0 {
        return Err("the number of its database is negative".to_owned());
    }
    target.database = Some(database.to_string());
    Ok(target)
}

/// As Go's `strconv.Atoi` reads one.
fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "its database is not a number".to_owned())
}

fn is_fit(word: &str, value: &str) -> bool {
    match word {
        "client_name" => true,
        "pool_fifo" => ["true", "1", "false", "0", ""].contains(&value),
        _ => value.is_empty() || value.parse::<i64>().is_ok() || Type::Duration.is(value),
    }
}
