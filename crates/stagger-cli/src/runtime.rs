//! The three runtimes behind one trait.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use stagger::boxed::{BoxError, BoxResolver};
use stagger::error::SharedError;
use stagger::{Connector, Timer};
use stagger_endpoint::Schemes;
use stagger_net::{Accept, Register, SystemResolver, TcpOptions};

use crate::args::RuntimeName;
use crate::dial::StreamConnector;
use crate::resolver::OverDns;
use crate::signal::{self, Watch};
#[cfg(all(feature = "ssh", unix))]
use crate::ssh;
use crate::stream::BoxStream;

/// A runtime with its adapter.
pub(crate) trait Runtime: 'static {
    /// The adapter's timer.
    type Timer: Timer<Sleep: Send + 'static> + Clone + Send + Sync + Unpin + 'static;
    /// The adapter's reactor.
    type Reactor: Register<UdpSocket, Socket: 'static>
        + Register<TcpStream, Socket: 'static>
        + Accept<TcpListener, Listener: 'static, Stream: Into<BoxStream>>
        + signal::Reactor
        + Clone
        + Default
        + 'static;

    /// The streams of endpoints.
    type EndpointStream: Into<BoxStream> + Send + 'static;

    /// The schemes of endpoints.
    fn schemes() -> Schemes<Self::EndpointStream>;

    /// A TCP connector with these options.
    fn tcp(options: TcpOptions) -> StreamConnector;

    /// The ways by an SSH configuration.
    #[cfg(all(feature = "ssh", unix))]
    fn ssh(setup: &ssh::Setup, first: ssh::FirstHop) -> ssh::Ways;

    /// The runtime's clock.
    fn timer() -> Self::Timer;

    /// The system's resolver on that clock.
    fn resolver() -> SystemResolver<Self::Timer> {
        SystemResolver::new_on(Self::timer())
    }

    /// The resolver over DNS, for tasks of any thread.
    fn shared(resolver: OverDns<Self>) -> BoxResolver<SocketAddr, SharedError>
    where
        Self: Sized;

    /// Runs a future to its end. Other work of the runtime is dropped, so a stuck lookup does not
    /// delay the end.
    ///
    /// # Errors
    ///
    /// The runtime can't be started.
    fn drive<F: Future>(future: F) -> io::Result<F::Output>;

    /// Runs a future to its end. If Ctrl-C or SIGTERM comes first, the future is dropped, and the
    /// process ends by that signal.
    ///
    /// # Errors
    ///
    /// The runtime can't be started.
    fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
        let watch = Watch::begin()?;
        let reactor = Self::Reactor::default();
        let output = Self::drive(watch.unless_signalled(&reactor, future))?;
        Ok(watch.end(output))
    }
}

/// The connector of an adapter, with the types that all have here.
fn boxed<C>(connector: C) -> StreamConnector
where
    C: Connector<SocketAddr, Attempt: 'static> + 'static,
    C::Connection: Into<BoxStream>,
    C::Error: Into<BoxError>,
{
    StreamConnector::erased(connector.map(Into::into))
}

pub(crate) struct Tokio;

impl Runtime for Tokio {
    type Timer = stagger_tokio::Timer;
    type Reactor = stagger_tokio::Reactor;
    type EndpointStream = stagger_endpoint::tokio::BoxStream;

    fn schemes() -> Schemes<Self::EndpointStream> {
        stagger_endpoint::tokio::schemes()
    }

    fn tcp(options: TcpOptions) -> StreamConnector {
        boxed(stagger_tokio::TcpConnector::new(options))
    }

    #[cfg(all(feature = "ssh", unix))]
    fn ssh(setup: &ssh::Setup, first: ssh::FirstHop) -> ssh::Ways {
        ssh::ways::<Self, _>(setup, first, stagger_tokio::Reactor)
    }

    fn timer() -> Self::Timer {
        stagger_tokio::Timer
    }

    fn shared(resolver: OverDns<Self>) -> BoxResolver<SocketAddr, SharedError> {
        BoxResolver::erased(resolver)
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let output = runtime.block_on(future);
        runtime.shutdown_background();
        Ok(output)
    }
}

pub(crate) struct Smol;

impl Runtime for Smol {
    type Timer = stagger_smol::Timer;
    type Reactor = stagger_smol::Reactor;
    type EndpointStream = stagger_endpoint::smol::BoxStream;

    fn schemes() -> Schemes<Self::EndpointStream> {
        stagger_endpoint::smol::schemes()
    }

    fn tcp(options: TcpOptions) -> StreamConnector {
        boxed(stagger_smol::TcpConnector::new(options))
    }

    #[cfg(all(feature = "ssh", unix))]
    fn ssh(setup: &ssh::Setup, first: ssh::FirstHop) -> ssh::Ways {
        ssh::ways::<Self, _>(setup, first, stagger_smol::Reactor)
    }

    fn timer() -> Self::Timer {
        stagger_smol::Timer
    }

    fn shared(resolver: OverDns<Self>) -> BoxResolver<SocketAddr, SharedError> {
        BoxResolver::erased(resolver)
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        Ok(smol::block_on(future))
    }
}

pub(crate) struct AsyncStd;

impl Runtime for AsyncStd {
    type Timer = stagger_async_std::Timer;
    type Reactor = stagger_async_std::Reactor;
    type EndpointStream = stagger_endpoint::async_std::BoxStream;

    fn schemes() -> Schemes<Self::EndpointStream> {
        stagger_endpoint::async_std::schemes()
    }

    fn tcp(options: TcpOptions) -> StreamConnector {
        boxed(stagger_async_std::TcpConnector::new(options))
    }

    #[cfg(all(feature = "ssh", unix))]
    fn ssh(setup: &ssh::Setup, first: ssh::FirstHop) -> ssh::Ways {
        ssh::ways::<Self, _>(setup, first, stagger_async_std::Reactor)
    }

    fn timer() -> Self::Timer {
        stagger_async_std::Timer
    }

    fn shared(resolver: OverDns<Self>) -> BoxResolver<SocketAddr, SharedError> {
        BoxResolver::erased(resolver)
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        Ok(async_std::task::block_on(future))
    }
}

/// A task for a runtime that is chosen at run time.
pub(crate) trait Job {
    type Output;

    fn run<R: Runtime>(self) -> Self::Output;
}

impl RuntimeName {
    /// Runs a job on the runtime of this name.
    pub(crate) fn run<J: Job>(self, job: J) -> J::Output {
        match self {
            Self::Tokio => job.run::<Tokio>(),
            Self::Smol => job.run::<Smol>(),
            Self::AsyncStd => job.run::<AsyncStd>(),
        }
    }
}
