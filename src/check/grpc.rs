//! `grpc`: asks by gRPC's health protocol (`grpc.health.v1.Health/Check`), over a fresh connection, whether a service serves.

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::finding::Finding;
use super::tls::Pem;
use super::{Grpc, Tls, reason};

const USER_AGENT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// The answer is one number; a longer one is none. In bytes.
const LONGEST: usize = 1024;
/// What an answer's head and trailers may take. In bytes.
const HEAD: u32 = 16 * 1024;

/// Asks once.
pub(super) async fn probe(grpc: &Grpc) -> Finding {
    match ask(grpc).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn ask(grpc: &Grpc) -> Result<(), String> {
    // An error means that the program has chosen its provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let channel = endpoint(grpc)
        .await?
        .connect()
        .await
        .map_err(|error| reason::of_chain(&error).unwrap_or_else(|| "there is no connection".to_owned()))?;
    let mut client = HealthClient::new(channel).max_decoding_message_size(LONGEST);
    let question = HealthCheckRequest { service: grpc.service.clone() };
    let answer = client.check(question).await.map_err(|status| refusal(&status, &grpc.service))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => Err(format!("{} answers {}", shown(&grpc.service), other.as_str_name())),
    }
}

async fn endpoint(grpc: &Grpc) -> Result<Endpoint, String> {
    let scheme = if grpc.tls.is_some() { "https" } else { "http" };
    let unfit = |_| "`address` is not one that can be asked".to_owned();
    let endpoint = Endpoint::from_shared(format!("{scheme}://{}", grpc.address)).map_err(unfit)?;
    let endpoint = endpoint.user_agent(USER_AGENT).map_err(unfit)?.http2_max_header_list_size(HEAD);
    match &grpc.tls {
        None => Ok(endpoint),
        Some(tls) => {
            let unusable =
                |error| reason::of_chain(&error).unwrap_or_else(|| "the certificates cannot be used".to_owned());
            endpoint.tls_config(certificates(tls).await?).map_err(unusable)
        }
    }
}

async fn certificates(tls: &Tls) -> Result<ClientTlsConfig, String> {
    let Pem { trusted, shown } = Pem::read(tls).await?;
    let mut config = ClientTlsConfig::new();
    config = match trusted {
        Some(pem) => config.ca_certificate(Certificate::from_pem(pem)),
        None => config.with_native_roots(),
    };
    if let Some((cert, key)) = shown {
        config = config.identity(Identity::from_pem(cert, key));
    }
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    Ok(config)
}

/// Why there is no answer. What the server says beside its code is not shown: it is not ours.
fn refusal(status: &Status, service: &str) -> String {
    match status.code() {
        Code::NotFound => format!("the server does not know {}", shown(service)),
        Code::Unimplemented => "the server has no health service (grpc.health.v1.Health)".to_owned(),
        Code::Unauthenticated | Code::PermissionDenied => {
            format!("the server lets nobody ask without credentials ({:?})", status.code())
        }
        code => reason::of_chain(status).unwrap_or_else(|| format!("{code:?}")),
    }
}

fn shown(service: &str) -> String {
    if service.is_empty() { "the server".to_owned() } else { format!("the service {service:?}") }
}
