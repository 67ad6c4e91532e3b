//! What goes down to a connector: an address, and what is known of it.

use std::sync::Arc;

use crate::Target;
use crate::address::Address;
use crate::connect::Progress;

/// What goes down to a [`Connector`](crate::Connector): an address, and what is known of it.
///
/// The race makes it when the attempt starts. A connector that wraps another passes it on whole,
/// so that whatever is added to it later reaches the inner connector:
///
/// | what | from |
/// | --- | --- |
/// | [`address`](Self::address) | the resolver's answer |
/// | [`target`](Self::target) | the dialer: what was asked for, such as the name that TLS checks |
/// | [`binding`](Self::binding) | the resolver's answer: what a service binding says |
/// | [`progress`](Self::progress) | the race, which listens to it |
///
/// # Examples
///
/// ```
/// use stagger::{Candidate, Target};
///
/// let target = Target::parse("example.com:443")?;
/// let to = Candidate::new("192.0.2.1:443".parse::<std::net::SocketAddr>().unwrap());
/// assert_eq!(to.target(), None);
/// let to = to.with_target(target.clone());
/// assert_eq!(to.target(), Some(&target));
/// assert_eq!(to.map(|address| address.port()).into_address(), 443);
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Candidate<A> {
    address: A,
    target: Option<Target>,
    binding: Option<Arc<Binding>>,
    progress: Progress,
}

impl<A> Candidate<A> {
    /// A candidate of which nothing is known but its address, for a connect outside a race.
    pub fn new(address: A) -> Self {
        Self { address, target: None, binding: None, progress: Progress::default() }
    }

    /// Sets what was asked for.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Sets what a service binding says of it.
    pub fn with_binding(mut self, binding: impl Into<Arc<Binding>>) -> Self {
        self.binding = Some(binding.into());
        self
    }

    /// A candidate of which this is known.
    pub(crate) fn of(address: A, target: Option<Target>, binding: Option<Arc<Binding>>) -> Self {
        Self { address, target, binding, progress: Progress::default() }
    }

    /// The address and the target that it was made [of](Self::of).
    pub(crate) fn into_parts(self) -> (A, Option<Target>) {
        (self.address, self.target)
    }

    pub(crate) fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Where the attempt goes.
    pub fn address(&self) -> &A {
        &self.address
    }

    /// What was asked for: the dialer's target, or the address itself if that is one
    /// ([`Address::as_target`]).
    pub fn target(&self) -> Option<&Target>
    where
        A: Address,
    {
        self.target.as_ref().or_else(|| self.address.as_target())
    }

    /// What a service binding says of it (RFC 9460), if there is one.
    pub fn binding(&self) -> Option<&Binding> {
        self.binding.as_deref()
    }

    /// How the attempt tells the race that it has got further.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The same candidate with another form of its address, for a connector round another.
    pub fn map<B>(self, map: impl FnOnce(A) -> B) -> Candidate<B> {
        let Self { address, target, binding, progress } = self;
        Candidate { address: map(address), target, binding, progress }
    }

    /// A candidate for a connect inside this attempt, such as that to a proxy. It has an address of
    /// its own, and neither target nor binding. It shares the progress of this attempt, so the steps
    /// of a race inside are shown as this attempt's children.
    pub fn child<B>(&self, address: B) -> Candidate<B> {
        Candidate::new(address).with_progress(self.progress.clone())
    }

    /// Where the attempt goes.
    pub fn into_address(self) -> A {
        self.address
    }
}

impl<A> From<A> for Candidate<A> {
    fn from(address: A) -> Self {
        Self::new(address)
    }
}

/// What a service binding says of an address (RFC 9460).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binding {
    alpn: Vec<Vec<u8>>,
}

impl Binding {
    /// A binding that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the protocols that the server speaks (RFC 9460 §7.1).
    pub fn with_alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// The protocols that the server speaks; none are said if this is empty.
    pub fn alpn(&self) -> &[Vec<u8>] {
        &self.alpn
    }
}
