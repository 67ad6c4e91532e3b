//! OpenSSH's client configuration (ssh_config(5)), read as OpenSSH reads it.
//!
//! [`read`] is a pure function of a [`Request`], [`Files`], an [`Environment`] and [`Facts`]. It
//! reads everything that decides where and how to connect, and notes the other keywords. A test
//! compares it with `ssh -G`.
//!
//! # Questions
//!
//! The reader runs no command and resolves no name. It returns a [`Question`] instead: whether a
//! command of `Match exec` succeeds, or which name exists for `CanonicalizeHostname`.
//!
//! # Releases
//!
//! Releases of OpenSSH read some lines differently. The reader follows
//! [`Environment::release`] in these points:
//!
//! | from | rule |
//! | --- | --- |
//! | 9.4 | `ProxyJump none` does not stop `CanonicalizeHostname yes` |
//! | 9.6 | `%j` is a token, and `%C` contains it |
//! | 9.9 | the words of `Match` have escapes; `Include` has tokens and variables |
//! | 10.1 | `User` has tokens and variables; `Match !final` asks for no second pass |
//!
//! Keywords and criteria of later releases are read for earlier releases too. `ProxyJump none`
//! never stops a later `ProxyCommand`: that is the rule of 10.3, which distributions have in
//! earlier releases as well.
//!
//! # Differences to ssh(1)
//!
//! - `Match version` and `Match localnetwork` are errors unless the environment has the version or
//!   the addresses of this machine. `Match command` sees no command, and `Match sessiontype` sees
//!   `none`.
//! - A token or a variable that cannot be replaced is an error at once. ssh(1) reports some of them
//!   only when it connects.
//! - In a file that an inactive block includes, a command of `Match exec` is not run. ssh(1) runs
//!   it and ignores the result.
//! - A comment after `ProxyJump` does not become part of a hop. OpenSSH 9.2 keeps a comment with a
//!   comma.
//! - Values of keywords that are passed over are not checked.
//! - A value that is used must be UTF-8, and files, lines and expanded texts have limits.

mod address;
mod canonical;
mod criterion;
mod disk;
mod environment;
mod error;
mod file;
mod finish;
mod glob;
mod host_config;
mod include;
mod keyword;
mod options;
mod pattern;
mod reader;
mod request;
mod service;
mod token;
mod value;
mod word;

pub use disk::DiskFiles;
pub use environment::{Environment, Release};
pub use error::{ConfigError, Note};
pub use file::{ConfigFiles, Files, MemoryFiles};
pub use host_config::{ControlPersist, HostConfig, ProxyConfig, StrictHostKeyChecking};
pub use reader::read;
pub use request::{Exec, Facts, Names, Question, Reading, Request};

/// From this release on, `ProxyJump none` does not stop `CanonicalizeHostname yes`.
const JUMP_NONE_IS_DIRECT: Release = Release(9, 4);

/// From this release on, `%j` is a token, and `%C` contains it.
const HASH_OF_JUMP: Release = Release(9, 6);

/// From this release on, `User` has tokens and variables.
const USER_TOKENS: Release = Release(10, 1);

/// A port number, with the rules of OpenSSH.
pub(crate) fn parse_port(text: &str) -> Option<u16> {
    value::port(text.as_bytes())
}
