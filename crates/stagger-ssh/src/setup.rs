//! What the handle's connectors and resolvers share.

use std::sync::Arc;

use stagger::Candidate;
use stagger_net::nat64::Nat64;

use crate::config::ConfigFiles;
use crate::runtime::Runtime;
use crate::{Backend, Hop, SshAlias, SshError, SshHost};

pub(crate) struct Setup<S> {
    pub(crate) runtime: Arc<dyn Runtime<S>>,
    pub(crate) backend: Arc<dyn Backend<S>>,
    pub(crate) files: ConfigFiles,
    pub(crate) match_exec: bool,
    pub(crate) nat64: Option<Nat64>,
}

impl<S: Send + 'static> Setup<S> {
    pub(crate) fn hop(&self, host: SshHost, attempt: Candidate<()>) -> Hop<S> {
        Hop {
            host,
            attempt,
            runtime: self.runtime.clone(),
            backend: self.backend.clone(),
            nat64: self.nat64.clone(),
        }
    }

    /// Looks up a destination and every hop before it.
    pub(crate) async fn resolve(&self, alias: &SshAlias) -> Result<SshHost, SshError> {
        crate::lookup::resolve(self, alias.checked()?.clone()).await
    }
}

impl<S> Clone for Setup<S> {
    fn clone(&self) -> Self {
        Self {
            runtime: self.runtime.clone(),
            backend: self.backend.clone(),
            files: self.files.clone(),
            match_exec: self.match_exec,
            nat64: self.nat64.clone(),
        }
    }
}
