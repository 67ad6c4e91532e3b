//! The answers of a resolver, in the order of its address policy.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::boxed::BoxError;
use stagger::{Answer, Resolver, Timer};

use super::answer_sorting::AnswerSorting;
use super::unsorted_answers::UnsortedAnswers;
use crate::dns_error::DnsError;
use crate::network::seam::Network;

pin_project! {
    /// The stream of the answers of a [`DnsResolver`](crate::DnsResolver).
    ///
    /// It yields one answer for each wanted family, or one for both if the hosts file has the name.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the lookups. See [`DnsResolver`](crate::DnsResolver#cancel-safety).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt as _;
    /// use stagger::resolve::Query;
    /// use stagger::{Resolver as _, Target};
    /// use stagger_dns::{Config, DnsResolver};
    /// # use std::{future, io, net::SocketAddr};
    /// # use futures_lite::stream;
    /// # struct Silent;
    /// # impl stagger_dns::Network for Silent {
    /// #     type Datagrams = stream::Pending<io::Result<Vec<u8>>>;
    /// #     type Reply = future::Pending<io::Result<Vec<u8>>>;
    /// #     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
    /// #         stream::pending()
    /// #     }
    /// #     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
    /// #         future::pending()
    /// #     }
    /// # }
    ///
    /// let clock = stagger_testkit::Clock::new();
    /// let resolver = DnsResolver::new(Config::new(), Silent, clock.clone());
    /// let query = Query::new(Target::parse("localhost:443")?);
    /// let answers = clock.run(resolver.resolve(&query).collect::<Vec<_>>());
    /// assert_eq!(answers.len(), 2);
    /// # Ok::<_, stagger::target::TargetError>(())
    /// ```
    #[must_use = "streams do nothing unless polled"]
    pub struct DnsAnswers<N, T, L>
    where
        N: Network,
        T: Timer,
        L: Resolver,
    {
        #[pin]
        answers: UnsortedAnswers<N, T, L>,
        sorting: Option<AnswerSorting>,
    }
}

impl<N: Network, T: Timer, L: Resolver> DnsAnswers<N, T, L> {
    pub(super) fn new(answers: UnsortedAnswers<N, T, L>, sorting: Option<AnswerSorting>) -> Self {
        Self { answers, sorting }
    }
}

impl<N, T, L> Stream for DnsAnswers<N, T, L>
where
    N: Network,
    T: Timer,
    L: Resolver<Address = SocketAddr, Error: Into<BoxError>>,
{
    type Item = Answer<SocketAddr, DnsError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let mut answers = this.answers;
        match this.sorting {
            None => answers.poll_next(cx),
            Some(sorting) => {
                sorting.begin(|| answers.now());
                sorting.poll_next(cx, |cx| answers.as_mut().poll_next(cx))
            }
        }
    }
}

impl<N: Network, T: Timer, L: Resolver> fmt::Debug for DnsAnswers<N, T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorting.is_some();
        f.debug_struct("DnsAnswers").field("sorted", &sorted).finish_non_exhaustive()
    }
}
