//! TLS: the options of `connect` and `listen`, against servers and clients of others too.

mod check;
mod connect;
mod endpoint;
mod file;
mod kit;
mod listen;
mod pipe;
mod proxy;
