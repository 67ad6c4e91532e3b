//! The connectors to a host, and through it to targets.

use std::future::Future;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::pin::Pin;

use stagger::{Connector, Dialer, History, Policy, Target};
use stagger_net::{Register, TcpConnector, TcpOptions};
use stagger_ssh::config::ConfigFiles;
use stagger_ssh::{
    ControlSocket, Destination, Ssh, SshAlias, SshCommand, SshError, SshHost, SshStream,
};

use super::args::{BackendName, ConnectSsh, ResolveSsh, SshConfig};
use crate::dial::StreamConnector;
use crate::nat64::Nat64Choice;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::stream::BoxStream;
use crate::usage::UsageError;

/// The host that the options name, and how it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    destination: Destination,
    files: ConfigFiles,
    match_exec: bool,
    backend: BackendName,
}

/// How the first hop is dialed.
#[derive(Debug)]
pub(crate) struct FirstHop {
    pub(crate) resolver: ResolverChoice,
    pub(crate) options: TcpOptions,
    pub(crate) policy: Policy,
    pub(crate) history: Option<History>,
    pub(crate) nat64: Nat64Choice,
}

/// A lookup of a host in the configuration.
pub(super) type LookUp = Pin<Box<dyn Future<Output = Result<SshHost, SshError>>>>;

/// The ways by an SSH configuration, on a runtime.
pub(crate) struct Ways {
    /// To the SSH ports of hosts.
    pub(super) hosts: StreamConnector<SshAlias>,
    /// To targets, from the host.
    pub(crate) targets: StreamConnector<Target>,
    pub(super) look_up: LookUp,
}

impl Setup {
    /// Reads the options of `connect`. Without `--ssh` there is none.
    ///
    /// # Errors
    ///
    /// A text that is no destination.
    pub(crate) fn of(args: &ConnectSsh) -> Result<Option<Self>, UsageError> {
        let setup = Self::of_config(args.host(), &args.config)?;
        Ok(setup.map(|setup| Self { backend: args.ssh_backend, ..setup }))
    }

    /// Reads the options of `resolve`. Without `--ssh` there is none.
    ///
    /// # Errors
    ///
    /// A text that is no destination.
    pub(super) fn of_resolve(args: &ResolveSsh) -> Result<Option<Self>, UsageError> {
        Self::of_config(args.host(), &args.config)
    }

    fn of_config(host: Option<&str>, args: &SshConfig) -> Result<Option<Self>, UsageError> {
        let Some(text) = host else { return Ok(None) };
        let destination = text.parse();
        let destination = destination.map_err(|error| UsageError::unquoted("--ssh", error))?;
        let files = match &args.ssh_config {
            None => ConfigFiles::default(),
            Some(path) if path.as_os_str() == "none" => ConfigFiles::none(),
            Some(path) => ConfigFiles::file(path),
        };
        let (match_exec, backend) = (args.ssh_match_exec, BackendName::default());
        Ok(Some(Self { destination, files, match_exec, backend }))
    }

    /// The host's name.
    pub(crate) fn name(&self) -> String {
        self.destination.to_string()
    }

    /// The host as the address of a race.
    pub(super) fn alias(&self) -> SshAlias {
        SshAlias::from(self.destination.clone())
    }

    /// The ways, on a runtime.
    pub(crate) fn ways<R: Runtime>(&self, first: FirstHop) -> Ways {
        R::ssh(self, first)
    }
}

/// The ways on a runtime, over its reactor.
pub(crate) fn ways<R, G>(setup: &Setup, first: FirstHop, reactor: G) -> Ways
where
    R: Runtime,
    G: Register<TcpStream, Socket: Send, Stream: Send + 'static>,
    G: Register<UnixStream, Socket: Send + Sync, Stream: Send + 'static>,
    G: Clone + Send + Sync + 'static,
    StreamOf<G>: Into<BoxStream>,
{
    let FirstHop { resolver, options, policy, history, nat64 } = first;
    let nat64 = nat64.on::<R>(&resolver);
    let tcp = TcpConnector::new_on(options, reactor);
    let dialer = Dialer::new(resolver.sent_on::<R>(), tcp, R::timer()).with_policy(policy);
    let dialer = match history {
        Some(history) => dialer.with_history(history),
        None => dialer,
    };
    let ssh = Ssh::new(dialer).with_config(setup.files.clone());
    let ssh = if setup.match_exec { ssh.with_match_exec() } else { ssh };
    let ssh = match nat64 {
        Some(nat64) => ssh.with_nat64(nat64),
        None => ssh,
    };
    let ssh = match setup.backend {
        BackendName::Control => ssh.with_backend(ControlSocket::new()),
        BackendName::Command => ssh.with_backend(SshCommand::new()),
    };
    let through = ssh.through(setup.destination.clone()).connector().clone();
    let targets = Connector::<Target>::map(through, Into::into);
    let hosts = Connector::<SshAlias>::map(ssh.connector(), Into::into);
    Ways {
        hosts: StreamConnector::erased(hosts),
        targets: StreamConnector::erased(targets),
        look_up: Box::pin(ssh.resolve(setup.destination.clone())),
    }
}

type StreamOf<G> =
    SshStream<<G as Register<TcpStream>>::Stream, <G as Register<UnixStream>>::Stream>;
