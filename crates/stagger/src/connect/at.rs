//! A connector and an address as one endpoint.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Connector;
use crate::address::{Address, Family};
use crate::sort::Unusable;
use crate::{Candidate, Endpoint, Target};

/// A connector and an address as an [`Endpoint`]. [`Connector::at`] returns it.
///
/// A connect fails without an attempt if the connector does not [accept](Connector::accepts) the address. As an
/// [`Address`] it is equal to another `At` with an equal address. The connectors are not compared.
#[derive(Clone, Copy)]
pub struct At<C, A> {
    connector: C,
    address: A,
}

impl<C, A> At<C, A> {
    pub(crate) fn new(connector: C, address: A) -> Self {
        Self { connector, address }
    }

    /// The connector.
    pub fn connector(&self) -> &C {
        &self.connector
    }

    /// The address.
    pub fn address(&self) -> &A {
        &self.address
    }
}

impl<C: Connector<A>, A: Clone> Endpoint for At<C, A> {
    type Connection = C::Connection;
    type Error = C::Error;
    type Connecting = AtConnect<C::Attempt, C::Error>;

    fn connect(&self) -> Self::Connecting {
        let to = Candidate::new(self.address.clone());
        match self.connector.accepts(&to) {
            Ok(()) => AtConnect { attempt: Some(self.connector.connect(to)), refusal: None },
            Err(error) => AtConnect { attempt: None, refusal: Some(error) },
        }
    }
}

impl<C, A: fmt::Display> fmt::Display for At<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Prints only the address, because few connectors implement `Debug`.
impl<C, A: fmt::Debug> fmt::Debug for At<C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("At").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<C, A: PartialEq> PartialEq for At<C, A> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<C, A: Eq> Eq for At<C, A> {}

impl<C: Clone, A: Address> Address for At<C, A> {
    fn family(&self) -> Option<Family> {
        self.address.family()
    }

    fn ip(&self) -> Option<IpAddr> {
        self.address.ip()
    }

    fn canonical(self) -> Self {
        Self { address: self.address.canonical(), connector: self.connector }
    }

    fn as_target(&self) -> Option<&Target> {
        self.address.as_target()
    }

    fn check_destination(&self) -> Result<(), Unusable> {
        self.address.check_destination()
    }
}

pin_project! {
    /// A connect to an [`At`]: an attempt, or the error of an address that is not accepted.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after the error of an address that is not accepted.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt.
    #[must_use = "futures do nothing unless polled"]
    pub struct AtConnect<C, E> {
        #[pin]
        attempt: Option<C>,
        refusal: Option<E>,
    }
}

impl<C, T, E> Future for AtConnect<C, E>
where
    C: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.attempt.as_pin_mut() {
            Some(attempt) => attempt.poll(cx),
            None => Poll::Ready(Err(this.refusal.take().expect("polled after it was ready"))),
        }
    }
}

impl<C, E> fmt::Debug for AtConnect<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtConnect").finish_non_exhaustive()
    }
}
