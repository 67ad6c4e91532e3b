//! The three runtimes behind one trait.

use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use socket2::SockRef;
use stagger::boxed::BoxError;
use stagger::{Connector, Dialer, Timer};
use stagger_net::{Accept, Register, SystemResolver, TcpOptions};

use crate::args::RuntimeName;
use crate::signal::{self, Watch};

/// A runtime with its adapter.
pub(crate) trait Runtime {
    /// The adapter's connector.
    type Connector: Connector<SocketAddr, Connection: Stream, Error: Into<BoxError>> + Clone;
    /// The adapter's timer.
    type Timer: Timer<Sleep: 'static> + Clone + Unpin + 'static;
    /// The adapter's reactor.
    type Reactor: Register<UdpSocket, Socket: 'static>
        + Register<TcpStream, Socket: 'static>
        + Accept<TcpListener, Listener: 'static, Stream: Stream + 'static>
        + signal::Reactor
        + Clone
        + Default
        + 'static;

    /// A connector with these socket options.
    fn connector(options: TcpOptions) -> Self::Connector;

    /// The runtime's clock.
    fn timer() -> Self::Timer;

    /// The system's resolver on that clock.
    fn resolver() -> SystemResolver<Self::Timer> {
        SystemResolver::new_on(Self::timer())
    }

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

    /// A dialer with the parts of this adapter.
    fn dialer<R>(resolver: R, options: TcpOptions) -> Dialer<R, Self::Connector, Self::Timer> {
        Dialer::new(resolver, Self::connector(options), Self::timer())
    }
}

/// The stream that the reactor of a runtime accepts.
pub(crate) type StreamOf<R> = <<R as Runtime>::Reactor as Accept<TcpListener>>::Stream;

/// The TCP stream of a runtime.
pub(crate) trait Stream {
    /// The addresses of both ends, if they are known.
    fn ends(&self) -> Ends;

    /// Waits for bytes and reads some of them. It returns 0 when the peer has ended.
    fn read(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;

    /// Waits until bytes can be sent, and sends some of these. It returns their number.
    fn write(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>>;

    /// Tells the peer that no more bytes come (FIN).
    fn shut_down(&self) -> io::Result<()>;
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
}

pub(crate) struct Tokio;

impl Runtime for Tokio {
    type Connector = stagger_tokio::TcpConnector;
    type Timer = stagger_tokio::Timer;
    type Reactor = stagger_tokio::Reactor;

    fn connector(options: TcpOptions) -> Self::Connector {
        Self::Connector::new(options)
    }

    fn timer() -> Self::Timer {
        stagger_tokio::Timer
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let output = runtime.block_on(future);
        runtime.shutdown_background();
        Ok(output)
    }
}

impl Stream for tokio::net::TcpStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.peer_addr().ok(), local: self.local_addr().ok() }
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.readable().await?;
            match self.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.writable().await?;
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }

    fn shut_down(&self) -> io::Result<()> {
        SockRef::from(self).shutdown(Shutdown::Write)
    }
}

pub(crate) struct Smol;

impl Runtime for Smol {
    type Connector = stagger_smol::TcpConnector;
    type Timer = stagger_smol::Timer;
    type Reactor = stagger_smol::Reactor;

    fn connector(options: TcpOptions) -> Self::Connector {
        Self::Connector::new(options)
    }

    fn timer() -> Self::Timer {
        stagger_smol::Timer
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        Ok(smol::block_on(future))
    }
}

impl Stream for smol::net::TcpStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.peer_addr().ok(), local: self.local_addr().ok() }
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(&mut self.clone(), buffer).await
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        AsyncWriteExt::write(&mut self.clone(), bytes).await
    }

    fn shut_down(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

pub(crate) struct AsyncStd;

impl Runtime for AsyncStd {
    type Connector = stagger_async_std::TcpConnector;
    type Timer = stagger_async_std::Timer;
    type Reactor = stagger_async_std::Reactor;

    fn connector(options: TcpOptions) -> Self::Connector {
        Self::Connector::new(options)
    }

    fn timer() -> Self::Timer {
        stagger_async_std::Timer
    }

    fn drive<F: Future>(future: F) -> io::Result<F::Output> {
        Ok(async_std::task::block_on(future))
    }
}

impl Stream for async_std::net::TcpStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.peer_addr().ok(), local: self.local_addr().ok() }
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(&mut &*self, buffer).await
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        AsyncWriteExt::write(&mut &*self, bytes).await
    }

    fn shut_down(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
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
