//! An endpoint whose connects are scripted.

use std::sync::{Arc, Mutex};

use stagger::Endpoint;
use stagger::drivers::lock;

use crate::connector::Fates;
use crate::{Connection, Fate, Ledger, ScriptedAttempt, ScriptedError};

/// An [`Endpoint`] with a name and a fate. Clones share their script.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let moody = ScriptedEndpoint::new(&ledger, "moody", Fate::fails(ms(30)))
///     .then(Fate::connects(ms(20)));
/// assert!(clock.run(moody.connect()).is_err());
/// assert!(clock.run(moody.connect()).is_ok());
/// assert_eq!(clock.elapsed(), ms(50));
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedEndpoint {
    ledger: Ledger,
    name: Arc<str>,
    fates: Arc<Mutex<Fates>>,
}

impl ScriptedEndpoint {
    /// Creates an endpoint on the ledger's clock. Each of its connects has this fate.
    pub fn new(ledger: &Ledger, name: &str, fate: Fate) -> Self {
        let fates = Arc::new(Mutex::new(Fates::new(fate)));
        Self { ledger: ledger.clone(), name: name.into(), fates }
    }

    /// Sets the fate of the connect after the scripted connects, and of all later connects.
    pub fn then(self, fate: Fate) -> Self {
        lock(&self.fates).push(fate);
        self
    }

    /// The endpoint's name in the ledger.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Endpoint for ScriptedEndpoint {
    type Connection = Connection;
    type Error = ScriptedError;
    type Connecting = ScriptedAttempt;

    fn connect(&self) -> ScriptedAttempt {
        let fate = lock(&self.fates).next();
        ScriptedAttempt::new(&self.ledger, &self.name, fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ms};

    #[test]
    fn each_connect_begins_afresh_and_has_its_fate() {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let endpoint =
            ScriptedEndpoint::new(&ledger, "hop", Fate::connects(ms(20))).then(Fate::fails(ms(5)));
        assert_eq!(clock.run(endpoint.connect()).unwrap().name(), endpoint.name());
        assert!(clock.run(endpoint.clone().connect()).is_err());
        assert!(clock.run(endpoint.connect()).is_err());
        assert_eq!(ledger.starts(), [(ms(0), "hop"), (ms(20), "hop"), (ms(25), "hop")]);
        ledger.assert_clean();
    }
}
