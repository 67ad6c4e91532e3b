//! Looks for bytes at which `history` does not hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stagger_fuzz::history(input));
