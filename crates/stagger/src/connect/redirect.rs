//! A connect to another address in the place of the candidate's.

use std::fmt;
use std::time::{Duration, Instant};

use crate::connect::Progress;
use crate::error::SharedError;
use crate::observe::{Parent, Step};

/// Tells the race that an attempt connects to another address than its candidate has.
///
/// The report and the observer then have both: the other address is the only attempt of a
/// [child](crate::report::AttemptReport::children). A NAT64 connector uses it for the synthesised address. It does
/// nothing if the race is not observed and its report was not requested.
///
/// Make it when the other connect begins. If it is dropped without a result, the connect counts as
/// dropped.
///
/// # Examples
///
/// ```
/// use stagger::connect::Redirect;
/// use stagger::resolve::Record;
/// use stagger::{Candidate, Connector, Dialer, Timer as _};
/// use stagger_testkit::{Clock, Ledger, Place, ScriptedResolver, ms};
///
/// #[derive(Clone)]
/// struct Detour(Clock);
///
/// impl Connector<Place> for Detour {
///     type Connection = ();
///     type Error = std::io::Error;
///     type Attempt = std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>>>>;
///
///     fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
///         let clock = self.0.clone();
///         Box::pin(async move {
///             let now = clock.clone();
///             let redirect = Redirect::new(to.progress(), "v6", move || now.now());
///             clock.sleep_until(clock.now() + ms(30)).await;
///             redirect.connected();
///             Ok(())
///         })
///     }
/// }
///
/// let ledger = Ledger::new(&Clock::new());
/// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
/// let clock = ledger.clock().clone();
/// let dialer = Dialer::new(resolver, Detour(clock.clone()), clock.clone());
/// let (_, report) = clock.run(dialer.connect("example.com:443").with_report())?;
/// let attempt = report.winner().unwrap();
/// assert_eq!(attempt.address, Place("v4"));
/// assert_eq!(attempt.children[0].winner().unwrap().address, "v6");
/// # Ok::<_, stagger::Error>(())
/// ```
pub struct Redirect<F: Fn() -> Instant> {
    /// Absent if no race takes the steps, or the result is known.
    told: Option<Told>,
    clock: F,
}

/// What the race has been told.
struct Told {
    parent: Parent,
    address: String,
    began: Instant,
}

impl<F: Fn() -> Instant> Redirect<F> {
    /// Tells the race of this progress that a connect to this address begins now. `clock` returns
    /// the current time.
    pub fn new(progress: &Progress, address: impl fmt::Display, clock: F) -> Self {
        let told = Parent::new(progress).map(|parent| {
            let told = Told { parent, address: address.to_string(), began: clock() };
            told.tell(Duration::ZERO, Step::Began { target: None });
            let step = Step::Started { attempt: 0, address: &told.address, pace: None };
            told.tell(Duration::ZERO, step);
            told
        });
        Self { told, clock }
    }

    /// Tells the race that the other connect has a connection.
    pub fn connected(mut self) {
        if let Some((told, at)) = self.end() {
            told.tell(at, Step::Connected { attempt: 0, address: &told.address });
        }
    }

    /// Tells the race that the other connect has failed.
    pub fn failed(mut self, error: &impl fmt::Display) {
        if let Some((told, at)) = self.end() {
            let error = SharedError::new(error.to_string());
            let address = &told.address;
            told.tell(at, Step::Failed { attempt: 0, address, error: &error, is_final: false });
        }
    }

    fn end(&mut self) -> Option<(Told, Duration)> {
        let told = self.told.take()?;
        let at = (self.clock)().saturating_duration_since(told.began);
        Some((told, at))
    }
}

impl Told {
    fn tell(&self, at: Duration, step: Step<'_, String>) {
        self.parent.tell(at, step);
    }
}

impl<F: Fn() -> Instant> Drop for Redirect<F> {
    fn drop(&mut self) {
        if let Some((told, at)) = self.end() {
            told.tell(at, Step::Dropped { attempt: 0, address: &told.address });
            told.tell(at, Step::Cancelled);
        }
    }
}

impl<F: Fn() -> Instant> fmt::Debug for Redirect<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.told.as_ref().map(|told| &told.address);
        f.debug_struct("Redirect").field("address", &address).finish_non_exhaustive()
    }
}
