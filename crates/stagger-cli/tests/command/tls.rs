//! TLS: the options of `connect` and `listen`.

mod check;
mod connect;
mod file;
mod kit;
mod listen;
mod pipe;
