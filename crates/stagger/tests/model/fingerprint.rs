//! A hash of 64 bits that stands for a state. The standard library's hasher took two thirds of an
//! exploration in a debug build. This hash folds in each word with a single wide multiplication.
//!
//! Among a million states, the chance that two have the same hash is one in 30 million.

use std::hash::{Hash, Hasher};

/// Any odd number with well-spread bits: this is the golden ratio's.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = Folding(SPREAD);
    state.hash(&mut hasher);
    hasher.finish()
}

struct Folding(u64);

impl Folding {
    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.0.rotate_left(23) ^ word).wrapping_mul(u128::from(SPREAD));
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        self.fold(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    fn write_i64(&mut self, n: i64) {
        self.fold(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.fold(n as u64);
    }

    fn finish(&self) -> u64 {
        let mut last = Self(self.0);
        last.fold(SPREAD);
        last.0
    }
}
