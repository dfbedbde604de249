//! `grpc`: asks by gRPC's health protocol (`grpc.health.v1.Health/Check`), over a fresh connection, whether a service
//! serves.

use std::io;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tonic::codegen::Service;
use tonic::transport::{Endpoint, Uri};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Grpc;
use crate::check::net::Access;
use crate::check::net::dial::{self, Place, Wire};
use crate::check::reason;
use crate::check::round::Finding;
use crate::check::tls::{Demand, encrypt, fault};

const USER_AGENT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// The answer is one number; a longer one is refused. In bytes.
const LONGEST: usize = 1024;
/// What an answer's head and trailers may take. In bytes.
const HEAD: u32 = 16 * 1024;

/// Asks once.
pub(in crate::check) async fn probe(grpc: &Grpc, access: &Access) -> Finding {
    match ask(grpc, access).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn ask(grpc: &Grpc, access: &Access) -> Result<(), String> {
    let wire = connect(grpc, access).await?;
    let channel = endpoint(grpc)?
        .connect_with_connector(Once(Some(wire)))
        .await
        .map_err(|error| fault::of_chain(&error).unwrap_or_else(|| "there is no connection".to_owned()))?;
    let mut client = HealthClient::new(channel).max_decoding_message_size(LONGEST);
    let question = HealthCheckRequest { service: grpc.service.clone() };
    let answer = client.check(question).await.map_err(|status| refusal(&status, &grpc.service))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => Err(format!("{} answers {}", shown(&grpc.service), other.as_str_name())),
    }
}

/// Where the question goes. The connection is made already, TLS and all; `origin` tells the server that there is some.
fn endpoint(grpc: &Grpc) -> Result<Endpoint, String> {
    let unfit = |()| "`address` is not one that can be asked".to_owned();
    let scheme = if grpc.tls.is_some() { "https" } else { "http" };
    let origin = format!("{scheme}://{}", grpc.address).parse::<Uri>().map_err(|_| unfit(()))?;
    let endpoint = Endpoint::from_shared(format!("http://{}", grpc.address)).map_err(|_| unfit(()))?.origin(origin);
    Ok(endpoint.user_agent(USER_AGENT).map_err(|_| unfit(()))?.http2_max_header_list_size(HEAD))
}

async fn connect(grpc: &Grpc, access: &Access) -> Result<TokioIo<Wire>, String> {
    let place = Place::parse(&grpc.address).ok_or("`address` is not host:port")?;
    let wire = dial::tcp(place, access).await?;
    let wire = match &grpc.tls {
        None => wire,
        Some(tls) => encrypt(wire, Demand { protocols: &[b"h2"], ..tls.demand(place.host) }, access).await?,
    };
    Ok(TokioIo::new(wire))
}

/// Hands the one connection over.
struct Once(Option<TokioIo<Wire>>);

impl Service<Uri> for Once {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<TokioIo<Wire>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// What kept the answer from coming. What the server says beside its code is not shown: it is not ours.
fn refusal(status: &Status, service: &str) -> String {
    match status.code() {
        Code::NotFound => format!("the server does not know {}", shown(service)),
        Code::Unimplemented => "the server has no health service (grpc.health.v1.Health)".to_owned(),
        Code::Unauthenticated | Code::PermissionDenied => {
            format!("the server refuses requests without credentials ({:?})", status.code())
        }
        code => fault::of_chain(status).unwrap_or_else(|| format!("{code:?}")),
    }
}

fn shown(service: &str) -> String {
    if service.is_empty() { "the server".to_owned() } else { format!("the service {service:?}") }
}
