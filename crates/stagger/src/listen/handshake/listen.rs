//! A place to listen on whose listener performs handshakes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::bound::Bounds;
use super::{Handshake, HandshakeBoundError, HandshakeListener};
use crate::Timer;
use crate::listen::{Listen, Listener};

/// A place to listen on, like another, whose listener performs a handshake on every connection.
///
/// To make one from a closure, call [`Listen::with_handshake`], which knows the closure's types.
/// Each listen returns a [`HandshakeListener`] with clones of the timer and the handshake.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use stagger::listen::{Listen, Listener};
/// use stagger_testkit::{Clock, Ledger, ScriptedError, ScriptedListen, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let door = ScriptedListen::new(&ledger, "door").connects(ms(5), "Ann");
/// let door = door
///     .with_handshake(clock.clone(), |connection, _| async move {
///         Ok::<_, ScriptedError>(("welcome", connection))
///     })
///     .with_limit(64)?
///     .with_timeout(Duration::from_secs(5))?;
///
/// let mut listener = clock.run(door.listen())?;
/// let ((greeting, connection), _) = clock.run(listener.accept()).unwrap();
/// assert_eq!((greeting, connection.name()), ("welcome", "Ann"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HandshakeListen<N, T, H> {
    listen: N,
    timer: T,
    handshake: H,
    bounds: Bounds,
}

impl<N, T, H> HandshakeListen<N, T, H> {
    /// Creates a place to listen on whose listener performs this handshake on every connection.
    ///
    /// It takes a type that implements [`Handshake`], or a closure with the types of its arguments.
    pub fn new(listen: N, timer: T, handshake: H) -> Self
    where
        N: Listen,
        H: Handshake<<N::Listener as Listener>::Connection, <N::Listener as Listener>::Peer>,
    {
        Self { listen, timer, handshake, bounds: Bounds::DEFAULT }
    }

    /// Sets how many handshakes of one listener run at once: see
    /// [`HandshakeListener::with_limit`].
    ///
    /// # Errors
    ///
    /// Returns an error if the number is outside
    /// [`HANDSHAKE_LIMIT_RANGE`](crate::listen::HANDSHAKE_LIMIT_RANGE).
    pub fn with_limit(mut self, limit: usize) -> Result<Self, HandshakeBoundError> {
        self.bounds.set_limit(limit)?;
        Ok(self)
    }

    /// How many handshakes of one listener run at once at most.
    pub fn limit(&self) -> usize {
        self.bounds.limit
    }

    /// Sets how long a handshake may take: see [`HandshakeListener::with_timeout`].
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is outside
    /// [`HANDSHAKE_TIMEOUT_RANGE`](crate::listen::HANDSHAKE_TIMEOUT_RANGE).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, HandshakeBoundError> {
        self.bounds.set_timeout(timeout)?;
        Ok(self)
    }

    /// How long a handshake may take.
    pub fn timeout(&self) -> Duration {
        self.bounds.timeout
    }

    /// The inner place to listen on.
    pub fn get_ref(&self) -> &N {
        &self.listen
    }

    /// Returns the inner place to listen on.
    pub fn into_inner(self) -> N {
        self.listen
    }
}

impl<N, T, H> Listen for HandshakeListen<N, T, H>
where
    N: Listen,
    T: Timer + Clone,
    H: Handshake<<N::Listener as Listener>::Connection, <N::Listener as Listener>::Peer> + Clone,
{
    type Listener = HandshakeListener<N::Listener, T, H>;
    type Error = N::Error;
    type Listening = HandshakeListening<N::Listening, T, H>;

    fn listen(&self) -> Self::Listening {
        let Self { listen, timer, handshake, bounds } = self;
        let kept = Some((timer.clone(), handshake.clone()));
        HandshakeListening { inner: listen.listen(), kept, bounds: *bounds }
    }
}

/// Closures have no `Debug`, so only the inner part and the bounds are printed.
impl<N: fmt::Debug, T, H> fmt::Debug for HandshakeListen<N, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeListen")
            .field("listen", &self.listen)
            .field("limit", &self.bounds.limit)
            .field("timeout", &self.bounds.timeout)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The listen of a [`HandshakeListen`] in progress.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it returned a listener.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner listen.
    #[must_use = "futures do nothing unless polled"]
    pub struct HandshakeListening<F, T, H> {
        #[pin]
        inner: F,
        kept: Option<(T, H)>,
        bounds: Bounds,
    }
}

impl<F, T, H, L, E> Future for HandshakeListening<F, T, H>
where
    F: Future<Output = Result<L, E>>,
    L: Listener,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    type Output = Result<HandshakeListener<L, T, H>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let listener = match ready!(this.inner.poll(cx)) {
            Ok(listener) => listener,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let (timer, handshake) = this.kept.take().expect("a listen was polled after it had ended");
        Poll::Ready(Ok(HandshakeListener::bounded(listener, timer, handshake, *this.bounds)))
    }
}

impl<F, T, H> fmt::Debug for HandshakeListening<F, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeListening").finish_non_exhaustive()
    }
}
