//! A dialer and a target as one endpoint.

use std::fmt;

use crate::address::{Address, Family};
use crate::boxed::BoxError;
use crate::connect::Dial;
use crate::sort::Unusable;
use crate::{Connector, Dialer, Endpoint, Error, Observer, Resolver, Target, Timer};

/// A dialer and a target as an [`Endpoint`]. Each connect resolves the target again.
///
/// It is also an [`Address`], so a resolver may return host endpoints. [`Direct`](crate::connect::Direct) connects to
/// them. Two host endpoints are equal if their targets are equal. Their dialers are not compared.
/// To race one target through different dialers, put each host endpoint into a [`BoxEndpoint`](crate::boxed::BoxEndpoint).
#[derive(Clone, Debug)]
pub struct HostEndpoint<R, C, T, O = ()> {
    pub(super) dialer: Dialer<R, C, T, O>,
    pub(super) target: Target,
}

impl<R, C, T, O> HostEndpoint<R, C, T, O> {
    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The dialer.
    pub fn dialer(&self) -> &Dialer<R, C, T, O> {
        &self.dialer
    }
}

impl<R, C, T, O> fmt::Display for HostEndpoint<R, C, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl<R, C, T, O> PartialEq for HostEndpoint<R, C, T, O> {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

impl<R, C, T, O> Eq for HostEndpoint<R, C, T, O> {}

impl<R: Clone, C: Clone, T: Clone, O: Clone> Address for HostEndpoint<R, C, T, O> {
    fn family(&self) -> Option<Family> {
        self.target.family()
    }

    fn as_target(&self) -> Option<&Target> {
        Some(&self.target)
    }

    fn check_destination(&self) -> Result<(), Unusable> {
        self.target.check_destination()
    }
}

impl<R, C, T, O> Endpoint for HostEndpoint<R, C, T, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>>,
    C: Connector<R::Address, Error: Into<BoxError>> + Clone,
    T: Timer + Clone,
    O: Observer<R::Address> + Clone,
{
    type Connection = C::Connection;
    type Error = Error;
    type Connecting = Dial<R, C, T, O>;

    fn connect(&self) -> Self::Connecting {
        self.dialer.connect(self.target.clone())
    }
}
