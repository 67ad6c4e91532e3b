//! OpenSSH's programs as backends.

mod channel;
mod command;
mod control;
mod directory;
mod invocation;
mod launch;
mod master;
mod mux;
mod verdict;

#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use self::command::SshCommand;
pub use self::control::ControlSocket;
