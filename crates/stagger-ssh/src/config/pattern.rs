//! Patterns with `*` and `?`, and lists of them (ssh_config(5), section PATTERNS).

/// The longest pattern of a list, in bytes. A longer one ends the list without a match, as it does
/// in OpenSSH (`match_pattern_list`).
const MAX_SUBPATTERN: usize = 1022;

/// Whether the pattern matches the whole text. The time is at most the product of the lengths.
pub(super) fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when a later byte does not match: after the last `*`, one byte later.
    let mut retry = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(b'?'), Some(_)) => (p, t) = (p + 1, t + 1),
            (Some(wanted), Some(found)) if wanted == found => (p, t) = (p + 1, t + 1),
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// Whether a list of patterns matches: at least one does, and no negated one does.
pub(super) fn is_list_match(list: &[u8], text: &[u8], lower: bool) -> bool {
    let mut found = false;
    if list.is_empty() {
        return false;
    }
    // As in OpenSSH, no pattern follows the last comma.
    let list = list.strip_suffix(b",").unwrap_or(list);
    for part in list.split(|byte| *byte == b',') {
        let (negated, pattern) = match part.strip_prefix(b"!") {
            Some(pattern) => (true, pattern),
            None => (false, part),
        };
        if pattern.len() > MAX_SUBPATTERN {
            return false;
        }
        let matches = match lower {
            true => is_match(&pattern.to_ascii_lowercase(), text),
            false => is_match(pattern, text),
        };
        match (matches, negated) {
            (true, true) => return false,
            (true, false) => found = true,
            (false, _) => {}
        }
    }
    found
}

/// Whether a list of patterns matches a host name, without regard to case.
pub(super) fn is_host_match(list: &[u8], host: &str) -> bool {
    is_list_match(list, host.to_ascii_lowercase().as_bytes(), true)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ab", false),
            ("a?c", "abc", true),
            ("?", "", false),
            ("*.*.b", "a.c.b", true),
            ("*a*b", "aab", true),
            ("A", "a", false),
        ] {
            assert_eq!(is_match(pattern.as_bytes(), text.as_bytes()), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_the_product_of_the_lengths() {
        let begin = Instant::now();
        let pattern = [b"*a".repeat(2000), b"*b".to_vec()].concat();
        assert!(!is_match(&pattern, &b"a".repeat(4000)));
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_negated_pattern_of_a_list_wins_and_gives_no_match_alone() {
        for (list, text, matches) in [
            ("a,b", "b", true),
            ("!b,*", "b", false),
            ("*,!b", "b", false),
            ("!b", "a", false),
            ("", "", false),
            ("a,", "", false),
            (",a", "", true),
        ] {
            let found = is_list_match(list.as_bytes(), text.as_bytes(), false);
            assert_eq!(found, matches, "{list} {text}");
        }
        assert!(is_host_match(b"*.CORP", "Web.Corp"));
        assert!(!is_list_match("x".repeat(1023).as_bytes(), b"x", false));
    }
}
