//! The fate of an attempt, and the attempt itself.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stagger::Timer;
use stagger::connect::Progress;

use crate::clock::Sleep;
use crate::life::Life;
use crate::{Clock, Ledger, LedgerStep, ScriptedError};

/// The result of one attempt, and how long after its first poll it comes. With a zero duration the
/// attempt is ready at the first poll.
///
/// # Examples
///
/// ```
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
///
/// let connector = ScriptedConnector::new(&Ledger::new(&Clock::new()))
///     .at("v6", Fate::silent())
///     .at("v4", Fate::fails(ms(20)).saying("no route to v4"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fate {
    after: Duration,
    progress: Option<Duration>,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum End {
    Connects,
    Fails(Option<String>),
    Panics,
    Silent,
}

impl Fate {
    /// The attempt connects after this time.
    pub fn connects(after: Duration) -> Self {
        Self { after, progress: None, end: End::Connects }
    }

    /// The attempt fails after this time. The text of the error is `<name> failed`, unless
    /// [`saying`](Self::saying) sets it.
    pub fn fails(after: Duration) -> Self {
        Self { after, progress: None, end: End::Fails(None) }
    }

    /// The attempt panics after this time.
    pub fn panics(after: Duration) -> Self {
        Self { after, progress: None, end: End::Panics }
    }

    /// The attempt is pending forever, like an attempt at a black hole.
    pub fn silent() -> Self {
        Self { after: Duration::MAX, progress: None, end: End::Silent }
    }

    /// Makes the attempt report [progress](Progress) after this time. With [`silent`](Self::silent), the address
    /// accepts and then stalls in a handshake.
    pub fn progressing(mut self, after: Duration) -> Self {
        self.progress = Some(after);
        self
    }

    /// Sets the text of the error.
    ///
    /// # Panics
    ///
    /// Panics if this fate is not a failure.
    #[track_caller]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        assert!(matches!(self.end, End::Fails(_)), "only what fails has an error to say");
        self.end = End::Fails(Some(text.into()));
        self
    }
}

/// The attempt of a [`ScriptedConnector`](crate::ScriptedConnector) or a
/// [`ScriptedEndpoint`](crate::ScriptedEndpoint).
///
/// # Panics
///
/// Panics if it is polled after its end. No driver may do that.
#[derive(Debug)]
#[must_use = "an attempt does nothing unless it is polled"]
pub struct ScriptedAttempt {
    clock: Clock,
    fate: Fate,
    sleep: Option<Sleep>,
    progress: Progress,
    progress_sleep: Option<Sleep>,
    polled: bool,
    /// Absent after its end.
    life: Option<Life>,
}

impl ScriptedAttempt {
    pub(crate) fn new(ledger: &Ledger, name: &str, fate: Fate) -> Self {
        Self {
            clock: ledger.clock().clone(),
            fate,
            sleep: None,
            progress: Progress::default(),
            progress_sleep: None,
            polled: false,
            life: Some(Life::begin(ledger, name, LedgerStep::Started, LedgerStep::Dropped)),
        }
    }

    /// Sets where it reports progress.
    pub(crate) fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

impl Future for ScriptedAttempt {
    type Output = Result<Connection, ScriptedError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(life) = &self.life else { panic!("an attempt was polled after its end") };
        if !self.polled {
            life.record(LedgerStep::Polled);
            self.polled = true;
            if let Some(after) = self.fate.progress {
                self.progress_sleep = Some(self.clock.sleep_until(self.clock.now() + after));
            }
            if self.fate.end != End::Silent {
                let due = self.clock.now() + self.fate.after;
                self.sleep = Some(self.clock.sleep_until(due));
            }
        }
        if let Some(sleep) = &mut self.progress_sleep {
            if Pin::new(sleep).poll(context).is_ready() {
                self.progress_sleep = None;
                self.life.as_ref().expect("it has not ended").record(LedgerStep::Progressed);
                self.progress.made();
            }
        }
        let Some(sleep) = &mut self.sleep else {
            return Poll::Pending;
        };
        ready!(Pin::new(sleep).poll(context));
        self.sleep = None;
        self.progress_sleep = None;
        let life = self.life.take().expect("an attempt lives until it ends");
        Poll::Ready(match &self.fate.end {
            End::Connects => {
                Ok(Connection::new(life.becomes(LedgerStep::Connected, LedgerStep::Closed)))
            }
            End::Fails(text) => {
                let text = text.clone().unwrap_or_else(|| format!("{} failed", life.name()));
                life.end(LedgerStep::Failed);
                Err(ScriptedError(text))
            }
            End::Panics => {
                let text = format!("{} panicked, as scripted", life.name());
                life.end(LedgerStep::Panicked);
                panic!("{text}");
            }
            End::Silent => unreachable!("what is silent has no alarm"),
        })
    }
}

/// The connection of a scripted attempt or listener: a token that records its drop in the ledger.
#[derive(Debug)]
pub struct Connection {
    life: Life,
}

impl Connection {
    pub(crate) fn new(life: Life) -> Self {
        Self { life }
    }

    /// The text of the address or the name of the endpoint that it leads to, or the name of the
    /// client that it comes from.
    pub fn name(&self) -> &str {
        self.life.name()
    }

    /// Records in the ledger that the test has taken over this connection, so that it is no longer
    /// open. Call it on the connection that the code under test has returned. Any other open
    /// connection is a leak.
    pub fn hand_over(&self) {
        self.life.record(LedgerStep::HandedOver);
        self.life.release();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;

    use super::*;
    use crate::ms;

    fn attempt(fate: Fate) -> (Clock, Ledger, ScriptedAttempt) {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let attempt = ScriptedAttempt::new(&ledger, "v6", fate);
        (clock, ledger, attempt)
    }

    #[test]
    fn a_fate_counts_from_the_first_poll() {
        let (clock, ledger, attempt) = attempt(Fate::connects(ms(40)));
        clock.advance(ms(10));
        let connection = clock.run(attempt).unwrap();
        assert_eq!(connection.name(), "v6");
        assert_eq!(clock.elapsed(), ms(50));
        drop(connection);
        assert_eq!(
            ledger.to_string(),
            "0ns started v6\n10ms polled v6\n50ms connected v6\n50ms closed v6\n",
        );
        ledger.assert_clean();
    }

    #[test]
    fn what_ends_after_no_time_is_ready_at_the_first_poll() {
        for fate in [Fate::connects(ms(0)), Fate::fails(ms(0))] {
            let (clock, _, attempt) = attempt(fate);
            let _ = clock.run(attempt);
            assert_eq!((clock.polls(), clock.elapsed()), (1, ms(0)));
        }
    }

    #[test]
    fn a_failure_has_a_text() {
        let (clock, ledger, first) = attempt(Fate::fails(ms(20)));
        assert_eq!(clock.run(first).unwrap_err().to_string(), "v6 failed");
        assert_eq!(ledger.all(LedgerStep::Failed), [(ms(20), "v6")]);
        ledger.assert_clean();
        let (clock, _, second) = attempt(Fate::fails(ms(20)).saying("no route"));
        assert_eq!(clock.run(second).unwrap_err(), ScriptedError::new("no route"));
    }

    #[test]
    fn what_is_silent_arms_nothing_and_never_ends() {
        let (clock, ledger, attempt) = attempt(Fate::silent());
        let mut attempt = Box::pin(attempt);
        assert!(clock.run_until(ms(86_400_000), attempt.as_mut()).is_pending());
        assert_eq!((clock.timers(), clock.polls()), (0, 1));
        drop(attempt);
        assert_eq!(ledger.dropped(), [(ms(86_400_000), "v6")]);
        ledger.assert_clean();
    }

    #[test]
    fn a_dropped_attempt_leaves_no_timer() {
        let (clock, ledger, attempt) = attempt(Fate::connects(ms(40)));
        let mut attempt = Box::pin(attempt);
        assert!(clock.run_until(ms(5), attempt.as_mut()).is_pending());
        assert_eq!((clock.timers(), ledger.open()), (1, vec!["v6".into()]));
        drop(attempt);
        assert_eq!(ledger.dropped(), [(ms(5), "v6")]);
        ledger.assert_clean();
    }

    #[test]
    fn a_panic_is_recorded_once() {
        let (clock, ledger, attempt) = attempt(Fate::panics(ms(5)));
        let panic = catch_unwind(AssertUnwindSafe(|| clock.run(attempt))).unwrap_err();
        assert_eq!(*panic.downcast::<String>().unwrap(), "v6 panicked, as scripted");
        assert_eq!(ledger.all(LedgerStep::Panicked), [(ms(5), "v6")]);
        assert!(ledger.dropped().is_empty());
        ledger.assert_clean();
    }

    #[test]
    #[should_panic(expected = "an attempt was polled after its end")]
    fn polling_after_the_end_is_a_mistake() {
        let (clock, _, attempt) = attempt(Fate::fails(ms(0)));
        let mut attempt = pin!(attempt);
        let _ = clock.run(attempt.as_mut());
        let _ = clock.run(attempt.as_mut());
    }

    #[test]
    fn a_connection_handed_over_is_open_no_more_but_its_close_is_recorded() {
        let (clock, ledger, attempt) = attempt(Fate::connects(ms(0)));
        let connection = clock.run(attempt).unwrap();
        assert_eq!(ledger.open(), ["v6"]);
        connection.hand_over();
        ledger.assert_clean();
        assert!(ledger.closed().is_empty());
        drop(connection);
        assert_eq!(ledger.closed(), [(ms(0), "v6")]);
    }

    #[test]
    #[should_panic(expected = "only what fails has an error to say")]
    fn a_success_has_no_error_to_say() {
        let _ = Fate::connects(ms(0)).saying("no route");
    }

    #[test]
    fn an_attempt_can_be_sent() {
        fn assert_send<T: Send + 'static>(_: &T) {}
        let (clock, ledger, attempt) = attempt(Fate::silent());
        assert_send(&attempt);
        assert_send(&ledger);
        assert_send(&clock.sleep_until(clock.now()));
    }
}
