//! The ways to connect that are compared, runtime by runtime.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{self, Write as _};
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use smol::io::AsyncWriteExt as _;
use stagger::Timer;
use stagger_dns::{DnsResolver, Sockets};
use stagger_net::{Accept, Register, SystemResolver};
use tokio::io::AsyncWriteExt as _;
use tower_service::Service as _;

use crate::{Heap, Race, weigh};

/// What goes wrong in a measurement.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A way to connect to a text such as `127.0.0.1:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The runtime's own `TcpStream::connect`: what the others are compared with.
    Own,
    /// A dialer of ours that is kept.
    Dialer,
    /// Our `connect`, which makes a dialer each time.
    Connect,
    /// hyper-util's `HttpConnector`, kept.
    Hyper,
    /// The standard library's `TcpStream::connect`, which blocks.
    Std,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::Dialer => "dialer",
            Self::Connect => "connect",
            Self::Hyper => "hyper",
            Self::Std => "std",
        })
    }
}

/// Where to connect to, in the form that each way takes.
#[derive(Clone, Debug)]
pub struct Place {
    text: String,
    uri: Uri,
}

impl Place {
    /// A host and a port as text.
    ///
    /// # Errors
    ///
    /// A text that is no authority of a URI.
    pub fn new(text: String) -> Result<Self, BoxError> {
        let uri = format!("http://{text}/").parse()?;
        Ok(Self { text, uri })
    }
}

/// A connection by any way.
#[derive(Debug)]
pub enum Stream<S> {
    /// The runtime's own.
    Own(S),
    /// The standard library's.
    Std(net::TcpStream),
}

impl<S: AsFd> AsFd for Stream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Own(stream) => stream.as_fd(),
            Self::Std(stream) => stream.as_fd(),
        }
    }
}

/// An adapter's resolver over DNS.
pub type Dns<R, T> = DnsResolver<Sockets<R>, T, SystemResolver<T>>;

/// A task for one thread.
pub type LocalTask = Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

/// A runtime with every way to connect on it.
pub trait Side {
    /// The runtime's name.
    const NAME: &'static str;
    /// The ways on it, [`Way::Own`] first.
    const WAYS: &'static [Way];
    /// The runtime's own stream.
    type Stream: AsFd;
    /// The adapter's reactor.
    type Reactor: Register<net::TcpStream, Socket: Send, Stream = Self::Stream>
        + Accept<net::TcpListener, Stream = Self::Stream>
        + Register<net::UdpSocket, Socket: Send>
        + Clone
        + Default
        + Send
        + Sync
        + 'static;
    /// The adapter's timer.
    type Timer: Timer<Sleep: Send> + Clone + Default + Send + Sync + 'static;
    /// The runtime's own listener.
    type Listener;

    /// Builds it.
    ///
    /// # Errors
    ///
    /// The system's.
    fn new() -> Result<Self, BoxError>
    where
        Self: Sized;

    /// Runs a future on this thread.
    fn run<F: Future>(&self, future: F) -> F::Output;

    /// Runs tasks beside each other to their ends, on one thread, each as the runtime runs a task.
    ///
    /// # Errors
    ///
    /// That of the first that failed, in their order; the others may be dropped then.
    fn run_all<F>(&self, tasks: impl Iterator<Item = F>) -> Result<(), BoxError>
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static;

    /// Runs tasks that may hold what is not `Send` beside each other to their ends, on this thread.
    ///
    /// # Errors
    ///
    /// That of the first that failed, in their order.
    fn run_local(&self, tasks: Vec<LocalTask>) -> Result<(), BoxError>;

    /// The adapter's resolver over DNS, as the machine is set up.
    fn dns() -> Dns<Self::Reactor, Self::Timer>;

    /// Connects one way.
    fn connect(
        &self,
        way: Way,
        place: &Place,
    ) -> impl Future<Output = Result<Stream<Self::Stream>, BoxError>>;

    /// Writes all bytes to the runtime's own stream.
    fn write(stream: &mut Self::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<()>>;

    /// Writes all bytes to a connection by any way.
    fn write_any(
        stream: &mut Stream<Self::Stream>,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> {
        async move {
            match stream {
                Stream::Own(stream) => Self::write(stream, bytes).await,
                Stream::Std(stream) => stream.write_all(bytes),
            }
        }
    }

    /// Makes a listening socket, which is non-blocking, the runtime's own listener.
    ///
    /// # Errors
    ///
    /// The system's.
    fn listener(socket: net::TcpListener) -> io::Result<Self::Listener>;

    /// Accepts by the runtime's own listener.
    fn accept(
        listener: &Self::Listener,
    ) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>>;

    /// [Weighs](weigh) races that are as large as ours on this runtime.
    fn weigh(heap: &Heap, races: usize) -> Race;
}

/// tokio on one thread.
#[derive(Debug)]
pub struct Tokio {
    runtime: tokio::runtime::Runtime,
    dialer: stagger_tokio::Dialer,
    http: HttpConnector,
}

impl Side for Tokio {
    const NAME: &'static str = "tokio";
    const WAYS: &'static [Way] = &[Way::Own, Way::Dialer, Way::Connect, Way::Hyper, Way::Std];
    type Stream = tokio::net::TcpStream;
    type Reactor = stagger_tokio::Reactor;
    type Timer = stagger_tokio::Timer;
    type Listener = tokio::net::TcpListener;

    fn new() -> Result<Self, BoxError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, dialer: stagger_tokio::dialer(), http: HttpConnector::new() })
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn run_all<F>(&self, tasks: impl Iterator<Item = F>) -> Result<(), BoxError>
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let tasks: Vec<_> = tasks.map(|task| self.runtime.spawn(task)).collect();
        self.run(async {
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    }

    fn run_local(&self, tasks: Vec<LocalTask>) -> Result<(), BoxError> {
        let local = tokio::task::LocalSet::new();
        let tasks: Vec<_> = tasks.into_iter().map(|task| local.spawn_local(task)).collect();
        local.block_on(&self.runtime, async {
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    }

    fn dns() -> Dns<Self::Reactor, Self::Timer> {
        stagger_tokio::DnsResolver::system()
    }

    async fn connect(&self, way: Way, place: &Place) -> Result<Stream<Self::Stream>, BoxError> {
        let text = place.text.as_str();
        Ok(Stream::Own(match way {
            Way::Own => tokio::net::TcpStream::connect(text).await?,
            Way::Dialer => self.dialer.connect(text).await?,
            Way::Connect => stagger_tokio::connect(text).await?,
            // hyper's client clones its connector for each connection, too.
            Way::Hyper => self.http.clone().call(place.uri.clone()).await?.into_inner(),
            Way::Std => return Ok(Stream::Std(net::TcpStream::connect(text)?)),
        }))
    }

    async fn write(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }

    fn listener(socket: net::TcpListener) -> io::Result<Self::Listener> {
        tokio::net::TcpListener::from_std(socket)
    }

    async fn accept(listener: &Self::Listener) -> io::Result<(Self::Stream, SocketAddr)> {
        listener.accept().await
    }

    fn weigh(heap: &Heap, races: usize) -> Race {
        use stagger_tokio::{SystemResolver, TcpConnector, Timer};
        weigh::<TcpConnector, SystemResolver, Timer>(heap, races)
    }
}

macro_rules! side {
    ($side:ident, $name:literal, $adapter:ident, $stream:ty, $listener:ty, $run:path, $run_all:path) => {
        #[doc = concat!($name, "'s `block_on`, on this thread.")]
        #[derive(Debug)]
        pub struct $side {
            dialer: $adapter::Dialer,
        }

        impl Side for $side {
            const NAME: &'static str = $name;
            const WAYS: &'static [Way] = &[Way::Own, Way::Dialer, Way::Connect];
            type Stream = $stream;
            type Reactor = $adapter::Reactor;
            type Timer = $adapter::Timer;
            type Listener = $listener;

            fn new() -> Result<Self, BoxError> {
                Ok(Self { dialer: $adapter::dialer() })
            }

            fn run<F: Future>(&self, future: F) -> F::Output {
                $run(future)
            }

            fn run_all<F>(&self, tasks: impl Iterator<Item = F>) -> Result<(), BoxError>
            where
                F: Future<Output = Result<(), BoxError>> + Send + 'static,
            {
                $run_all(tasks)
            }

            fn run_local(&self, tasks: Vec<LocalTask>) -> Result<(), BoxError> {
                let executor = smol::LocalExecutor::new();
                let tasks: Vec<_> = tasks.into_iter().map(|task| executor.spawn(task)).collect();
                $run(executor.run(async {
                    for task in tasks {
                        task.await?;
                    }
                    Ok(())
                }))
            }

            fn dns() -> Dns<Self::Reactor, Self::Timer> {
                $adapter::DnsResolver::system()
            }

            async fn connect(
                &self,
                way: Way,
                place: &Place,
            ) -> Result<Stream<Self::Stream>, BoxError> {
                let text = place.text.as_str();
                Ok(Stream::Own(match way {
                    Way::Own => <$stream>::connect(text).await?,
                    Way::Dialer => self.dialer.connect(text).await?,
                    Way::Connect => $adapter::connect(text).await?,
                    Way::Hyper | Way::Std => return Err(format!("no {way} on {}", $name).into()),
                }))
            }

            async fn write(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
                stream.write_all(bytes).await
            }

            fn listener(socket: net::TcpListener) -> io::Result<Self::Listener> {
                socket.try_into().map_err(io::Error::other)
            }

            async fn accept(listener: &Self::Listener) -> io::Result<(Self::Stream, SocketAddr)> {
                listener.accept().await
            }

            fn weigh(heap: &Heap, races: usize) -> Race {
                use $adapter::{SystemResolver, TcpConnector, Timer};
                weigh::<TcpConnector, SystemResolver, Timer>(heap, races)
            }
        }
    };
}

side!(
    Smol,
    "smol",
    stagger_smol,
    async_net::TcpStream,
    async_net::TcpListener,
    smol::block_on,
    run_all_on_smol
);
side!(
    AsyncStd,
    "async-std",
    stagger_async_std,
    async_std::net::TcpStream,
    async_std::net::TcpListener,
    async_std::task::block_on,
    run_all_on_async_std
);

fn run_all_on_smol<F>(tasks: impl Iterator<Item = F>) -> Result<(), BoxError>
where
    F: Future<Output = Result<(), BoxError>> + 'static,
{
    let executor = smol::LocalExecutor::new();
    let tasks: Vec<_> = tasks.map(|task| executor.spawn(task)).collect();
    smol::block_on(executor.run(async {
        for task in tasks {
            task.await?;
        }
        Ok(())
    }))
}

/// On as many threads as `ASYNC_STD_THREAD_COUNT` says, which is for the program to set to 1.
fn run_all_on_async_std<F>(tasks: impl Iterator<Item = F>) -> Result<(), BoxError>
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let tasks: Vec<_> = tasks.map(async_std::task::spawn).collect();
    async_std::task::block_on(async {
        for task in tasks {
            task.await?;
        }
        Ok(())
    })
}
