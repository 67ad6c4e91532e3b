//! An observer that passes every step to `tracing`.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ::tracing::field::display;
use ::tracing::{Span, debug, debug_span, trace};

use super::Step;
use crate::Observer;
use crate::error::SharedError;

/// Passes the steps of a connect to the subscribers of the crate `tracing`. It needs the feature
/// `tracing`.
///
/// A connect is a span with the target `stagger`, the name `connect` and the level DEBUG. Its
/// parent is the span in which the connect is first polled. The span is closed when the connect is
/// over. Each step is an event with the span as its parent. The span is never entered, so events of
/// a resolver or a connector are not inside it.
///
/// The end of the connect is one event of the level DEBUG. A failed connect is not a warning. The
/// caller receives the error, knows whether it matters, and may log it too. Other steps have the
/// level TRACE, because a healthy connect has half a dozen of them.
///
/// | message | level | fields |
/// | --- | --- | --- |
/// | (the span) | DEBUG | `host`, `service` |
/// | `lookup started` | TRACE | `elapsed` |
/// | `lookup answered` | TRACE | `elapsed`, `asked`, `record`, `addresses` |
/// | `lookup failed` | TRACE | `elapsed`, `asked`, `record`, `error` |
/// | `waiting for the preferred family` | TRACE | `elapsed`, `until` |
/// | `candidate skipped` | TRACE | `elapsed`, `address`, `error` |
/// | `candidate demoted` | TRACE | `elapsed`, `address`, `demoted_for` |
/// | `candidate outranked` | TRACE | `elapsed`, `address`, `round_trip` |
/// | `attempt started` | TRACE | `elapsed`, `address`; `pace` if a history sets it |
/// | `handshake started` | TRACE | `elapsed`, `address` |
/// | `attempt failed` | TRACE | `elapsed`, `address`, `error` |
/// | `attempt timed out` | TRACE | `elapsed`, `address` |
/// | `attempt dropped` | TRACE | `elapsed`, `address` |
/// | `connected` | DEBUG | `elapsed`, `address` |
/// | `connect failed` | DEBUG | `elapsed`, `error` |
/// | `connect cancelled` | DEBUG | `elapsed` |
///
/// `elapsed`, `asked` (when the lookup began) and `until` count from the first poll of the connect,
/// and print like `250ms`. `demoted_for` and `round_trip` print like that too. `pace` is the text
/// of a [`Pace`](crate::history::Pace). `record` is text, and `addresses` is the number of
/// addresses. `error` is the error itself, with its sources. A change of these names is a breaking
/// change, like a changed default.
///
/// A connect without a subscriber costs the read of a static for each event.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::observe::Tracing;
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// # let clock = Clock::new();
/// # let ledger = Ledger::new(&clock);
/// # let resolver = ScriptedResolver::<Place>::new(&ledger)
/// #     .finds(ms(5), stagger::resolve::Record::Addresses, ["v6"]);
/// # let connector = ScriptedConnector::new(&ledger).at("v6", Fate::connects(ms(30)));
/// // Any subscriber that the program has set up receives the steps.
/// let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(Tracing::new());
/// clock.run(dialer.connect("example.com:https"))?;
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracing {
    /// The span of the connect, from its beginning to its end.
    span: Span,
}

impl Tracing {
    /// Creates an observer for a dialer, which clones it for each connect.
    pub fn new() -> Self {
        Self { span: Span::none() }
    }

    /// Closes the span after the last event of the connect.
    fn close(&mut self) {
        self.span = Span::none();
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Self::new()
    }
}

fn cause(error: &SharedError) -> &(dyn StdError + 'static) {
    error.get_ref()
}

macro_rules! tell {
    ($level:ident, $span:expr, $at:expr, $($rest:tt)+) => {
        $level!(target: "stagger", parent: $span, elapsed = ?$at, $($rest)+)
    };
}

impl<A: fmt::Display> Observer<A> for Tracing {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        let span = &self.span;
        match step {
            Step::Began { target } => {
                let host = target.map(|target| display(target.host()));
                let service = target.map(|target| display(target.service()));
                self.span = debug_span!(target: "stagger", "connect", host, service);
            }
            Step::Asked { .. } => tell!(trace, span, at, "lookup started"),
            Step::Answered(answer) => {
                let (asked, record) = (answer.started, answer.record.as_str());
                match &answer.error {
                    None => {
                        let addresses = answer.addresses.len();
                        tell!(trace, span, at, ?asked, record, addresses, "lookup answered");
                    }
                    Some(error) => {
                        let error = cause(error);
                        tell!(trace, span, at, ?asked, record, error, "lookup failed");
                    }
                }
            }
            Step::Waiting { until } => {
                tell!(trace, span, at, ?until, "waiting for the preferred family");
            }
            Step::Skipped { address, reason, .. } => {
                tell!(trace, span, at, %address, error = cause(reason), "candidate skipped");
            }
            Step::Demoted { address, demoted_for } => {
                tell!(trace, span, at, %address, ?demoted_for, "candidate demoted");
            }
            Step::Outranked { address, round_trip } => {
                tell!(trace, span, at, %address, ?round_trip, "candidate outranked");
            }
            Step::Started { address, pace, .. } => {
                let pace = pace.map(display);
                tell!(trace, span, at, %address, pace, "attempt started");
            }
            Step::Progressed { address, .. } => {
                tell!(trace, span, at, %address, "handshake started");
            }
            // An inner dialer has its own observer.
            Step::Resolved | Step::Child { .. } | Step::Untried { .. } => {}
            Step::Failed { address, error, .. } => {
                tell!(trace, span, at, %address, error = cause(error), "attempt failed");
            }
            Step::TimedOut { address, .. } => {
                tell!(trace, span, at, %address, "attempt timed out");
            }
            Step::Dropped { address, .. } => tell!(trace, span, at, %address, "attempt dropped"),
            Step::Connected { address, .. } => {
                tell!(debug, span, at, %address, "connected");
                self.close();
            }
            Step::Lost { error } => {
                let error: &(dyn StdError + 'static) = error;
                tell!(debug, span, at, error, "connect failed");
                self.close();
            }
            Step::Cancelled => {
                tell!(debug, span, at, "connect cancelled");
                self.close();
            }
        }
    }
}
