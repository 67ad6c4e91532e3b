//! The staggered race: where to try to connect, when, and when to stop.
//!
//! **The problem.** A name has several addresses, and we want one connection, soon. Any address may
//! be dead, and a dead address rarely reports it. Packets vanish, and the attempt is silent until
//! the system gives up, after two minutes on Linux. Dead addresses also come together: if a
//! network's IPv6 is broken, every IPv6 address of every name is dead.
//!
//! **The naive answers.** There are three:
//!
//! - One after another: each silent address costs two minutes.
//! - One after another with a short timeout: on a slow network this gives up attempts that were
//!   about to connect.
//! - All at once: this is fast, but every connect costs one handshake for each address, and the
//!   resolver's order is lost.
//!
//! **The RFC's answer.** RFC 8305, Happy Eyeballs. Start an attempt, leave it alone for 250 ms,
//! then start the next *beside* it, and so on. The first that connects wins. The delay is not a
//! timeout: no attempt is given up because it is slow, and the preferred address has a lead.
//! Families alternate in the order, so a dead family costs one delay. The wait for answers is short
//! as well. If AAAA and A have separate answers, the race begins when AAAA has answered, or 50 ms
//! after A has.
//!
//! **Our answer** is the RFC's, made exact where the RFC leaves room:
//!
//! - A failure brings the next start forward (RFC 9623, staggered racing). If nothing else is in
//!   flight, the next attempt starts now, because it disturbs nothing. Otherwise it starts 10 ms
//!   after the last start. Several failures between two starts bring one start forward, not
//!   several.
//! - The delay counts from the last start, not from a grid. A driver that wakes late starts one
//!   attempt, not two to catch up.
//! - Everything of one instant is read before anything is done. Then a success comes first,
//!   failures next, the overall deadline next, and starts last. Of two successes the earlier start
//!   wins. No tie is left to chance, and no handshake begins for nothing.
//! - The wait for a further answer counts from the first addresses. It counts from an earlier time
//!   if an answer has spent part of it. An example is a query that was sent because another query
//!   is late.
//! - A late answer sorts the complete list again, including attempted candidates
//!   (draft-ietf-happy-happyeyeballs-v3 §7). If an IPv6 attempt is in flight, a late IPv4 address
//!   is next, before more IPv6.
//! - An attempt may report that its transport is connected and that a handshake runs. If the policy
//!   has a handshake delay, the next start waits that long after this progress (v3 §6.1). It never
//!   waits longer than 2 s after the last start.
//! - A failure may be final, such as a wrong password. The race then gives up, because other
//!   addresses would answer the same. A success of the same instant still wins.
//! - A shortage on this machine may cause a failure, such as a reading without descriptors. It does
//!   not depend on the address. The candidate is put back once, behind all waiting candidates. It
//!   is tried again no earlier than the attempt delay after the failure. A second failure is the
//!   last.
//! - An attempt may bring its own delay. The next start then waits for that delay instead of the
//!   policy's (draft-ietf-happy-happyeyeballs-v3 §6 lets history influence it). It is a delay and
//!   never a timeout. A failure still brings the next start forward.
//! - A candidate may come with a rank. Candidates of one family with a rank are sorted by it among
//!   their own places (v3 §5.3). Candidates without a rank keep their places. The machine tells
//!   which candidates are later for that, so that a report can say why.
//! - A candidate may come as demoted. It goes behind all candidates that are not demoted. Families
//!   alternate there again. This rule is ours.
//! - The preferred family follows the machine's routes, if a resolver reports which family has a
//!   default route (v3 §4.2). The policy's own preference takes precedence.
//! - The last failure ends the race at once. While no candidate is left to start, no alarm is set
//!   for a start.
//!
//! **The design.** The [`Machine`] decides and the driver waits. The machine takes `now` as an
//! argument, so each rule above has a test with exact times. A model checker can try every order of
//! events. Late events are normal: an event of an attempt that is gone, or after the end, changes
//! nothing. A machine that relies on precise timers and cancellations must be right about every
//! executor. This machine need not be. Ids stand for candidates, so the machine is not generic over
//! addresses or errors.
//!
//! **What we leave out, and why.**
//!
//! - *Sorting by RFC 6724.* That needs routes and sockets. The order within an answer is the
//!   resolver's, and `getaddrinfo` has already sorted it. If families have separate answers, only
//!   the leading family is missing, and an answer can set it.
//! - *History and round-trip times.* They need memory across connects that distinguishes networks:
//!   see [`history`](crate::history). The race receives only delays, ranks and demotions.
//! - *A limit on attempts in flight*, by default. The number of addresses limits them.
//! - *Waiting for a handshake*, by default. It would save a second connection on a slow network.
//!   But an address that accepts and then stalls would cost that much more time.
//! - *Order by groups.* Answers may belong to a group, for the targets of service records. No rule
//!   uses groups yet.
//! - *Keeping a loser as a spare.* The caller asked for one connection. A second connection would
//!   be state at the server, and nothing may ever use it.

mod course;
mod driver;
pub(crate) mod endpoints;
mod event;
mod machine;
mod order;
mod queue;
mod slot;
mod state;

pub(crate) use course::{Begun, Candidates, Course, CourseTypes, Note, Reading};
pub(crate) use driver::Driver;
pub use endpoints::{List, Race, RaceError, Winner, race_stream};
pub(crate) use event::News;
pub use event::{Action, Answered, Entrant, Event, Id, Loss, Standing};
pub use machine::Machine;
