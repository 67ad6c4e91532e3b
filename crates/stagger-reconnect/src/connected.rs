//! The wait for a link's connection.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::board::Wait;
use crate::{Link, LinkError};

/// A wait for the current connection: see [`Link::connected`].
///
/// It keeps the link alive like a [`Link`].
#[must_use = "futures do nothing unless polled"]
pub struct Connected<C> {
    link: Link<C>,
    max_failures: Option<u32>,
    /// The number of total failures that ends this wait. Set by the first poll.
    fails_at: Option<u64>,
    key: Option<u64>,
}

impl<C> Connected<C> {
    pub(crate) fn new(link: Link<C>) -> Self {
        Self { link, max_failures: None, fails_at: None, key: None }
    }

    /// Ends the wait with an error after this many failures. Failures before the first poll do not
    /// count, and with 0 the wait ends at its first poll. The link itself goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future;
    /// use stagger_reconnect::{LinkError, Reconnect};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
    /// let connections = Reconnect::new(down, clock.clone())
    ///     .with_backoff([ms(100), ms(200), ms(400)].into_iter());
    /// let (link, keep) = connections.into_link(|_| ((), std::future::pending()));
    ///
    /// let (wait, ()) = clock.run(async {
    ///     future::zip(link.connected().with_max_failures(2), keep).await
    /// });
    /// let error = wait.unwrap_err();
    /// assert!(matches!(error, LinkError::Failed { failures: 2, .. }));
    /// assert_eq!(error.to_string(), "no connection after 2 failures");
    /// ```
    pub fn with_max_failures(mut self, max_failures: u32) -> Self {
        self.max_failures = Some(max_failures);
        self.fails_at = None;
        self
    }

    /// Waits through any number of failures, which is the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::Reconnect;
    ///
    /// let endpoint = stagger_smol::dialer().endpoint("localhost:443")?;
    /// let connections = Reconnect::new(endpoint, stagger_smol::Timer);
    /// let (link, _keep) = connections.into_link(|_| ((), std::future::pending()));
    /// let wait = link.connected().with_max_failures(3);
    /// assert_eq!(wait.max_failures(), Some(3));
    /// assert_eq!(wait.without_max_failures().max_failures(), None);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn without_max_failures(mut self) -> Self {
        self.max_failures = None;
        self.fails_at = None;
        self
    }

    /// How many failures end the wait.
    pub fn max_failures(&self) -> Option<u32> {
        self.max_failures
    }
}

impl<C: Clone> Future for Connected<C> {
    type Output = Result<C, LinkError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let wait = this.link.board().wait(
            &mut this.key,
            &mut this.fails_at,
            this.max_failures,
            cx.waker(),
        );
        match wait {
            Wait::Connected(current) => Poll::Ready(Ok((*current).clone())),
            Wait::Ended(error) => Poll::Ready(Err(error)),
            Wait::Pending => Poll::Pending,
        }
    }
}

impl<C> Drop for Connected<C> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.link.board().forget(key);
        }
    }
}

impl<C> fmt::Debug for Connected<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("link", &self.link)
            .field("max_failures", &self.max_failures)
            .finish_non_exhaustive()
    }
}
