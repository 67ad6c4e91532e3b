//! The seam to a program or a library that speaks SSH.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use stagger::{Candidate, Target};

use crate::runtime::{Runtime, Socket};
use crate::{SshError, SshHost};

/// The future of a [`Backend`].
pub type Opening<S> = Pin<Box<dyn Future<Output = Result<S, SshError>> + Send>>;

/// Opens connections from SSH hosts (RFC 4254 §7.2, `direct-tcpip`). `S` is the stream.
///
/// # Cancel safety
///
/// Dropping an [`Opening`] must leave nothing behind.
pub trait Backend<S>: Send + Sync + 'static {
    /// Opens a connection from the hop's host to a target. The hop's host resolves the target's
    /// name.
    fn open(&self, hop: Hop<S>, to: &Target) -> Opening<S>;
}

/// An SSH host to log in at, and the way to its SSH server.
pub struct Hop<S> {
    pub(crate) host: SshHost,
    /// The attempt that this hop is a part of. Races of the hop are its children.
    pub(crate) attempt: Candidate<()>,
    pub(crate) runtime: Arc<dyn Runtime<S>>,
    pub(crate) backend: Arc<dyn Backend<S>>,
}

impl<S: Send + 'static> Hop<S> {
    /// The host to log in at.
    pub fn host(&self) -> &SshHost {
        &self.host
    }

    /// The hop before this one, if its route is [`Route::Through`](crate::Route::Through).
    pub fn parent(&self) -> Option<Self> {
        let crate::Route::Through(parent) = self.host.route() else { return None };
        Some(Self { host: parent.clone(), ..self.clone() })
    }

    /// Races TCP to the SSH server of a host with [`Route::Direct`](crate::Route::Direct), with the
    /// host's own options. Yields a non-blocking socket that no reactor knows.
    pub(crate) async fn dial(&self) -> Result<Socket, SshError> {
        self.runtime.dial(&self.host, &self.attempt).await
    }
}

impl<S> Clone for Hop<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            attempt: self.attempt.child(()),
            runtime: self.runtime.clone(),
            backend: self.backend.clone(),
        }
    }
}
