//! Looks for bytes at which `target` does not hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stagger_fuzz::target(input));
