//! AWS's signature, version 4.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Url;

use super::credentials::keys::Keys;

/// What is to be signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    /// AWS's name for the service that is asked.
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    /// The fields of the head that are signed beside `host`.
    pub(super) fields: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

impl Request<'_> {
    /// The fields that the head needs beside those of the request.
    pub(super) fn headers(&self, keys: &Keys, now: SystemTime) -> Result<Vec<(String, String)>, String> {
        let failed = || format!("the request cannot be signed with the credentials from {}", keys.origin);
        let text = |secret: &crate::secret::Secret| secret.expose_str().map(str::to_owned);
        let token = keys.token.as_ref().and_then(text);
        let secret = text(&keys.secret).ok_or_else(failed)?;
        let identity = Credentials::new(keys.id.clone(), secret, token, None, "lictor").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| failed())?
            .into();
        let request = SignableRequest::new(
            "POST",
            self.url.as_str(),
            self.fields.iter().copied(),
            SignableBody::Bytes(self.body),
        )
        .map_err(|_| failed())?;
        let (instructions, _) = sign(request, &parameters).map_err(|_| failed())?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}
