//! The lookup of one name: who is asked, in which order, and what is answered when.
//!
//! # The problem
//!
//! `nsswitch.conf` knows one lookup of a name with one result. It asks its sources one after another
//! until a result ends the lookup. A race wants each family as soon as it is known. So a result can
//! come in two halves, and the second half may change what the switch requires.
//!
//! # The rules
//!
//! 1. Name servers have succeeded as soon as one family has an address. If that ends the lookup by
//!    the switch, the address is told at once, and the other family when it comes.
//! 2. That a family has no address is told at once if no source can follow. Otherwise it waits for
//!    the other family, because the hosts file may have the last word.
//! 3. If the name does not exist for A, it does not exist for AAAA (RFC 8020 §2). Nothing waits for
//!    AAAA then.
//! 4. Name servers have not found the name if both families say so at the last name of the search
//!    list. If either family failed there, they are unavailable. glibc goes by the reply that comes
//!    first.
//! 5. The hosts file has the name if it has an address of a wanted family. It then answers for both
//!    families.
//! 6. What is fixed by decree, as for `invalid`, takes the place of what servers would say. It also
//!    holds where no server may be asked and nothing else is found.
//! 7. `localhost` is this machine at once, and the hosts file can only add to that. A name below it
//!    is what the hosts file says, and else this machine. Neither is ever sent (RFC 6761 §6.3).
//! 8. A failure never vanishes. If another source has the name, the failure is told as provisional.
//!
//! # The parts
//!
//! - [`Machine`](machine::Machine) decides. It is a plain value: results go in, answers and the next
//!   step come out. It reads no file, sends nothing and polls nothing.
//! - [`Plan`](plan::Plan) is what a switch comes to: at most two turns, and what follows from each
//!   result of a turn. The machine asks it where to go on.
//! - [`Walk`](walk::Walk) is the way of both families through the search list. The machine asks it
//!   which name is looked up, and what is known of it.
//! - [`Driver`] is the stream. It reads the file or polls the lookups that the machine's step names,
//!   and reports the result. It decides nothing.

mod answer;
mod driver;
mod machine;
mod plan;
mod walk;

pub(crate) use self::answer::{DnsAnswer, failed};
pub(crate) use self::driver::Driver;
