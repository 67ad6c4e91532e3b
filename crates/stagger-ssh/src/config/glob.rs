//! File names of an `Include`, with `*`, `?` and `[…]` as in glob(7).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Files;

/// The most names that one pattern is compared with: 100,000. The bound is ours.
const MAX_COMPARED: usize = 100_000;

/// A part of a pattern between slashes.
enum Piece {
    Byte(u8),
    Any,
    One,
    Set { negated: bool, items: Vec<Item> },
}

enum Item {
    Range(u8, u8),
    Class(IsMember),
}

/// Whether a byte is in a class.
type IsMember = fn(&u8) -> bool;

/// The files that match the pattern, in the order of their bytes. `Err` if there are too many to
/// compare.
pub(super) fn glob(pattern: &[u8], files: &dyn Files) -> Result<Vec<PathBuf>, ()> {
    let mut found = vec![PathBuf::new()];
    let mut compared = 0;
    if pattern.starts_with(b"/") {
        found = vec![PathBuf::from("/")];
    }
    for part in pattern.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let pieces = pieces(part);
        let literal = |piece: &Piece| match piece {
            Piece::Byte(byte) => Some(*byte),
            _ => None,
        };
        if let Some(name) = pieces.iter().map(literal).collect::<Option<Vec<u8>>>() {
            found.iter_mut().for_each(|path| path.push(OsStr::from_bytes(&name)));
            continue;
        }
        let mut next = Vec::new();
        for directory in found {
            let shown = if directory.as_os_str().is_empty() { Path::new(".") } else { &directory };
            let names = files.list(shown);
            compared += names.len();
            if compared > MAX_COMPARED {
                return Err(());
            }
            for name in names {
                let bytes = name.as_bytes();
                // A leading dot must be written in the pattern.
                let is_hidden = bytes.starts_with(b".");
                if is_hidden && !matches!(pieces.first(), Some(Piece::Byte(b'.'))) {
                    continue;
                }
                if is_match(&pieces, bytes) {
                    next.push(directory.join(&name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| files.exists(path));
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    Ok(found)
}

fn pieces(part: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < part.len() {
        let byte = part[at];
        at += 1;
        pieces.push(match byte {
            b'\\' if at < part.len() => {
                at += 1;
                Piece::Byte(part[at - 1])
            }
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'[' => match set(&part[at..]) {
                Some((piece, length)) => {
                    at += length;
                    piece
                }
                None => Piece::Byte(byte),
            },
            _ => Piece::Byte(byte),
        });
    }
    pieces
}

/// The set after a `[`, and its length with the `]`. A `]` that comes first is a member.
fn set(text: &[u8]) -> Option<(Piece, usize)> {
    let negated = text.first() == Some(&b'!');
    let mut at = usize::from(negated);
    let start = at;
    let mut items = Vec::new();
    while at == start || *text.get(at)? != b']' {
        if let Some((class, length)) = class(&text[at..]) {
            items.push(Item::Class(class));
            at += length;
            continue;
        }
        let low = *text.get(at)?;
        match (text.get(at + 1), text.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                items.push(Item::Range(low, *high));
                at += 3;
            }
            _ => {
                items.push(Item::Range(low, low));
                at += 1;
            }
        }
    }
    Some((Piece::Set { negated, items }, at + 1))
}

/// A class such as `[:digit:]`, and its length.
fn class(text: &[u8]) -> Option<(IsMember, usize)> {
    const CLASSES: [(&[u8], IsMember); 8] = [
        (b"[:alnum:]", u8::is_ascii_alphanumeric),
        (b"[:alpha:]", u8::is_ascii_alphabetic),
        (b"[:digit:]", u8::is_ascii_digit),
        (b"[:lower:]", u8::is_ascii_lowercase),
        (b"[:punct:]", u8::is_ascii_punctuation),
        (b"[:space:]", u8::is_ascii_whitespace),
        (b"[:upper:]", u8::is_ascii_uppercase),
        (b"[:xdigit:]", u8::is_ascii_hexdigit),
    ];
    let found = CLASSES.into_iter().find(|(name, _)| text.starts_with(name));
    found.map(|(name, is_member)| (is_member, name.len()))
}

impl Piece {
    fn has(&self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => *wanted == byte,
            Self::Any => false,
            Self::One => true,
            Self::Set { negated, items } => {
                let is_member = items.iter().any(|item| match item {
                    Item::Range(low, high) => (*low..=*high).contains(&byte),
                    Item::Class(is_member) => is_member(&byte),
                });
                is_member != *negated
            }
        }
    }
}

/// As for host patterns: the time is at most the product of the lengths.
fn is_match(pieces: &[Piece], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry = None;
    loop {
        match (pieces.get(p), name.get(n)) {
            (Some(Piece::Any), _) => {
                retry = Some((p + 1, n));
                p += 1;
            }
            (Some(piece), Some(byte)) if piece.has(*byte) => (p, n) = (p + 1, n + 1),
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < name.len() => {
                    retry = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryFiles;
    use super::*;

    #[test]
    fn patterns_list_files_in_the_order_of_their_bytes() {
        let names = ["/d/b.conf", "/d/a.conf", "/d/.hidden.conf", "/d/x-1", "/e/a.conf", "/d/[z"];
        let files = names.iter().fold(MemoryFiles::new(), |files, name| files.with_file(name, ""));
        let cases: [(&str, &[&str]); 11] = [
            ("/d/*.conf", &["/d/a.conf", "/d/b.conf"]),
            ("/*/a.conf", &["/d/a.conf", "/e/a.conf"]),
            ("/d/.h*", &["/d/.hidden.conf"]),
            ("/d/[ab].conf", &["/d/a.conf", "/d/b.conf"]),
            ("/d/[!b].conf", &["/d/a.conf"]),
            ("/d/[b-z].conf", &["/d/b.conf"]),
            ("/d/x-[[:digit:]]", &["/d/x-1"]),
            ("/d/[z", &["/d/[z"]),
            ("/d/x\\-?", &["/d/x-1"]),
            ("/d/nothing", &[]),
            ("/d", &["/d"]),
        ];
        for (pattern, wanted) in cases {
            let wanted: Vec<_> = wanted.iter().map(PathBuf::from).collect();
            assert_eq!(glob(pattern.as_bytes(), &files), Ok(wanted), "{pattern}");
        }
    }
}
