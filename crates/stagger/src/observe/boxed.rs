//! A boxed observer, so that a program can choose one at run time.

use std::fmt;
use std::time::Duration;

use super::Step;
use crate::Observer;

/// Any observer of these addresses, boxed. It is `Send` and `Sync`. A clone also clones the inner
/// observer, so a dialer can have a boxed observer.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::boxed::BoxObserver;
/// use stagger::observe::Recorder;
/// use stagger::resolve::Record;
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::A, ["v4"]);
/// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(10)));
/// let recorder = Recorder::new();
/// // Which observer it is can be decided here.
/// let observer = BoxObserver::new(recorder.clone());
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone()).with_observer(observer);
///
/// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
/// assert_eq!(recorder.report(ms(0)).attempts().len(), 1);
/// # Ok::<_, stagger::Error>(())
/// ```
pub struct BoxObserver<A>(Box<dyn CloneObserver<A> + Send + Sync>);

impl<A> BoxObserver<A> {
    /// Boxes an observer.
    pub fn new(observer: impl Observer<A> + Clone + Send + Sync + 'static) -> Self {
        Self(Box::new(observer))
    }
}

/// An observer that can be cloned in its box.
trait CloneObserver<A>: Observer<A> {
    fn clone_box(&self) -> Box<dyn CloneObserver<A> + Send + Sync>;
}

impl<A, O: Observer<A> + Clone + Send + Sync + 'static> CloneObserver<A> for O {
    fn clone_box(&self) -> Box<dyn CloneObserver<A> + Send + Sync> {
        Box::new(self.clone())
    }
}

impl<A> Observer<A> for BoxObserver<A> {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        self.0.step(at, step);
    }

    fn is_listening(&self) -> bool {
        self.0.is_listening()
    }
}

impl<A> Clone for BoxObserver<A> {
    fn clone(&self) -> Self {
        Self((*self.0).clone_box())
    }
}

impl<A> fmt::Debug for BoxObserver<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxObserver").finish_non_exhaustive()
    }
}
