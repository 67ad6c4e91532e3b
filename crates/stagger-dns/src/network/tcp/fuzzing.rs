//! What must hold of whatever comes over TCP, in whatever pieces.

use std::io::{self, Read};

use super::{read, whole};

/// Bytes that come in pieces of some lengths, over and over, and then end.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths.next().map_or(usize::MAX, |length| 1 + usize::from(*length));
        let (piece, rest) = self.rest.split_at(length.min(buffer.len()).min(self.rest.len()));
        buffer[..piece.len()].copy_from_slice(piece);
        self.rest = rest;
        Ok(piece.len())
    }
}

/// Reads the bytes as a reply with its length before it.
///
/// The first byte says of how many pieces the lengths follow it: up to 15, each a byte, and one
/// more than it says.
pub fn tcp(input: &[u8]) {
    let Some((count, input)) = input.split_first() else { return };
    let (lengths, bytes) = input.split_at(input.len().min(usize::from(count & 15)));
    let mut pieces = Pieces { rest: bytes, lengths: lengths.iter().cycle() };
    let mut reply = Vec::new();
    let outcome = loop {
        if reply.len() >= 2 && reply.len() == whole(&reply) {
            break Ok(reply.split_off(2));
        }
        let before = reply.len();
        if let Err(error) = read(&mut pieces, &mut reply) {
            break Err(error.kind());
        }
        assert!(reply.len() > before, "a read brings something, or is an error");
        assert!(reply.len() <= whole(&reply), "no more is read than belongs to the reply");
    };

    let expected = match bytes {
        [high, low, rest @ ..] => {
            rest.get(..usize::from(*high) << 8 | usize::from(*low)).map(<[u8]>::to_vec)
        }
        _ => None,
    };
    assert_eq!(outcome, expected.ok_or(io::ErrorKind::UnexpectedEof));
}
