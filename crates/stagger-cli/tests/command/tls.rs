//! TLS: the options of `connect` and `listen`.

mod check;
mod connect;
mod endpoint;
mod file;
mod kit;
mod listen;
mod pipe;
mod proxy;
