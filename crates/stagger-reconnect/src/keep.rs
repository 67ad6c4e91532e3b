//! The future that keeps a link connected.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use backon::BackoffBuilder;
use futures_core::Stream as _;
use pin_project_lite::pin_project;
use stagger::boxed::BoxError;
use stagger::error::SharedError;
use stagger::{Endpoint, Timer};

use crate::board::{Board, Progress};
use crate::{Link, LinkError, Reconnect};

pin_project! {
    /// The future that keeps a [`Link`] connected. Spawn it, or poll it next to its users.
    ///
    /// It ends in one of these cases, and then holds no connection:
    ///
    /// - A link is [stopped](Link::stop).
    /// - A link is [drained](Link::drain), and the current connection is lost.
    /// - The last link is dropped.
    /// - The stream of connections ends.
    ///
    /// # Panics
    ///
    /// A panic of the endpoint, of `prepare` or of its future leaves this future unusable. Dropping
    /// it then ends the link, as runtimes do with a task that panics.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes what it holds before `drop` returns. All waits end with
    /// [`LinkError::Abandoned`].
    ///
    /// # Runtime
    ///
    /// It spawns nothing. It is `Send` if its parts are.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::{LinkError, Reconnect};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let ledger = Ledger::new(&clock);
    /// let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
    /// let (link, keep) = Reconnect::new(server, clock.clone()).into_link(|connection| {
    ///     let lost = async move {
    ///         std::future::pending::<()>().await;
    ///         drop(connection);
    ///     };
    ///     ((), lost)
    /// });
    /// let mut keep = Box::pin(keep);
    /// assert!(clock.run_until(ms(20), keep.as_mut()).is_pending());
    /// assert!(link.current().is_some());
    ///
    /// drop(keep);
    /// assert_eq!(ledger.closed(), [(ms(20), "server")]);
    /// assert!(matches!(clock.run(link.connected()), Err(LinkError::Abandoned)));
    /// ```
    #[must_use = "a link is never connected unless this future is polled"]
    pub struct KeepLink<R, F, L, C> {
        #[pin]
        lost: Option<L>,
        #[pin]
        connections: Option<R>,
        prepare: F,
        // Dropped last: it ends the link.
        guard: Guard<C>,
    }
}

struct Guard<C>(Arc<Board<C>>);

impl<C> Drop for Guard<C> {
    fn drop(&mut self) {
        self.0.end(LinkError::Abandoned);
    }
}

impl<R, F, L, C> KeepLink<R, F, L, C> {
    pub(crate) fn new(connections: R, prepare: F, link: &Link<C>) -> Self {
        let guard = Guard(link.board().clone());
        Self { lost: None, connections: Some(connections), prepare, guard }
    }

    /// Drops what it holds, and ends the link.
    fn end(self: Pin<&mut Self>, error: LinkError) {
        let mut this = self.project();
        this.lost.set(None);
        this.connections.set(None);
        this.guard.0.end(error);
    }
}

impl<E, T, B, P, F, L, C> Future for KeepLink<Reconnect<E, T, B, P>, F, L, C>
where
    E: Endpoint<Error: Into<BoxError>>,
    T: Timer,
    B: BackoffBuilder + Clone,
    P: FnMut(&E::Error) -> bool,
    F: FnMut(E::Connection) -> (C, L),
    L: Future<Output = ()>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.as_mut().project();
        let board = &this.guard.0;
        let mut goes_on = board.enter(cx.waker());
        if let Some(lost) = this.lost.as_mut().as_pin_mut().filter(|_| goes_on) {
            ready!(lost.poll(cx));
            goes_on = board.lost();
            this.lost.set(None);
        }
        let Some(mut connections) = this.connections.as_mut().as_pin_mut().filter(|_| goes_on)
        else {
            self.end(LinkError::Stopped);
            return Poll::Ready(());
        };
        let polled = connections.as_mut().poll_next(cx);
        let mut progress = Progress {
            state: connections.state(),
            failures: connections.failures(),
            total_failures: connections.total_failures(),
            outcome: None,
        };
        match polled {
            Poll::Pending => {
                board.publish(progress, None);
                return Poll::Pending;
            }
            Poll::Ready(None) => {
                board.publish(progress, None);
                let last = board.last_error();
                self.end(LinkError::GaveUp { last });
                return Poll::Ready(());
            }
            Poll::Ready(Some(Err(error))) => {
                progress.outcome = Some(Some(SharedError::new(error)));
                board.publish(progress, None);
            }
            Poll::Ready(Some(Ok(connection))) => {
                let (value, lost) = (this.prepare)(connection);
                this.lost.set(Some(lost));
                progress.outcome = Some(None);
                board.publish(progress, Some(value));
            }
        }
        // One item a poll: an endpoint that fails at once does not keep the thread from others.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: fmt::Debug, F, L, C> fmt::Debug for KeepLink<R, F, L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepLink")
            .field("connections", &self.connections)
            .field("board", &self.guard.0)
            .finish_non_exhaustive()
    }
}
