//! The input of a connector: an address, and what is known about it.

use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::Target;
use crate::address::Address;
use crate::connect::Progress;

/// The input of a [`Connector`](crate::Connector): an address, and what is known about it.
///
/// The race makes it when the attempt starts. A connector that wraps another passes on the whole
/// candidate. So parts that are added later also reach the inner connector:
///
/// | what | from |
/// | --- | --- |
/// | [`address`](Self::address) | the resolver's answer |
/// | [`target`](Self::target) | the dialer: the requested target, such as the name that TLS checks |
/// | [`binding`](Self::binding) | the resolver's answer: the parameters of a service binding |
/// | [`translated`](Self::translated) | a NAT64 connector: the IPv4 address that the address stands for |
/// | [`progress`](Self::progress) | the race, which reads it |
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
    translated: Option<SocketAddrV4>,
    progress: Progress,
}

impl<A> Candidate<A> {
    /// Creates a candidate with only an address, for a connect outside a race.
    pub fn new(address: A) -> Self {
        Self::of(address, None, None)
    }

    /// Sets the requested target.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Sets the parameters of a service binding.
    pub fn with_binding(mut self, binding: impl Into<Arc<Binding>>) -> Self {
        self.binding = Some(binding.into());
        self
    }

    /// Sets the IPv4 address that this candidate's address stands for, because a NAT64 translates
    /// between them. A connector inside sees by it where the connection really leads.
    ///
    /// For [`accepts`](crate::Connector::accepts) the candidate may have the IPv4 address itself
    /// and this mark. The connection is then made over IPv6.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::Candidate;
    ///
    /// let to: SocketAddr = "[64:ff9b::c000:221]:443".parse()?;
    /// let to = Candidate::new(to).with_translated("192.0.2.33:443".parse()?);
    /// assert_eq!(to.translated(), Some("192.0.2.33:443".parse()?));
    /// # Ok::<_, std::net::AddrParseError>(())
    /// ```
    pub fn with_translated(mut self, ipv4: SocketAddrV4) -> Self {
        self.translated = Some(ipv4);
        self
    }

    /// Creates a candidate with what the race knows about the address.
    pub(crate) fn of(address: A, target: Option<Target>, binding: Option<Arc<Binding>>) -> Self {
        Self { address, target, binding, translated: None, progress: Progress::default() }
    }

    /// Returns the address and the target that [`of`](Self::of) received.
    pub(crate) fn into_parts(self) -> (A, Option<Target>) {
        (self.address, self.target)
    }

    pub(crate) fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The address of the attempt.
    pub fn address(&self) -> &A {
        &self.address
    }

    /// The requested target: the dialer's target, or the address itself if it is a target
    /// ([`Address::as_target`]).
    pub fn target(&self) -> Option<&Target>
    where
        A: Address,
    {
        self.target.as_ref().or_else(|| self.address.as_target())
    }

    /// The parameters of a service binding (RFC 9460), if the address came with one.
    pub fn binding(&self) -> Option<&Binding> {
        self.binding.as_deref()
    }

    /// The IPv4 address that this candidate's address stands for, if a NAT64 translates between
    /// them.
    pub fn translated(&self) -> Option<SocketAddrV4> {
        self.translated
    }

    /// Reports the attempt's progress to the race.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The same candidate with its address mapped, for a connector that wraps another.
    pub fn map<B>(self, map: impl FnOnce(A) -> B) -> Candidate<B> {
        let Self { address, target, binding, translated, progress } = self;
        Candidate { address: map(address), target, binding, translated, progress }
    }

    /// A candidate for a connect inside this attempt, such as the connect to a proxy. It has its
    /// own address, and neither a target nor a binding. It shares the progress of this attempt, so
    /// the steps of an inner race are shown as this attempt's children.
    pub fn child<B>(&self, address: B) -> Candidate<B> {
        Candidate::new(address).with_progress(self.progress.clone())
    }

    /// Returns the address of the attempt.
    pub fn into_address(self) -> A {
        self.address
    }
}

impl<A> From<A> for Candidate<A> {
    fn from(address: A) -> Self {
        Self::new(address)
    }
}

/// The parameters of a service binding (RFC 9460).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binding {
    alpn: Vec<Vec<u8>>,
}

impl Binding {
    /// Creates a binding without parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the protocols that the server supports (RFC 9460 §7.1).
    pub fn with_alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// The protocols that the server supports. An empty list means that the binding does not list
    /// any.
    pub fn alpn(&self) -> &[Vec<u8>] {
        &self.alpn
    }
}
