//! Looks for bytes at which `proxy` does not hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stagger_fuzz::proxy(input));
