//! TLS: the options of `connect` and `listen`, against servers and clients of others too.

mod check;
mod connect;
mod file;
mod kit;
mod listen;
mod pipe;
