//! Whom the system trusts.

use std::sync::Arc;

use rustls::RootCertStore;
use tokio::sync::OnceCell;

use crate::bulkhead::Bulkhead;
use crate::check::reason;

pub(super) type Store = Arc<RootCertStore>;

/// The system's certificates, read when the first check needs them: some 0.4 MB.
#[derive(Clone, Debug)]
pub(in crate::check) struct Roots {
    known: Arc<OnceCell<Store>>,
    reads: Bulkhead<Result<Store, String>>,
}

impl Default for Roots {
    fn default() -> Self {
        Self { known: Arc::default(), reads: Bulkhead::new("check-roots", 1) }
    }
}

impl Roots {
    pub(super) async fn system(&self) -> Result<Store, String> {
        let load = || {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err("this host trusts no certificate: install ca-certificates, or write `ca`".to_owned());
            }
            Ok(Arc::new(store))
        };
        let read = || async { self.reads.run("", load).await.map_err(|error| reason::of_io(&error))? };
        self.known.get_or_try_init(read).await.cloned()
    }
}
