//! The staggered race: where to try to connect, when, and when to stop.
//!
//! **The problem.** A name has several addresses, and we want one connection, soon. Any address may
//! be dead, and a dead one rarely says so: packets vanish, and the attempt is silent until the
//! system gives it up, after two minutes on Linux. The dead ones come together, too: where a
//! network's IPv6 is broken, every IPv6 address of every name is dead.
//!
//! **The naive answers.** One after another: each silent address costs two minutes. A short timeout
//! for each: on a slow network it gives up the very attempts that were about to connect, one by
//! one. All at once: soon, but every connect costs the network and the servers one handshake for
//! each address, and the order in which the resolver sorted them counts for nothing.
//!
//! **The RFC's.** RFC 8305, Happy Eyeballs. Start an attempt, leave it alone for 250 ms, then start
//! the next *beside* it, and so on; the first that connects wins. The delay is not a timeout: no
//! attempt is given up for being slow, and the preferred address has a lead. Families alternate in
//! the order, so a dead family costs one delay. Answers are not waited for longer than they are
//! worth: with AAAA and A asked apart, the race begins when AAAA has answered, or 50 ms after A has.
//!
//! **Ours** is that, made exact where the RFC leaves room:
//!
//! - A failure brings the next start forward (RFC 9623, staggered racing): to now if nothing else is in flight,
//!   because nobody is disturbed then, and else to 10 ms after the last start. Several failures
//!   between two starts bring one start forward, not several.
//! - The delay counts from the last start, not from a grid. Who wakes up late starts one attempt,
//!   not two to catch up.
//! - Everything that falls on one instant is taken in before anything is done, and then a success
//!   comes first, failures next, the overall deadline next, starts last. Of two successes the
//!   earlier start wins. No tie is left to chance, and no handshake is begun for nothing.
//! - The wait for a further answer counts from the first addresses, or from before them where an
//!   answer says so: a question that was asked because another is late has its wait behind it.
//! - A late answer sorts the complete list anew, what was tried included
//!   (draft-ietf-happy-happyeyeballs-v3 §7). With an IPv6 attempt in flight, an IPv4 address that
//!   comes in is next, before more IPv6.
//! - An attempt may say that its transport is up and that a handshake runs. If the policy has a
//!   handshake delay, the next start then waits that long after this progress (v3 §6.1), and never
//!   longer than 2 s after the last start.
//! - A failure may be final, such as a wrong password. The race then gives up: other addresses
//!   would answer the same. A success of the same instant still wins.
//! - A failure may come of a shortage on this machine, such as a moment without descriptors. It says
//!   nothing of the address. The candidate is put back once, behind all that wait, and is tried again
//!   no earlier than the attempt delay after the failure. A second failure is the last.
//! - The preferred family follows the machine's routes, where a resolver says which family has a
//!   default route (v3 §4.2). The policy's own preference wins.
//! - The last failure ends the race there and then, and while nothing is left to start no alarm is
//!   set for it.
//!
//! **How it is cut.** The [`Machine`] decides and the driver waits. The machine takes `now` as an
//! argument, so each rule above is a test with exact times, and a model checker can go through every
//! order of events. Late news is normal: whatever the machine hears of an attempt that is gone, or
//! after the end, changes nothing. A machine that trusts its timers and cancellations to be precise
//! must be right about every executor there is; this one need not be. Ids stand for candidates, so
//! neither addresses nor errors make it generic.
//!
//! **What we leave out, and why.**
//!
//! - *Sorting by RFC 6724.* That needs routes and sockets. The order within an answer is the
//!   resolver's, and `getaddrinfo` has sorted already. Where families are answered apart, all that
//!   is missing is which of them leads, and an answer can say so.
//! - *History and round-trip times.* They need memory across connects that knows one network from
//!   another. They would change the order that comes in, not the race.
//! - *A cap on attempts in flight*, by default. What bounds them is the number of addresses.
//! - *Patience with a handshake*, by default. It would save a second connection on a slow network,
//!   but an address that accepts and then stalls would cost that much more.
//! - *Order by groups.* Answers may be of a group, for the targets of service records. No rule looks
//!   at groups yet.
//! - *Keeping a loser as a spare.* One connection was asked for. A second would be state at the
//!   server that nobody has promised to use.

mod course;
mod driver;
pub(crate) mod endpoints;
mod event;
mod machine;
mod order;
mod queue;
mod slot;
mod state;

pub(crate) use course::{Begun, Candidates, Course, CourseTypes, Note};
pub(crate) use driver::Driver;
pub use endpoints::{List, Race, RaceError, Winner, race_stream};
pub(crate) use event::News;
pub use event::{Action, Answered, Entrant, Event, Id, Loss};
pub use machine::Machine;
