//! Speaks with a running lictor over its admin socket.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::locate::{self, NotLocated, Target};
use crate::exit;
use crate::http::{REASON_HEADER, VERDICT_HEADER};

/// The HTTP status of a lictor that has too many waiting requests.
pub(super) const BUSY: u16 = 429;

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 << 20;

/// One lictor.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// The base of a request's URL.
    base: String,
    /// Where it is asked, for messages.
    socket: PathBuf,
}

/// The identity of a socket, which differs for another lictor at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    number: u64,
    changed: (i64, i64),
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// `Lictor-Verdict`, on answers to a question.
    pub(super) verdict: Option<String>,
    /// The header `Lictor-Reason`, which comes with a negative verdict.
    pub(super) reason: Option<String>,
    /// The whole body.
    pub(super) body: Vec<u8>,
}

/// There was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// It is not clear which lictor to ask.
    #[error(transparent)]
    NotLocated(#[from] NotLocated),
    /// This user may not ask.
    #[error("this user may not use {}; run it as the socket's owner or as a member of its group", .socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
    },
    /// Nobody answered.
    #[error("no lictor answers at {} ({cause}); is it running?", .socket.display())]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// The innermost cause.
        cause: String,
    },
    /// The limit of waiting requests is reached.
    #[error("lictor is busy at {}: too many requests wait there already", .socket.display())]
    Busy {
        /// The socket.
        socket: PathBuf,
    },
    /// The answer is not one of a lictor.
    #[error("the answer of {} cannot be understood ({what}); use the same version of lictor on both ends", .socket.display())]
    Strange {
        /// The socket.
        socket: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The client itself could not be built.
    #[error("cannot set up the client; this is a bug")]
    Unbuilt(#[source] reqwest::Error),
}

impl ClientError {
    /// The exit code for it.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NotLocated(NotLocated::Several { .. } | NotLocated::BadName { .. }) => exit::USAGE,
            Self::NotLocated(NotLocated::None { .. } | NotLocated::NoneOf { .. })
            | Self::Denied { .. }
            | Self::Silent { .. }
            | Self::Busy { .. }
            | Self::Strange { .. } => exit::UNAVAILABLE,
            Self::Unbuilt(_) => exit::BUG,
        }
    }

    /// Whether it may succeed later by itself: lictor may be about to start, or have less to do then.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::Busy { .. }
                | Self::NotLocated(NotLocated::None { .. } | NotLocated::NoneOf { .. })
        )
    }
}

impl Client {
    /// Finds the lictor that is meant.
    pub(super) async fn find(target: &Target) -> Result<Self, ClientError> {
        let socket = locate::socket(target).await?;
        let http = builder().unix_socket(socket.as_path()).build().map_err(ClientError::Unbuilt)?;
        Ok(Self { http, base: "http://lictor".to_owned(), socket })
    }

    /// The lictor with this status port, which only answers requests that read.
    pub(super) fn of_port(address: SocketAddr) -> Result<Self, ClientError> {
        let http = builder().build().map_err(ClientError::Unbuilt)?;
        Ok(Self { http, base: format!("http://{address}"), socket: address.to_string().into() })
    }

    /// The identity of its socket: another lictor at the same path has another one. `None`: there is none at the
    /// moment.
    pub(super) fn identity(&self) -> Option<Identity> {
        let file = self.socket.symlink_metadata().ok()?;
        Some(Identity { number: file.ino(), changed: (file.ctime(), file.ctime_nsec()) })
    }

    /// Reads one resource; `path` with its query, percent-encoded.
    pub(super) async fn get(&self, path: &str, timeout: Duration) -> Result<Answer, ClientError> {
        self.send(self.http.get(format!("{}{path}", self.base)).timeout(timeout)).await
    }

    /// The body of a resource that is always there; `path` as for [`get`](Self::get).
    pub(super) async fn read(&self, path: &str, timeout: Duration) -> Result<Vec<u8>, ClientError> {
        let answer = self.get(path, timeout).await?;
        match answer.status {
            200 => Ok(answer.body),
            BUSY => Err(self.busy()),
            status => Err(self.strange(&format!("status {status} for {path}"))),
        }
    }

    /// Asks for something to be done, with a JSON body.
    pub(super) async fn post(&self, path: &str, body: String, timeout: Duration) -> Result<Answer, ClientError> {
        self.send(self.http.post(format!("{}{path}", self.base)).body(body).timeout(timeout)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, ClientError> {
        let mut response = request.send().await.map_err(|error| self.failure(&error))?;
        let header =
            |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let (verdict, reason) = (header(VERDICT_HEADER), header(REASON_HEADER));
        let mut answer = Answer { status: response.status().as_u16(), verdict, reason, body: Vec::new() };
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if answer.body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.strange(&"an answer of more than 4 MB"));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// Too many requests wait there already.
    pub(super) fn busy(&self) -> ClientError {
        ClientError::Busy { socket: self.socket.clone() }
    }

    /// An answer that cannot be understood.
    pub(super) fn strange(&self, what: &impl ToString) -> ClientError {
        ClientError::Strange { socket: self.socket.clone(), what: what.to_string() }
    }

    fn failure(&self, error: &reqwest::Error) -> ClientError {
        let socket = self.socket.clone();
        let mut innermost: &(dyn Error + 'static) = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(ErrorKind::PermissionDenied) => ClientError::Denied { socket },
            _ => ClientError::Silent { socket, cause: innermost.to_string() },
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    // Nothing here needs TLS, but a client cannot be built without a provider; an error means that one is installed
    // already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only([]).no_proxy().redirect(reqwest::redirect::Policy::none())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Client, ClientError};
    use crate::cli::served::Served;
    use crate::exit;

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_resource_is_read_over_the_socket() {
        let served = Served::new().await;
        let client = Client::find(&served.target()).await.unwrap();
        let yes = client.get("/status?version=1.214", SOON).await.unwrap();
        assert_eq!(
            (yes.status, yes.verdict.as_deref(), yes.body.as_slice()),
            (200, Some("yes"), &br#"{"version":"1.214"}"#[..])
        );
        let no = client.get("/status?version=9", SOON).await.unwrap();
        assert_eq!((no.status, no.reason.as_deref()), (409, Some("running 1.214, not 9")));
    }

    #[tokio::test]
    async fn a_lictor_that_is_gone_is_said() {
        let mut served = Served::new().await;
        let client = Client::find(&served.target()).await.unwrap();
        served.end().await;
        let error = client.get("/status", SOON).await.unwrap_err();
        assert!(matches!(error, ClientError::Silent { .. }) && error.may_pass(), "{error}");
        assert_eq!(error.exit_code(), exit::UNAVAILABLE);
        let error = Client::find(&served.target()).await.unwrap_err();
        assert!(error.may_pass() && error.exit_code() == exit::UNAVAILABLE, "{error}");
    }
}
