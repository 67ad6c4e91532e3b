//! Targets that consist of numbers.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use stagger::address::Family;
use stagger::error::LookupErrorKind;
use stagger::resolve::Query;
use stagger::target::{Host, Service};
use stagger::{Answer, Resolver, Target};

use super::query_records::{addresses, unsupported};

/// Resolves targets that consist of numbers: an IP address, a port, and an index if there is a
/// zone.
///
/// A name of a host, a service or a zone is an error. A [`DnsResolver`](crate::DnsResolver) uses
/// this resolver for literals and services by default, because only the system knows the numbers of
/// names.
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future};
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_dns::resolve::Numeric;
///
/// let answer = |target| {
///     let query = Query::new(Target::parse(target).unwrap());
///     future::block_on(Numeric.resolve(&query).next()).unwrap()
/// };
/// assert_eq!(answer("192.0.2.1:80").addresses().count(), 1);
/// let answer = answer("192.0.2.1:http");
/// let text = "unknown service: this resolver takes numbers only";
/// assert_eq!(answer.error().unwrap().to_string(), text);
/// assert_eq!(answer.kind(), Some(stagger::error::LookupErrorKind::UnknownService));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Numeric;

/// A target that [`Numeric`] can't resolve, because a part of it is a name.
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future};
/// use stagger::error::LookupErrorKind;
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_dns::resolve::Numeric;
///
/// let query = Query::new(Target::parse("localhost:80")?);
/// let answer = future::block_on(Numeric.resolve(&query).next()).unwrap();
/// assert_eq!(answer.error().unwrap().kind(), LookupErrorKind::InvalidName);
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotNumeric {
    target: String,
    kind: LookupErrorKind,
}

impl NotNumeric {
    fn new(target: &Target) -> Self {
        let kind = match (target.service(), target.host()) {
            (Service::Name(_), _) => LookupErrorKind::UnknownService,
            (_, Host::Name(_)) => LookupErrorKind::InvalidName,
            _ => LookupErrorKind::UnknownZone,
        };
        Self { target: target.to_string(), kind }
    }

    /// The kind of the failure, which depends on the part that is a name. It is the first of these
    /// that applies:
    ///
    /// 1. the service: [`UnknownService`](LookupErrorKind::UnknownService);
    /// 2. the host: [`InvalidName`](LookupErrorKind::InvalidName);
    /// 3. the zone: [`UnknownZone`](LookupErrorKind::UnknownZone).
    pub fn kind(&self) -> LookupErrorKind {
        self.kind
    }

    /// The target that has a name in it.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for NotNumeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: this resolver takes numbers only", self.kind)
    }
}

impl Error for NotNumeric {}

impl Resolver for Numeric {
    type Address = SocketAddr;
    type Error = NotNumeric;
    type Answers = NumericAnswers;

    fn resolve(&self, query: &Query) -> NumericAnswers {
        let record = addresses(query.families());
        let answer = match query.target().literal() {
            None => {
                let error = NotNumeric::new(query.target());
                let kind = error.kind();
                Answer::failed(record, error).with_kind(kind)
            }
            Some(addr) => {
                let family = if addr.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
                let wanted = query.families().contains(family);
                Answer::found(record, wanted.then_some(addr))
            }
        };
        NumericAnswers { addresses: Some(answer), unsupported: unsupported(query) }
    }
}

/// The stream of the answers of [`Numeric`], all of which are ready at once.
///
/// It yields one answer for the addresses, and a negative one if the query asks for HTTPS.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct NumericAnswers {
    addresses: Option<Answer<SocketAddr, NotNumeric>>,
    unsupported: Option<Answer<SocketAddr, NotNumeric>>,
}

impl Stream for NumericAnswers {
    type Item = Answer<SocketAddr, NotNumeric>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.addresses.take().or_else(|| self.unsupported.take());
        Poll::Ready(next)
    }
}
