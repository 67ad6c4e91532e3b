//! The codes of replies, and their names.

use std::fmt;

pub(crate) const NO_ERROR: u16 = 0;
pub(crate) const FORMAT_ERROR: u16 = 1;
pub(crate) const NO_SUCH_NAME: u16 = 3;
pub(crate) const NOT_IMPLEMENTED: u16 = 4;
pub(crate) const REFUSED: u16 = 5;
pub(crate) const BAD_VERSION: u16 = 16;

/// Prints a response code as its name (RFC 1035 §4.1.1, RFC 6895 §2.3), or as its number.
pub(crate) struct ResponseCode(pub(crate) u16);

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            6 => "YXDOMAIN",
            7 => "YXRRSET",
            8 => "NXRRSET",
            9 => "NOTAUTH",
            10 => "NOTZONE",
            16 => "BADVERS",
            23 => "BADCOOKIE",
            code => return write!(f, "response code {code}"),
        };
        f.write_str(name)
    }
}

/// Returns the meaning of an extended error code. The names are those of RFC 8914 §4, and of IANA's
/// registry of extended DNS error codes for 25 to 30.
pub(crate) fn meaning(extended: u16) -> Option<&'static str> {
    Some(match extended {
        1 => "unsupported DNSKEY algorithm",
        2 => "unsupported DS digest type",
        3 => "stale answer",
        4 => "forged answer",
        5 => "DNSSEC indeterminate",
        6 => "DNSSEC bogus",
        7 => "signature expired",
        8 => "signature not yet valid",
        9 => "DNSKEY missing",
        10 => "RRSIGs missing",
        11 => "no zone key bit set",
        12 => "NSEC missing",
        13 => "cached error",
        14 => "not ready",
        15 => "blocked",
        16 => "censored",
        17 => "filtered",
        18 => "prohibited",
        19 => "stale NXDOMAIN answer",
        20 => "not authoritative",
        21 => "not supported",
        22 => "no reachable authority",
        23 => "network error",
        24 => "invalid data",
        25 => "signature expired before valid",
        26 => "too early",
        27 => "unsupported NSEC3 iterations value",
        28 => "unable to conform to policy",
        29 => "synthesized",
        30 => "invalid query type",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extended_error_up_to_30_has_a_name_of_its_own() {
        let names: Vec<_> = (1..=30).filter_map(meaning).collect();
        assert_eq!(names.len(), 30);
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name} is the name of two codes");
        }
        // Code 0 means "other error", which says nothing.
        assert_eq!((meaning(0), meaning(u16::MAX)), (None, None));
        for (code, name) in [
            (25, "signature expired before valid"),
            (26, "too early"),
            (27, "unsupported NSEC3 iterations value"),
            (28, "unable to conform to policy"),
            (29, "synthesized"),
            (30, "invalid query type"),
        ] {
            assert_eq!(meaning(code), Some(name));
        }
    }
}
