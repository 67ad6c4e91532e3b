//! A connector whose attempts are scripted by address.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use stagger::drivers::lock;
use stagger::{Candidate, Connector};

use crate::{Connection, Fate, Ledger, LedgerStep, ScriptedAttempt, ScriptedError};

/// A [`Connector`] with a script for each address. It finds the fate of an attempt by the text of
/// its address. Clones share their script. An attempt panics if the script has no fate for its
/// address, or refuses it.
///
/// # Examples
///
/// ```
/// use stagger::{Candidate, Connector};
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ms};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let connector = ScriptedConnector::new(&ledger)
///     .at("v6", Fate::fails(ms(10)))
///     .at("[2001:db8::1]:443", Fate::connects(ms(40)))
///     .refuses("v4");
/// assert!(clock.run(connector.connect(Place("v6").into())).is_err());
/// assert!(connector.accepts(&Candidate::new(Place("v4"))).is_err());
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedConnector {
    ledger: Ledger,
    script: Arc<Mutex<BTreeMap<String, Plan>>>,
    /// The texts of final errors.
    final_errors: BTreeSet<String>,
    /// The texts of errors that count as a shortage.
    shortages: BTreeSet<String>,
}

#[derive(Debug)]
enum Plan {
    Dials(Fates),
    Refuses,
}

impl ScriptedConnector {
    /// Creates a connector without a script, on the ledger's clock.
    pub fn new(ledger: &Ledger) -> Self {
        let (final_errors, shortages) = (BTreeSet::new(), BTreeSet::new());
        Self { ledger: ledger.clone(), script: Arc::default(), final_errors, shortages }
    }

    /// Sets the fate of the attempt at an address. Several calls for one address set the fates of
    /// its attempts in order. The last fate is also for all later attempts.
    pub fn at(self, address: impl fmt::Display, fate: Fate) -> Self {
        self.edit(address, |plan| match plan {
            Some(Plan::Dials(mut fates)) => {
                fates.push(fate);
                Plan::Dials(fates)
            }
            _ => Plan::Dials(Fates::new(fate)),
        })
    }

    /// Makes [`accepts`](Connector::accepts) refuse an address.
    pub fn refuses(self, address: impl fmt::Display) -> Self {
        self.edit(address, |_| Plan::Refuses)
    }

    /// Makes an error with this text [final](Connector::is_final): it ends the race.
    pub fn with_final_error(mut self, text: impl Into<String>) -> Self {
        self.final_errors.insert(text.into());
        self
    }

    /// Makes an error with this text a [local shortage](Connector::is_local_shortage): the race puts its candidate back once.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger)
    ///     .at("v4", Fate::fails(ms(0)).saying("no descriptors"))
    ///     .at("v4", Fate::connects(ms(30)))
    ///     .with_shortage("no descriptors");
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.starts(), [(ms(0), "v4"), (ms(250), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_shortage(mut self, text: impl Into<String>) -> Self {
        self.shortages.insert(text.into());
        self
    }

    fn edit(self, address: impl fmt::Display, change: impl FnOnce(Option<Plan>) -> Plan) -> Self {
        {
            let mut script = lock(&self.script);
            let name = address.to_string();
            let plan = change(script.remove(&name));
            script.insert(name, plan);
        }
        self
    }
}

impl<A: fmt::Display> Connector<A> for ScriptedConnector {
    type Connection = Connection;
    type Error = ScriptedError;
    type Attempt = ScriptedAttempt;

    /// # Panics
    ///
    /// Panics if the script has no fate for this address, or refuses it.
    #[track_caller]
    fn connect(&self, to: Candidate<A>) -> ScriptedAttempt {
        let name = to.address().to_string();
        let fate = {
            let mut script = lock(&self.script);
            match script.get_mut(&name) {
                Some(Plan::Dials(fates)) => Some(fates.next()),
                Some(Plan::Refuses) => None,
                None => panic!("an attempt at {name}, of which the script says nothing"),
            }
        };
        match fate {
            Some(fate) => {
                let attempt = ScriptedAttempt::new(&self.ledger, &name, fate);
                attempt.with_progress(to.progress().clone())
            }
            None => panic!("an attempt at {name}, which the script refuses"),
        }
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), ScriptedError> {
        let name = to.address().to_string();
        let script = lock(&self.script);
        match script.get(&name) {
            Some(Plan::Refuses) => {
                self.ledger.record(LedgerStep::Refused, &name);
                Err(ScriptedError(format!("{name} refused")))
            }
            _ => Ok(()),
        }
    }

    fn is_final(&self, error: &ScriptedError) -> bool {
        self.final_errors.contains(&error.0)
    }

    fn is_local_shortage(&self, error: &ScriptedError) -> bool {
        self.shortages.contains(&error.0)
    }
}

/// The fates of attempts in order. The last fate is also for all later attempts.
#[derive(Clone, Debug)]
pub(crate) struct Fates(VecDeque<Fate>);

impl Fates {
    pub(crate) fn new(first: Fate) -> Self {
        Self(VecDeque::from([first]))
    }

    pub(crate) fn push(&mut self, fate: Fate) {
        self.0.push_back(fate);
    }

    pub(crate) fn next(&mut self) -> Fate {
        if self.0.len() > 1 {
            self.0.pop_front().expect("there is more than one")
        } else {
            self.0[0].clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{Clock, Place, ms};

    fn kit() -> (Clock, Ledger, ScriptedConnector) {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let connector = ScriptedConnector::new(&ledger);
        (clock, ledger, connector)
    }

    #[test]
    fn each_address_has_its_fate() {
        let (clock, ledger, connector) = kit();
        let connector =
            connector.at("v6", Fate::fails(ms(10))).at(Place("v4"), Fate::connects(ms(40)));
        assert_eq!(clock.run(connector.connect("v6".into())).unwrap_err().0, "v6 failed");
        assert_eq!(clock.run(connector.connect(Place("v4").into())).unwrap().name(), "v4");
        assert_eq!(ledger.starts(), [(ms(0), "v6"), (ms(10), "v4")]);
        ledger.assert_clean();
    }

    #[test]
    fn a_socket_address_is_known_by_its_text() {
        let (clock, _, connector) = kit();
        let connector = connector.at("[2001:db8::1]:443", Fate::connects(ms(40)));
        let address: SocketAddr = "[2001:db8::1]:443".parse().unwrap();
        assert!(clock.run(connector.connect(address.into())).is_ok());
    }

    #[test]
    fn successive_attempts_have_successive_fates_and_the_last_stays() {
        let (clock, _, connector) = kit();
        let connector = connector.at("v6", Fate::fails(ms(10))).at("v6", Fate::connects(ms(1)));
        let same = connector.clone();
        assert!(clock.run(connector.connect("v6".into())).is_err());
        assert!(clock.run(same.connect("v6".into())).is_ok());
        assert!(clock.run(connector.connect("v6".into())).is_ok());
    }

    #[test]
    fn a_refused_address_is_not_accepted() {
        let (_, ledger, connector) = kit();
        let connector = connector.refuses("v6").at("v4", Fate::silent());
        assert_eq!(connector.accepts(&"v6".into()).unwrap_err().0, "v6 refused");
        assert_eq!(connector.accepts(&"v4".into()), Ok(()));
        assert_eq!(ledger.all(LedgerStep::Refused), [(ms(0), "v6")]);
    }

    #[test]
    #[should_panic(expected = "an attempt at v6, which the script refuses")]
    fn an_attempt_at_a_refused_address_is_a_mistake() {
        drop(kit().2.refuses("v6").connect("v6".into()));
    }

    #[test]
    #[should_panic(expected = "an attempt at v6, of which the script says nothing")]
    fn an_attempt_outside_the_script_is_a_mistake() {
        drop(kit().2.connect("v6".into()));
    }
}
