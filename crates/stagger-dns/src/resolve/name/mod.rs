//! The lookup of one name: which sources are asked, in which order, and when each answer is
//! returned.
//!
//! # The problem
//!
//! `nsswitch.conf` knows one lookup of a name with one result. It asks its sources one after
//! another until a result ends the lookup. A race wants each family as soon as it is known. So a
//! result can come in two halves, and the second half may change what the switch requires.
//!
//! # The rules
//!
//! 1. Name servers have succeeded as soon as one family has an address. If the switch then ends the
//!    lookup, the address is returned at once. The other family follows when its reply comes.
//! 2. A negative result of one family is returned at once if no source can follow. Otherwise it
//!    waits for the other family, because the hosts file may still replace it.
//! 3. If the name does not exist for A, it does not exist for AAAA (RFC 8020 §2). Nothing waits for
//!    AAAA then.
//! 4. Name servers have not found the name if both families say so at the last name of the search
//!    list. If either family failed there, they are unavailable. glibc goes by the reply that comes
//!    first.
//! 5. The hosts file has the name if it has an address of a wanted family. It then answers for both
//!    families.
//! 6. A special name such as `invalid` has a fixed result, which replaces the result of the
//!    servers. The fixed result also holds where no server may be asked and no source has the name.
//! 7. `localhost` is this machine at once, and the hosts file can only add addresses. A name below
//!    it has the addresses in the hosts file, or those of this machine if the file does not have
//!    it. Neither is ever sent (RFC 6761 §6.3).
//! 8. A failure is always returned. If another source has the name, the failure is provisional.
//!
//! # The parts
//!
//! - [`NameResolution`](resolution::NameResolution) decides. It is a plain value: results go in,
//!   and answers and the next step come out. It reads no file, sends nothing and polls nothing.
//! - [`SourceOrder`](source_order::SourceOrder) is a switch reduced to at most two sources, and
//!   what follows from each of their results.
//! - [`Search`](search::Search) takes both families through the search list. It says which name is
//!   looked up next, and which results are final.
//! - [`NameAnswers`](name_answers::NameAnswers) is the stream. It reads the files and polls the
//!   lookups that the resolution's step names. It decides nothing.

pub(super) mod name_answers;
mod resolution;
mod search;
mod search_names;
mod source_order;
