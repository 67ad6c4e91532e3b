//! An observer that passes everything on to `tracing`.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ::tracing::field::display;
use ::tracing::{Span, debug, debug_span, trace};

use super::Step;
use crate::Observer;
use crate::error::SharedError;

/// Tells the subscribers of the crate `tracing` what happens in a connect. With the feature
/// `tracing`.
///
/// A connect is a span with the target `stagger`, the name `connect` and the level DEBUG, within
/// the span in which it is first polled. It is closed when the connect is over. What happens in
/// it is an event of its own, with the span as its parent; the span is never entered, so nothing
/// that a resolver or a connector tells is within it.
///
/// How the connect ended is one event of the level DEBUG. It is no warning even if it failed: the
/// error goes to the caller, who knows whether it matters and would have it in the log twice. Steps
/// on the way have the level TRACE, for a healthy connect has half a dozen of them.
///
/// | message | level | fields |
/// | --- | --- | --- |
/// | (the span) | DEBUG | `host`, `service` |
/// | `lookup started` | TRACE | `elapsed` |
/// | `lookup answered` | TRACE | `elapsed`, `asked`, `record`, `addresses` |
/// | `lookup failed` | TRACE | `elapsed`, `asked`, `record`, `error` |
/// | `waiting for the preferred family` | TRACE | `elapsed`, `until` |
/// | `candidate skipped` | TRACE | `elapsed`, `address`, `error` |
/// | `attempt started` | TRACE | `elapsed`, `address` |
/// | `handshake started` | TRACE | `elapsed`, `address` |
/// | `attempt failed` | TRACE | `elapsed`, `address`, `error` |
/// | `attempt timed out` | TRACE | `elapsed`, `address` |
/// | `attempt dropped` | TRACE | `elapsed`, `address` |
/// | `connected` | DEBUG | `elapsed`, `address` |
/// | `connect failed` | DEBUG | `elapsed`, `error` |
/// | `connect cancelled` | DEBUG | `elapsed` |
///
/// `elapsed`, `asked` (when the lookup began) and `until` count from the first poll of the connect
/// and print as `250ms` does. `record` is text, `addresses` how many there were, and `error` the
/// error itself, with its sources. These names change only where a changed default would be
/// breaking too.
///
/// A connect that nobody subscribes to costs a look at a static for each event.
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
/// // Whichever subscriber the program has set up is told.
/// let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(Tracing::new());
/// clock.run(dialer.connect("example.com:https"))?;
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracing {
    /// Of the connect, from its beginning to its end.
    span: Span,
}

impl Tracing {
    /// An observer for a dialer, which clones it for each connect.
    pub fn new() -> Self {
        Self { span: Span::none() }
    }

    /// Closes the span: what is told of a connect has been told.
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
            Step::Started { address, .. } => tell!(trace, span, at, %address, "attempt started"),
            Step::Progressed { address, .. } => {
                tell!(trace, span, at, %address, "handshake started");
            }
            // A dialer inside has an observer of its own.
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
