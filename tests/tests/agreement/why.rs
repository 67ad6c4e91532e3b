//! Why `DnsResolver::system` differs from glibc on purpose.

/// Here glibc finds what the hosts file or a server has.
pub(crate) const LOCALHOST: &str =
    "`localhost` is this machine in both families, and so is a name below it (RFC 6761 §6.3)";
pub(crate) const INVALID: &str =
    "`invalid` does not exist (RFC 6761 §6.4), but glibc asks a server";
pub(crate) const ONION: &str = "`onion` is no name of DNS (RFC 7686 §2), but glibc asks a server";
pub(crate) const ALT: &str = "`alt` is no name of DNS (RFC 9476), but glibc asks a server";
pub(crate) const ARPA: &str = "`ipv4only.arpa` has no search list, but glibc begins with it";
pub(crate) const LOCAL: &str =
    "a name below `local` belongs to mDNS here, but glibc, without the module, asks a server";
pub(crate) const DOT: &str = "glibc compares a name of the hosts file with its dot at the end";
pub(crate) const MULTI: &str = "without `multi on` glibc finds one line of the hosts file";
pub(crate) const MAPPED: &str = "a v4-mapped address is the IPv4 address that it means";
pub(crate) const ZONE: &str = "glibc reads no zone in the hosts file";
pub(crate) const NO_IPV6: &str = "no AAAA question is sent where IPv6 leads nowhere";
pub(crate) const NO_IPV4: &str = "no A question is sent where IPv4 leads nowhere";
pub(crate) const TIE: &str =
    "by these tables the families are equal: then IPv6 leads, and in glibc the A records are first";

pub(crate) const CUT: &str =
    "an alias to a name that does not exist ends the search list in glibc only";
pub(crate) const DOMAIN: &str = "glibc gives up the search list at a domain that is no name";
pub(crate) const FOURTH: &str = "glibc asks three servers at most";
pub(crate) const RETURN: &str = "glibc takes a carriage return for a part of the address";
pub(crate) const ATTEMPTS: &str = "with `attempts:0` glibc asks nothing";
pub(crate) const FORMERR: &str =
    "a server that can't read a question says nothing of the name, but glibc finds no address";
pub(crate) const DASH: &str = "glibc drops an answer for a name that begins with a hyphen";

pub(crate) const MERGE: &str =
    "`merge` is not for hosts: ours reports it, and glibc finds no such name";
pub(crate) const SYNTAX: &str = "after a syntax error glibc finds no host, and ours reads the rest";
pub(crate) const LAST: &str = "glibc reports that the last service is not there";
pub(crate) const NEWLINE: &str = "glibc does not read a last line without its newline";
