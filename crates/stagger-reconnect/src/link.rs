//! The handle that many tasks share.

use std::fmt;
use std::sync::Arc;

use stagger::Endpoint;
use stagger::error::SharedError;

use crate::board::Board;
use crate::{Connected, LinkError, ReconnectState};

/// A handle to the current connection of an endpoint, which comes back when it is lost. Clones
/// share it. [`Reconnect::into_link`](crate::Reconnect::into_link) makes it, with the future that
/// keeps it connected.
///
/// It is an [`Endpoint`] too. Each of its connects [waits](Self::connected) for the current
/// connection.
///
/// `C` is what the program shares of a connection. Clones of `C` that the program holds stay open
/// when the link is stopped or dropped.
///
/// # Runtime
///
/// It is `Send` and `Sync` if `C` is both.
///
/// # Examples
///
/// ```
/// use futures_lite::future;
/// use stagger::Timer as _;
/// use stagger_reconnect::Reconnect;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
/// // Each connection is lost after a minute.
/// let (link, keep) = Reconnect::new(server, clock.clone()).into_link(|connection| {
///     let minute = clock.sleep(ms(60_000));
///     let lost = async move {
///         minute.await;
///         drop(connection);
///     };
///     ("shared", lost)
/// });
///
/// clock.run(async {
///     let use_twice = async {
///         assert_eq!(link.connected().await?, "shared");
///         clock.sleep(ms(60_000)).await;
///         assert!(link.current().is_none());
///         link.connected().await?;
///         link.stop();
///         Ok::<_, stagger_reconnect::LinkError>(())
///     };
///     future::zip(keep, use_twice).await.1
/// })?;
/// assert_eq!(ledger.starts(), [(ms(0), "server"), (ms(60_020), "server")]);
/// ledger.assert_clean();
/// # Ok::<_, stagger_reconnect::LinkError>(())
/// ```
pub struct Link<C>(Arc<Board<C>>);

impl<C> Link<C> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Board::new()))
    }

    pub(crate) fn board(&self) -> &Arc<Board<C>> {
        &self.0
    }

    /// Waits for a connection, and returns a clone of its value. It is ready at once while a
    /// connection is there.
    ///
    /// # Errors
    ///
    /// - [`Stopped`](LinkError::Stopped), [`Abandoned`](LinkError::Abandoned) or
    ///   [`GaveUp`](LinkError::GaveUp) if no connection will follow.
    /// - [`Failed`](LinkError::Failed) if a [limit](Connected::with_max_failures) was set and
    ///   reached.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait leaves nothing behind, and takes no connection or wake-up from another wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::fails(ms(20)))
    ///     .then(Fate::connects(ms(20)));
    /// let (link, keep) = Reconnect::new(server, clock.clone())
    ///     .into_link(|connection| (connection.name().to_owned(), std::future::pending()));
    ///
    /// let use_it = async {
    ///     let both = future::zip(link.connected(), link.clone().connected()).await;
    ///     link.stop();
    ///     both
    /// };
    /// let (_, (first, second)) = clock.run(future::zip(keep, use_it));
    /// assert_eq!([first?, second?], ["server", "server"]);
    /// # Ok::<_, stagger_reconnect::LinkError>(())
    /// ```
    pub fn connected(&self) -> Connected<C> {
        Connected::new(self.clone())
    }

    /// Stops the link. No connect follows, waits return [`LinkError::Stopped`], and the link drops
    /// its clone of the current value before this returns.
    ///
    /// The [`KeepLink`](crate::KeepLink) future ends at its next poll. It then drops a connect in
    /// progress, and the future that watches the connection. Wait for it to know that all is
    /// closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::{LinkError, Reconnect};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let ledger = Ledger::new(&clock);
    /// let silent = ScriptedEndpoint::new(&ledger, "silent", Fate::silent());
    /// let (link, keep) =
    ///     Reconnect::new(silent, clock.clone()).into_link(|_| ((), std::future::pending()));
    /// let mut keep = Box::pin(keep);
    /// assert!(clock.run_until(ms(50), keep.as_mut()).is_pending());
    ///
    /// link.stop();
    /// assert!(matches!(clock.run(link.connected()), Err(LinkError::Stopped)));
    /// clock.run(keep);
    /// assert_eq!(ledger.dropped(), [(ms(50), "silent")]);
    /// ledger.assert_clean();
    /// ```
    pub fn stop(&self) {
        self.0.end(LinkError::Stopped);
    }

    /// Stops the link when the current connection is lost. Until then the connection is shared as
    /// before. Without a current connection this is [`stop`](Self::stop).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Timer as _;
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let ledger = Ledger::new(&clock);
    /// let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
    /// let (link, keep) = Reconnect::new(server, clock.clone())
    ///     .into_link(|connection| (connection.name().to_owned(), clock.sleep(ms(60_000))));
    /// let mut keep = Box::pin(keep);
    /// assert!(clock.run_until(ms(20), keep.as_mut()).is_pending());
    ///
    /// link.drain();
    /// assert_eq!(link.current().unwrap(), "server");
    /// clock.run(keep);
    /// assert_eq!(clock.elapsed(), ms(60_020));
    /// assert_eq!(ledger.starts().len(), 1);
    /// ```
    pub fn drain(&self) {
        self.0.drain();
    }

    /// What the link does at the moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::{Reconnect, ReconnectState};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::silent());
    /// let (link, keep) =
    ///     Reconnect::new(server, clock.clone()).into_link(|_| ((), std::future::pending()));
    /// let mut keep = Box::pin(keep);
    /// assert_eq!(link.state(), ReconnectState::Idle);
    /// let _ = clock.run_until(ms(1), keep.as_mut());
    /// assert_eq!(link.state(), ReconnectState::Connecting);
    /// drop(keep);
    /// assert_eq!(link.state(), ReconnectState::Ended);
    /// ```
    pub fn state(&self) -> ReconnectState {
        self.0.state()
    }

    /// The failures in a row, as [`Reconnect::failures`](crate::Reconnect::failures) counts them.
    /// It is 0 while a connection is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
    /// let connections = Reconnect::new(down, clock.clone()).with_backoff([ms(50)].into_iter());
    /// let (link, keep) = connections.into_link(|_| ((), std::future::pending()));
    /// clock.run(keep);
    /// assert_eq!(link.failures(), 2);
    /// assert_eq!(link.last_error().unwrap().to_string(), "down failed");
    /// ```
    pub fn failures(&self) -> u32 {
        self.0.failures()
    }

    /// The error of the last connect, or `None` if it succeeded or none has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ScriptedError, ms};
    ///
    /// let clock = Clock::new();
    /// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
    /// let connections = Reconnect::new(down, clock.clone()).with_backoff([].into_iter());
    /// let (link, keep) = connections.into_link(|_| ((), std::future::pending()));
    /// assert!(link.last_error().is_none());
    /// clock.run(keep);
    /// assert!(link.last_error().unwrap().is::<ScriptedError>());
    /// ```
    pub fn last_error(&self) -> Option<SharedError> {
        self.0.last_error()
    }
}

impl<C: Clone> Link<C> {
    /// Returns a clone of the current connection's value, without waiting.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_reconnect::Reconnect;
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    ///
    /// let clock = Clock::new();
    /// let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::connects(ms(20)));
    /// let (link, keep) = Reconnect::new(server, clock.clone())
    ///     .into_link(|connection| (connection.name().to_owned(), std::future::pending()));
    /// let mut keep = Box::pin(keep);
    /// assert!(link.current().is_none());
    /// let _ = clock.run_until(ms(20), keep.as_mut());
    /// assert_eq!(link.current().unwrap(), "server");
    /// ```
    pub fn current(&self) -> Option<C> {
        let current = self.0.current()?;
        Some((*current).clone())
    }
}

impl<C> Clone for Link<C> {
    fn clone(&self) -> Self {
        self.0.add_handle();
        Self(self.0.clone())
    }
}

/// Dropping the last link, including those of [waits](Connected), ends the future that keeps it
/// connected.
impl<C> Drop for Link<C> {
    fn drop(&mut self) {
        self.0.remove_handle();
    }
}

impl<C> fmt::Debug for Link<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.0).finish()
    }
}

/// Each connect waits for the current connection: see [`connected`](Link::connected).
///
/// # Examples
///
/// A link can take part in a race, or be the inner endpoint of another:
///
/// ```
/// use futures_lite::future;
/// use stagger::Endpoint as _;
/// use stagger_reconnect::Reconnect;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::connects(ms(20)));
/// let (link, keep) = Reconnect::new(server, clock.clone())
///     .into_link(|connection| (connection.name().to_owned(), std::future::pending()));
/// let shout = link.clone().map(|name| name.to_uppercase());
/// let name = clock.run(future::or(shout.connect(), async {
///     keep.await;
///     unreachable!("the link is not stopped")
/// }));
/// assert_eq!(name.unwrap(), "SERVER");
/// ```
impl<C: Clone> Endpoint for Link<C> {
    type Connection = C;
    type Error = LinkError;
    type Connecting = Connected<C>;

    fn connect(&self) -> Connected<C> {
        self.connected()
    }
}
