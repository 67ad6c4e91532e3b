//! Looks for bytes at which `lookup` does not hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stagger_fuzz::lookup(input));
