//! What earlier connects on this network have shown about an address: round-trip times and
//! silences.
//!
//! On a network with a dead family, every connect waits for the attempt delay, again and again. A
//! [`History`](crate::History) remembers the silence, so only the first connect waits. It also
//! knows how fast an address connects. So the next start comes sooner after a fast address, and
//! later after a slow address. A dialer without a history keeps nothing. A program that wants a
//! history makes one and gives it to its dialers:
//!
//! ```
//! use stagger::{Dialer, History};
//! use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
//!
//! let ledger = Ledger::new(&Clock::new());
//! let clock = ledger.clock();
//! let connector = ScriptedConnector::new(&ledger)
//!     .at("[2001:db8::1]:443", Fate::silent())
//!     .at("192.0.2.1:443", Fate::connects(ms(40)));
//! let resolver = ScriptedResolver::<std::net::SocketAddr>::new(&ledger);
//! let dialer = Dialer::new(resolver, connector, clock.clone()).with_history(History::new());
//!
//! let addresses = ["[2001:db8::1]:443", "192.0.2.1:443"].map(|text| text.parse().unwrap());
//! clock.run(dialer.connect_addresses(addresses))?.hand_over();
//! assert_eq!(clock.elapsed(), ms(250 + 40));
//! clock.run(dialer.connect_addresses(addresses))?.hand_over();
//! assert_eq!(clock.elapsed(), ms(250 + 40) + ms(40));
//! # Ok::<_, stagger::Error>(())
//! ```
//!
//! # What is kept
//!
//! An entry is a [`Key`] and its [`Knowledge`]. The key has a network, a partition and a
//! [`Subject`]. The subject is a prefix of addresses or a whole family. It never is a name.
//! Addresses that are not IP addresses, such as targets and endpoints, have no history. Link-local
//! addresses have none either, because each link has the same prefix. A loopback address says
//! nothing about its family, because this machine always reaches itself.
//!
//! The built-in [`Memory`] keeps 8 networks and 1,024 prefixes of each. It drops the least recently
//! used. It does no I/O. A program can read the entries out, save them, and put them back: the
//! module `json` (feature `json`) turns them into text and back. A custom [`Store`] can take its
//! place.
//!
//! # What is noted
//!
//! A race is noted when it is won:
//!
//! - The winner has connected after some time, which is a sample. The time is that of the whole
//!   attempt, with a handshake if the connector makes one. The round-trip time is smoothed as RFC
//!   6298 §2 does it. A sample above 900 ms is ignored while the smoothed time is below 300 ms. It
//!   means that a lost packet was sent again after the first timeout of 1 s (RFC 6298 §2.1). Either
//!   way the prefix and the family count as alive.
//! - Another attempt was silent if the race dropped it, or if it timed out. The timeout may be that
//!   of the race, of the connector or of the system. A handshake that stalls is silence too. The
//!   attempt must have run for 200 ms, and for twice the winner's time. Then its prefix is demoted
//!   for 1 min. Each further silence doubles that, up to 10 min. An attempt that started before the
//!   last silence adds none, because overlapping races meet the same silence.
//! - An unreachable address counts as silent. A refused address does not, because a refusal is the
//!   answer of one host.
//! - A family counts as silent after silences at two different prefixes, in races that the other
//!   family won.
//!
//! A race that was lost or cancelled notes nothing, because nothing shows that the network works.
//! The same holds if the network changed during the race. The numbers are ours, except those of RFC
//! 6298. A simulation confirms most of them, see `docs/history.md`.
//!
//! # What it changes
//!
//! After an attempt starts, the next start waits for the delay in the [`Pace`] of its address. This
//! is a delay and never a timeout. Addresses of one family are sorted by round-trip time in steps
//! of 50 ms (draft-ietf-happy-happyeyeballs-v3 §5.3), unless the policy keeps the resolver's order.
//! By default, demoted addresses go behind all others until their time is over. In the mode
//! [`Delay`](Mode::Delay) they keep their place, and the next address starts 10 ms later. So the
//! preferred address is tried in every race, and its first success clears it. Until its time is
//! over, it wins only if no other address is more than 10 ms faster.
//!
//! # What a report says
//!
//! - [`AttemptReport::pace`](crate::report::AttemptReport::pace) says why the next start came early
//!   or late.
//! - [`Report::demoted`](crate::Report::demoted) has the addresses that went behind all others.
//! - [`Report::outranked`](crate::Report::outranked) has the addresses that went behind others of
//!   their family because of their round-trip time. An address that kept its place is not in it.
//!
//! An observer receives the same as [`Step::Started`](crate::observe::Step::Started),
//! [`Step::Demoted`](crate::observe::Step::Demoted) and
//! [`Step::Outranked`](crate::observe::Step::Outranked). The moved addresses are found only if the
//! race is observed or its report is wanted.
//!
//! # Privacy
//!
//! The choice of the first address shows a server that this client has connected before. The time
//! of the second attempt shows a round-trip time. So delays are rounded up to steps of 10 ms, and
//! entries belong to one network. A program that acts for several users gives each user a
//! partition.

pub(crate) mod handle;
#[cfg(feature = "json")]
pub mod json;
mod key;
mod knowledge;
mod memory;
mod note;
mod recall;
mod store;

pub use self::handle::Mode;
pub use self::key::{Key, NetworkKey, Subject, Subnet};
pub use self::knowledge::Knowledge;
pub use self::memory::Memory;
pub(crate) use self::note::{Attempted, Ending};
pub(crate) use self::recall::CompactPace;
pub use self::recall::{Pace, Reason, Recall};
pub use self::store::Store;
