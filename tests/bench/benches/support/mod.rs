//! What several programs need: a network of their own, its name server, and a process without
//! descriptors.
#![allow(dead_code, unused_imports, reason = "each program uses a part")]

mod exhaust;
mod name_server;
mod network;

pub(crate) use exhaust::exhaust;
pub(crate) use name_server::{NameServer, serve};
pub(crate) use network::{listed, within_hosts, within_network, within_silence};
