//! The state of a race, as its driver keeps it.

use std::time::{Duration, Instant};

use super::machine::Machine;
use crate::Policy;
use crate::address::Family;

#[allow(clippy::large_enum_variant, reason = "every race begins, and a box would be an allocation")]
pub(super) enum State {
    /// Nothing has been done yet: the race begins with the first poll.
    Ready(Policy),
    /// The attempt at the only candidate runs, as in every race to a literal.
    Alone(Alone),
    /// The machine of the race. After the end it still returns the untried candidates.
    Begun(Machine),
}

/// A race with one candidate, which has started. Its machine could only wait until the attempt ends
/// or the deadline comes, and a success needs no decision. The machine is made when there is
/// something to decide. It then receives everything that has happened, so its decisions are the
/// same.
pub(super) struct Alone {
    pub(super) policy: Policy,
    pub(super) began: Instant,
    pub(super) family: Option<Family>,
    pub(super) deadline: Option<Instant>,
}

impl State {
    /// The machine. It is made now if nothing had to be decided before.
    pub(super) fn racing(&mut self) -> &mut Machine {
        if let Self::Alone(alone) = self {
            *self = Self::Begun(alone.machine());
        }
        match self {
            Self::Begun(machine) => machine,
            _ => unreachable!("a race is polled after it has begun"),
        }
    }

    /// How long the race has run.
    pub(super) fn since_began(&self, now: Instant) -> Duration {
        match self.began() {
            // Every race begins like that, and a subtraction is slow.
            began if began == now => Duration::ZERO,
            began => now.saturating_duration_since(began),
        }
    }

    /// When the race began.
    pub(super) fn began(&self) -> Instant {
        match self {
            Self::Alone(alone) => alone.began,
            Self::Begun(machine) => machine.began(),
            Self::Ready(_) => unreachable!("a race is polled after it has begun"),
        }
    }
}

impl Alone {
    pub(super) fn new(policy: Policy, began: Instant) -> Self {
        let deadline = Machine::deadline_alone(&policy, began);
        Self { policy, began, family: None, deadline }
    }

    #[cold]
    fn machine(&self) -> Machine {
        Machine::alone(self.policy.clone(), self.family, self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn the_deadline_of_an_only_attempt_is_that_of_its_machine() {
        let ms = Duration::from_millis;
        let now = Instant::now();
        let within = |timeout| Policy::new().with_timeout(ms(timeout)).unwrap();
        for (policy, deadline) in [
            (Policy::unlimited(), None),
            (within(300), Some(300)),
            (within(300).with_attempt_timeout(ms(200)).unwrap(), Some(200)),
            (within(200).with_attempt_timeout(ms(300)).unwrap(), Some(200)),
            (Policy::unlimited().with_attempt_timeout(ms(300)).unwrap(), Some(300)),
        ] {
            let alone = Alone::new(policy, now);
            assert_eq!(alone.deadline, deadline.map(|deadline| now + ms(deadline)));
            assert_eq!(alone.machine().deadline(), alone.deadline);
        }
    }
}
