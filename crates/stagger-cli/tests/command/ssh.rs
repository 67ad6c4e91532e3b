//! SSH hosts: `connect --ssh`, `resolve --ssh`, and the scheme `ssh` of `--endpoint`.

mod connect;
mod resolve;
mod server;
mod usage;
