//! What went wrong with TLS, in words that can be acted on.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InconsistentKeys};

use crate::check::reason;

/// What is at the bottom of an error's causes, without the error itself, which may name a URL. `None`: it has no cause.
pub(in crate::check) fn of_chain(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = error.source();
    let mut deepest = None;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(of_io(error));
        }
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(sentence(error));
        }
        deepest = Some(error.to_string());
        cause = error.source();
    }
    deepest.map(|text| alert_in(&text).unwrap_or_else(|| reason::brief(&text)))
}

/// A failure of a connection: of TLS, if it is one, else of the kernel.
pub(in crate::check) fn of_io(error: &io::Error) -> String {
    within(error).or_else(|| alert_in(&error.to_string())).unwrap_or_else(|| reason::of_io(error))
}

/// The failure of TLS within a failure of the connection, if it is one.
pub(in crate::check) fn within(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    // Libraries wrap it twice.
    inner.downcast_ref::<Error>().map(sentence).or_else(|| within(inner.downcast_ref::<io::Error>()?))
}

/// What went wrong, and what to do about it.
pub(in crate::check) fn sentence(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(certificate) => of_certificate(certificate).to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "key is not the key of the certificate in cert".to_owned()
        }
        other => reason::brief(&format!("TLS failed: {other}")),
    }
}

/// The same for an alert of which a library has kept nothing but the text.
fn alert_in(text: &str) -> Option<String> {
    use AlertDescription as A;
    let name = text.strip_prefix("received fatal alert: ")?;
    let about_us = [A::CertificateRequired, A::BadCertificate, A::UnknownCA, A::DecryptError, A::CertificateExpired];
    about_us.into_iter().find(|alert| format!("{alert:?}") == name).map(of_alert)
}

fn of_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    match error {
        // A bad signature: by an authority of the same name, with another key.
        E::UnknownIssuer | E::BadSignature => {
            "its certificate is signed by a CA that is not trusted here: set `ca` to that CA"
        }
        E::Expired | E::ExpiredContext { .. } => "its certificate has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "its certificate is not valid yet",
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "its certificate is for another name: set `server_name` to a name in it"
        }
        E::Revoked => "its certificate is revoked",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "its certificate is not one for a server",
        _ => "its certificate cannot be used",
    }
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired | A::NoCertificate => "it asks for a certificate: set `cert` and `key`".to_owned(),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::DecryptError
        | A::AccessDenied => format!("it refuses the certificate in `cert` ({alert:?})"),
        A::UnrecognisedName => "it does not know the name that it is asked for: set `server_name`".to_owned(),
        other => format!("it ends TLS with the alert {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{AlertDescription, CertificateError, Error};

    use super::{alert_in, sentence, within};

    #[test]
    fn a_failure_says_what_to_do() {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(sentence(&unknown).ends_with("set `ca` to that CA"));
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, unknown));
        assert!(within(&wrapped).is_some_and(|text| text.contains("`ca`")));
        assert_eq!(within(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
        let text = format!("{}", Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!(alert_in(&text).as_deref(), Some("it refuses the certificate in `cert` (UnknownCA)"), "{text}");
        assert_eq!(alert_in("anything"), None);
        let refused = sentence(&Error::AlertReceived(AlertDescription::CertificateRequired));
        assert!(refused.contains("`cert`"), "{refused}");
    }
}
