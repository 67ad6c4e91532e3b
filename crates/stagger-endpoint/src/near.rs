//! Which known name was meant.

/// The known name that is nearest to a wrong one, if it is near enough: one edit, and one more for
/// every three letters. The rule is ours.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A long text is no slip of a finger, and would cost time.
    if wrong.len() > 64 {
        return None;
    }
    let limit = 1 + wrong.len() / 3;
    let near = known.into_iter().map(|name| (distance(wrong, name), name));
    let (edits, name) = near.min_by_key(|(edits, _)| *edits)?;
    (edits <= limit.min(name.len().saturating_sub(1))).then_some(name)
}

/// The number of letters to insert, delete or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for column in 0..to.len() {
            let replaced = diagonal + usize::from(letter != to[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_few_edits_is_near_and_another_is_not() {
        let known = ["connect", "fd", "socks5", "tcp", "tls", "unix"];
        for (wrong, near) in [
            ("sock5", Some("socks5")),
            ("socks", Some("socks5")),
            ("TCP", None),
            ("tpc", Some("tcp")),
            ("conect", Some("connect")),
            ("unx", Some("unix")),
            ("quic", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), near, "{wrong}");
        }
        assert_eq!(nearest(&"a".repeat(5000), known), None);
        // A program may set a scheme without a name.
        assert_eq!(nearest("x", ["", "socks5"]), None);
    }
}
