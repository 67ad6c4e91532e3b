//! Equal lookups in flight, made once on each reactor.
//!
//! A shared lookup has no task of its own. Any waiter that is polled polls the lookup, with a waker
//! that wakes all waiters. When something happens, every waiter is polled again, and one of them
//! polls the lookup again. The last waiter drops the lookup.
//!
//! The sockets and the alarm of a lookup belong to the reactor on which it was first polled. A
//! waiter on another reactor must not depend on them, because that reactor may be idle, busy or
//! gone. The rules are:
//!
//! 1. A lookup has a [`ReactorMark`](stagger_net::reactor::ReactorMark), made by the waiter that
//!    began it. A waiter joins and polls the lookup only where the mark is current.
//! 2. A waiter that is polled where its lookup's mark is not current leaves the lookup. It joins or
//!    begins one on the reactor where it is polled.
//! 3. The mark of a reactor that has ended is never current again, even if a new reactor has the
//!    same id. Nothing joins its lookups any more, and each is dropped with its last waiter.
//! 4. A result needs no reactor. A waiter takes it wherever it is polled.
//!
//! Lookups that have lost their last waiter may be kept for a while: see [`lingering`].

mod in_flight;
mod lingering;
mod shared_lookup;
mod waiters;

pub(crate) use self::lingering::LingerDriver;
pub(crate) use self::shared_lookup::{JoinedLookup, JoinedLookups};
