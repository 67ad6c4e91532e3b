//! DNS for [Stagger](stagger) on every async runtime: each answer as soon as it comes.
#![forbid(unsafe_code)]
