//! The life of a lookup, an attempt or a connection, from its beginning to its end.

use crate::{Ledger, LedgerStep};

/// A thing that is open until it is ended or dropped.
#[derive(Debug)]
pub(crate) struct Life {
    ledger: Ledger,
    id: u64,
    name: String,
    /// The step that its drop records. Absent after its end.
    at_drop: Option<LedgerStep>,
}

impl Life {
    pub(crate) fn begin(
        ledger: &Ledger,
        name: &str,
        step: LedgerStep,
        at_drop: LedgerStep,
    ) -> Self {
        ledger.record(step, name);
        let id = ledger.begin(name);
        Self { ledger: ledger.clone(), id, name: name.into(), at_drop: Some(at_drop) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn record(&self, step: LedgerStep) {
        self.ledger.record(step, &self.name);
    }

    /// Records a step. It stays open, but its drop records another step.
    pub(crate) fn becomes(mut self, step: LedgerStep, at_drop: LedgerStep) -> Self {
        self.record(step);
        self.at_drop = Some(at_drop);
        self
    }

    pub(crate) fn end(mut self, step: LedgerStep) {
        self.at_drop = None;
        self.record(step);
    }

    /// Closes it. It need not be dropped.
    pub(crate) fn release(&self) {
        self.ledger.release(self.id);
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.release();
        if let Some(step) = self.at_drop {
            self.record(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ms};

    #[test]
    fn what_lives_is_open_and_what_has_ended_is_not() {
        let ledger = Ledger::new(&Clock::new());
        let first = Life::begin(&ledger, "first", LedgerStep::Started, LedgerStep::Dropped);
        let second = Life::begin(&ledger, "second", LedgerStep::Started, LedgerStep::Dropped);
        assert_eq!(ledger.open(), ["first", "second"]);
        first.end(LedgerStep::Failed);
        assert_eq!(ledger.open(), ["second"]);
        let second = second.becomes(LedgerStep::Connected, LedgerStep::Closed);
        assert_eq!(ledger.open(), ["second"]);
        second.release();
        ledger.assert_clean();
        drop(second);
        assert_eq!(ledger.closed(), [(ms(0), "second")]);
        assert!(ledger.dropped().is_empty());
    }
}
