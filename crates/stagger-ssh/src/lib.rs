//! SSH hosts as endpoints, for [Stagger](stagger) on every async runtime.
//!
//! A destination of ssh(1) is looked up in the configuration of OpenSSH, with every jump host
//! before it. The addresses of the first hop are raced with the host's own options. OpenSSH's
//! programs open the connections from hops, so keys, agents and known hosts are theirs. They never
//! prompt.
//!
//! Available on Unix systems.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | the SSH port of a host, hops included | [`Ssh::connect`], [`Ssh::endpoint`] |
//! | any target, from a host | [`Ssh::through`] |
//! | what a configuration leads to | [`Ssh::resolve`], [`SshHost`], [`Route`] |
//! | parts for another dialer | [`SshResolver`], [`SshConnector`], [`SshHop`] |
//! | the reader of `ssh_config` alone | [`config`] |
//! | which program or library speaks SSH | [`Backend`] |
//! | a command as an endpoint | [`CommandEndpoint`] |
//! | why a hop failed | [`SshError`], [`SshErrorKind`] |
//!
//! # Differences from ssh(1)
//!
//! - `ConnectTimeout` bounds the race of all addresses, not each address. The sooner of it and the
//!   policy's timeout counts. For a host behind jump hosts it bounds the whole connect to the host.
//! - `CanonicalizeHostname` does not follow aliases in the DNS (CNAME), because a resolver does not
//!   return them. So `CanonicalizePermittedCNAMEs` has no effect.
//! - `Match exec` is an error, unless [`Ssh::with_match_exec`] allows it. A command may run for
//!   30 s.
//! - `ProxyUseFdpass` is an error where this crate runs the command itself.
//! - A host has at most 15 jump hosts in a row.
//!
//! # Examples
//!
//! ```
//! use stagger_ssh::Ssh;
//! use stagger_ssh::config::ConfigFiles;
//!
//! # futures_lite::future::block_on(async {
//! # let file = std::env::temp_dir().join(format!("stagger-ssh-lib-{}", std::process::id()));
//! let server = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let port = server.local_addr()?.port();
//! std::fs::write(&file, format!("Host web\n HostName localhost\n Port {port}\n"))?;
//!
//! // Without `with_config` it reads ~/.ssh/config and /etc/ssh/ssh_config.
//! let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::file(&file));
//! let (stream, report) = ssh.connect("web").with_report().await?;
//! assert_eq!(stream.tcp().expect("there is no hop").peer_addr()?.port(), port);
//! println!("{report}");
//! # std::fs::remove_file(&file)?;
//! # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

#![forbid(unsafe_code)]

#[cfg(unix)]
mod adapter;
#[cfg(unix)]
mod alias;
#[cfg(unix)]
mod backend;
#[cfg(unix)]
mod command;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod connector;
#[cfg(unix)]
mod destination;
#[cfg(unix)]
mod error;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod lookup;
#[cfg(unix)]
mod openssh;
#[cfg(unix)]
mod resolver;
#[cfg(unix)]
mod runtime;
#[cfg(unix)]
mod setup;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod stream;

#[cfg(unix)]
pub use self::{
    alias::SshAlias,
    backend::{Backend, Hop, Opening},
    command::{Command, CommandConnect, CommandEndpoint, CommandError, CommandStream},
    connector::{SshAttempt, SshConnector, SshHop},
    destination::{Destination, DestinationError},
    error::{SshError, SshErrorKind},
    host::{Route, SshHost},
    openssh::{ControlSocket, SshCommand},
    resolver::{ByAlias, ByAliasAnswers, SshAnswers, SshResolver},
    ssh::{Ssh, SshEndpoint, SshResolve},
    stream::SshStream,
};
