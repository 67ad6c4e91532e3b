//! The resolver that resolves nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::resolve::{Query, Record};
use crate::{Answer, Resolver, Target};

/// A resolver that returns the target itself, for connectors that take a [`Target`].
///
/// With it a [`Dialer`](crate::Dialer) has a timeout, an observer and a report for such a
/// connector, for example for a proxy or an SSH host. HTTPS records are answered negatively.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::connect::connector_fn;
/// use stagger::resolve::ByName;
/// use stagger::Target;
/// use stagger_testkit::Clock;
///
/// let echo = connector_fn(|target: Target| async move { Ok::<_, std::io::Error>(target) });
/// let clock = Clock::new();
/// let dialer = Dialer::new(ByName, echo, clock.clone());
/// let target = clock.run(dialer.connect("example.com:443"))?;
/// assert_eq!(target.to_string(), "example.com:443");
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByName;

impl Resolver for ByName {
    type Address = Target;
    type Error = Infallible;
    type Answers = ByNameAnswers;

    fn resolve(&self, query: &Query) -> ByNameAnswers {
        ByNameAnswers { target: Some(query.target().clone()), has_https: query.https() }
    }
}

/// The answers of [`ByName`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ByNameAnswers {
    target: Option<Target>,
    // HTTPS records must still be answered.
    has_https: bool,
}

impl Stream for ByNameAnswers {
    type Item = Answer<Target, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_https) {
            return Poll::Ready(Some(Answer::negative(Record::Https)));
        }
        let target = self.target.take();
        Poll::Ready(target.map(|target| Answer::found(Record::Addresses, [target])))
    }
}
