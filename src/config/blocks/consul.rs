//! `consul {}`: where Consul is. A `CONSUL_*` variable of the environment counts where neither a file nor a flag sets
//! the same.

mod ssl;

use std::path::Path;
use std::time::Duration;

use crate::config::read::call::Lookup;
use crate::config::read::place::Place;
use crate::config::read::section::Section;
use crate::config::read::{address, readers, value};
use crate::config::reference::{Block, Type, attribute, ignored};
use crate::consul::{Connection, Retry, Tls, Transport};
use crate::secret::Secret;

pub(crate) static BLOCK: Block = Block::new(
    "consul",
    "Where Consul is, and how to connect to it. Settings that are not written here come from the variables of Consul's own client, such as `CONSUL_HTTP_ADDR`.",
)
.attributes(&[
    attribute(
        "address",
        Type::Text,
        "https://consul.internal:8501",
        "The agent: `host:port`, `http://..`, `https://..` or `unix:///path`.",
    )
    .default(DEFAULT_ADDRESS),
    attribute("token", Type::Text, "00000000-0000-0000-0000-000000000002", "The ACL token. A `token_file` is better."),
    attribute(
        "token_file",
        Type::Path,
        "/etc/lictor/token",
        "A file with the ACL token. It is read again when it changes, and wins over `token`.",
    ),
    attribute("namespace", Type::Text, "team", "The namespace, of Consul Enterprise."),
])
.holding(&[&AUTH, &RETRY, &ssl::BLOCK, &TRANSPORT]);

static AUTH: Block = Block::new("auth", "HTTP basic authentication, for a proxy in front of Consul.")
    .attributes(&[
        attribute("enabled", Type::Boolean, "false", "`false` turns it off.")
            .default("true")
            .with("username = \"app\""),
        attribute("username", Type::Text, "app", "The user."),
        attribute("password", Type::Text, "secret", "The password.").with("username = \"app\""),
    ])
    .or_short("app:secret");

static RETRY: Block = Block::new("retry", "The waits after a failed query to Consul. lictor tries again for ever.")
    .attributes(&[
        attribute(
            "backoff",
            Type::Duration,
            "1s",
            "The longest first wait. Each wait is random, and the longest one doubles.",
        )
        .default("250ms"),
        attribute(
            "max_backoff",
            Type::Duration,
            "1m",
            "The longest wait of all; at least `backoff`. `0s` means the default.",
        )
        .default("30s"),
        ignored("enabled", "a watch never gives up"),
        ignored("attempts", "a watch never gives up"),
    ]);

static TRANSPORT: Block = Block::new("transport", "The connection to Consul.").attributes(&[
    attribute("dial_keep_alive", Type::Duration, "30s", "The time between TCP keep-alive probes.").default("15s"),
    attribute("dial_timeout", Type::Duration, "10s", "How long to wait for a connection, TLS included.").default("5s"),
    ignored("disable_keep_alives", POOL),
    ignored("idle_conn_timeout", POOL),
    ignored("max_conns_per_host", POOL),
    ignored("max_idle_conns", POOL),
    ignored("max_idle_conns_per_host", POOL),
    ignored("tls_handshake_timeout", "dial_timeout covers the TLS handshake"),
]);

const POOL: &str = "lictor keeps the connections it needs";

/// The default address of the local agent.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

const ADDRESS: &[&str] = &["CONSUL_HTTP_ADDR"];
const TOKEN: &[&str] = &["CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "CONSUL_TOKEN", "CONSUL_TOKEN_FILE"];
const SSL: &[&str] = &["CONSUL_HTTP_SSL"];

/// The settings from the files and flags, then from lictor's environment, then the defaults.
pub(crate) fn read(root: &mut Section<'_>, lookup: Lookup<'_>) -> Connection {
    let connection = root.within("consul", |section| block(section, lookup));
    connection.unwrap_or_else(|| {
        let (connection, sentence) = from_environment(Connection::at(DEFAULT_ADDRESS), &[], lookup);
        if let Some(sentence) = sentence {
            root.error(&Place::Environment, sentence);
        }
        connection
    })
}

fn block(section: &mut Section<'_>, lookup: Lookup<'_>) -> Connection {
    let [at_token, at_file, at_auth] = ["token", "token_file", "auth"].map(|word| section.place_of(word));
    let address = section.read("address", value::parsed(address)).flatten();
    let token = section.read("token", value::maybe_text).flatten();
    let token_file = section.read("token_file", value::maybe_text).flatten();
    let namespace = section.read("namespace", value::maybe_text).flatten();
    let auth = auth(section);
    let ssl = section.within("ssl", ssl::read);

    if token.is_some() {
        warn_of_readers(section, &at_token, "token");
    }
    if matches!(&auth, Some(Some((_, Some(_))))) {
        warn_of_readers(section, &at_auth, "auth");
    }
    if let Some(path) = token_file.as_deref().filter(|path| readers::include_everybody(Path::new(path))) {
        section.warning(
            &at_file,
            "token_file",
            &format!("everybody on this host can read {path}: chmod 0640 it, for the service's group"),
        );
    }

    // A written setting hides the variable for the same thing; otherwise variables come before defaults.
    let mut hidden = Vec::new();
    let mut base = Connection::at(DEFAULT_ADDRESS);
    if let Some(address) = address {
        base.address = address;
        hidden.extend(ADDRESS);
    }
    if token.is_some() || token_file.is_some() {
        hidden.extend(TOKEN);
    }
    if let Some(ssl) = &ssl {
        base.tls = ssl.wanted().then(Tls::default);
        hidden.extend(SSL);
    }
    let (mut connection, sentence) = from_environment(base, &hidden, lookup);
    if let Some(sentence) = sentence {
        section.error(&Place::Environment, sentence);
    }
    connection.token = token.map(Secret::from).or(connection.token);
    connection.token_file = token_file.map(Into::into).or(connection.token_file);
    connection.namespace = namespace.or(connection.namespace);
    if let Some(auth) = auth {
        connection.auth = auth;
    }
    if let Some(ssl) = ssl {
        ssl.put_over(&mut connection);
    }
    section.within("retry", |section| retry(section, &mut connection.retry));
    section.within("transport", |section| transport(section, &mut connection.transport));
    connection
}

/// A secret in a file that everybody can read is none.
fn warn_of_readers(section: &mut Section<'_>, place: &Place, word: &str) {
    const OPEN: &str = "everybody on this host can read it in this file: chmod 0640 the file, for the service's group, or name a \
                        token_file";
    if let Place::File(position) = place
        && readers::include_everybody(Path::new(&*position.file))
    {
        section.warning(place, word, OPEN);
    }
}

fn from_environment(base: Connection, hidden: &[&str], lookup: Lookup<'_>) -> (Connection, Option<String>) {
    let shown = |name: &str| lookup(name).filter(|_| !hidden.contains(&name));
    match Connection::from_env(base.clone(), &shown) {
        Ok(connection) => (connection, None),
        Err(error) => (base, Some(error.to_string())),
    }
}

/// Refuses an address that the client would refuse, with its place in the file. Empty text means that no address is
/// given.
fn address(text: &str) -> Result<Option<String>, &'static str> {
    const EXPECTED: &str = "expected host:port, http://..., https://... or unix:///path";
    let text = text.trim();
    let rest = match text.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some(("unix", path)) if path.starts_with('/') => path,
        Some(_) => return Err(EXPECTED),
        None => text,
    };
    if text.is_empty() {
        return Ok(None);
    }
    if rest.contains('@') {
        return Err("user and password belong in consul.auth, not in the address");
    }
    let fine = text.starts_with("unix://")
        || address::http(&format!("http://{rest}")).is_ok() && !rest.contains(['?', '#', ' ']);
    if fine { Ok(Some(text.to_owned())) } else { Err(EXPECTED) }
}

/// A user, and perhaps a password.
type Auth = Option<(String, Option<Secret>)>;

/// `consul.auth {}`, or envconsul's text `user[:password]`: HTTP basic authentication. `None`: it is not given.
/// `Some(None)`: it is turned off.
fn auth(consul: &mut Section<'_>) -> Option<Auth> {
    if consul.has_text("auth") {
        return consul.read("auth", value::some_text).map(|text| match text.split_once(':') {
            Some((user, password)) => Some((user.to_owned(), Some(Secret::from(password)))),
            None => Some((text, None)),
        });
    }
    consul.within("auth", auth_block)
}

fn auth_block(section: &mut Section<'_>) -> Auth {
    let user = section.read("username", value::maybe_text).flatten();
    let password = section.read("password", value::maybe_text).flatten().map(Secret::from);
    let enabled = section.read("enabled", value::boolean).unwrap_or(true);
    match user {
        Some(user) if enabled => Some((user, password)),
        None if enabled && password.is_some() => {
            section.wrong("a password without `username`: write both");
            None
        }
        _ => None,
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// `consul.retry {}`.
fn retry(section: &mut Section<'_>, retry: &mut Retry) {
    let place = section.place_of("max_backoff");
    let backoff = section.read("backoff", value::duration_from(MILLISECOND));
    let max = section.read("max_backoff", value::duration);
    retry.backoff = backoff.unwrap_or(retry.backoff);
    // In envconsul zero means "no limit", but it helps nobody to wait for hours.
    match max.filter(|max| !max.is_zero()) {
        Some(max) if max < retry.backoff => {
            section.error(&place, format!("{}: must not be shorter than backoff", section.name("max_backoff")));
        }
        Some(max) => retry.max_backoff = max,
        None => retry.max_backoff = retry.max_backoff.max(retry.backoff),
    }
}

/// `consul.transport {}`.
fn transport(section: &mut Section<'_>, transport: &mut Transport) {
    let mut read = |word| section.read(word, value::duration_from(MILLISECOND));
    transport.dial_keep_alive = read("dial_keep_alive").unwrap_or(transport.dial_keep_alive);
    transport.dial_timeout = read("dial_timeout").unwrap_or(transport.dial_timeout);
}
