//! The same battery over every adapter, on real sockets.
//!
//! A test's path is its subject, its runtime, and the sentence that it proves.
#![cfg(target_os = "linux")]

mod accept;
mod bind;
mod clock;
mod descriptor;
mod dns;
mod failure;
mod fair;
mod handshake;
mod history;
mod hook;
mod host;
mod inherit;
mod kind;
mod listen;
mod listen_all;
mod listen_unix;
mod literal;
mod localhost;
mod lookup;
mod multicast;
mod nat64;
mod option;
mod preference;
mod race;
mod send;
mod server;
mod shortage;
mod stuck;
mod target;
mod task;
mod timer;
mod udp;
mod udp_icmp;
mod udp_link;
mod unix;
mod unreachable;
