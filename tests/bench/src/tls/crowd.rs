//! Very many connects with TLS at once, and what they leave behind.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use smol::Executor;
use smol::channel::{Sender, bounded};
use stagger::Policy;
use stagger_testkit::tls::Authority;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::{NAMES, Serving, ready};
use super::{Listed, Secure};
use crate::server::reset;
use crate::{BoxError, Smol, Tokio};

/// How many threads run the tasks.
const THREADS: usize = 2;

/// One connect in so many goes to a name whose first address is stalled.
const STALLED: u32 = 3;

/// How long a task that has ended may take to go before it counts as left behind. It bounds a
/// failing run only.
const PATIENCE: Duration = Duration::from_secs(60);

/// TLS servers for any number of connections, in a process of their own. Two send back one byte.
/// One accepts and then stalls.
#[derive(Debug)]
pub struct CrowdServer(Serving);

impl CrowdServer {
    /// Starts this very program as the servers, with the argument `--serve`, and waits until they
    /// listen.
    ///
    /// # Errors
    ///
    /// The system's, or that of servers which did not start.
    pub fn start() -> Result<Self, BoxError> {
        Serving::start().map(Self)
    }

    /// Is the servers, until the parent is gone.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn serve() -> Result<(), BoxError> {
        let authority = Authority::new()?;
        let acceptor = TlsAcceptor::from(authority.issue(NAMES)?.server()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut listeners = Vec::new();
            for host in 1..=3 {
                listeners.push(TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), 0)).await?);
            }
            let addrs = listeners.iter().map(TcpListener::local_addr);
            ready(&authority, &addrs.collect::<Result<Vec<_>, _>>()?)?;
            let [first, second, stalled] = listeners.try_into().expect("there are three");
            tokio::try_join!(
                echo(first, acceptor.clone()),
                echo(second, acceptor),
                stall(stalled)
            )?;
            Ok(())
        })
    }

    /// The two servers that answer.
    fn prompt(&self) -> [SocketAddr; 2] {
        [self.0.addrs[0], self.0.addrs[1]]
    }

    /// The server that stalls, and one that answers.
    fn stalled(&self) -> [SocketAddr; 2] {
        [self.0.addrs[2], self.0.addrs[0]]
    }
}

async fn echo(listener: TcpListener, acceptor: TlsAcceptor) -> Result<(), BoxError> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let handshake = acceptor.accept(socket);
        tokio::spawn(async move {
            let mut stream = handshake.await?;
            let byte = stream.read_u8().await?;
            stream.write_u8(byte).await?;
            stream.flush().await?;
            // Until the client resets the connection.
            stream.read_u8().await
        });
    }
}

async fn stall(listener: TcpListener) -> Result<(), BoxError> {
    loop {
        let (mut socket, _) = listener.accept().await?;
        // Says nothing until the client closes.
        tokio::spawn(async move { tokio::io::copy(&mut socket, &mut tokio::io::sink()).await });
    }
}

/// A runtime that runs tasks on two threads.
pub trait Crowd: Sized {
    /// The runtime with the dialers.
    type Side: Secure;

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// The system's.
    fn new() -> Result<Self, BoxError>;

    /// Runs tasks at once to their ends.
    ///
    /// # Errors
    ///
    /// That of the first that failed, in their order.
    fn run_all<F>(&self, tasks: Vec<F>) -> Result<(), BoxError>
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static;

    /// Whether no task is left.
    fn is_idle(&self) -> bool;
}

/// tokio's runtime for several threads.
#[derive(Debug)]
pub struct TokioCrowd(tokio::runtime::Runtime);

impl Crowd for TokioCrowd {
    type Side = Tokio;

    fn new() -> Result<Self, BoxError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Ok(Self(builder.worker_threads(THREADS).enable_all().build()?))
    }

    fn run_all<F>(&self, tasks: Vec<F>) -> Result<(), BoxError>
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let tasks: Vec<_> = tasks.into_iter().map(|task| self.0.spawn(task)).collect();
        self.0.block_on(async {
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    }

    fn is_idle(&self) -> bool {
        self.0.metrics().num_alive_tasks() == 0
    }
}

/// smol's executor on several threads.
#[derive(Debug)]
pub struct SmolCrowd {
    executor: Arc<Executor<'static>>,
    threads: Vec<JoinHandle<()>>,
    /// Ends the threads when it is dropped.
    running: Option<Sender<()>>,
}

impl Crowd for SmolCrowd {
    type Side = Smol;

    fn new() -> Result<Self, BoxError> {
        let executor = Arc::new(Executor::new());
        let (running, over) = bounded::<()>(1);
        let threads = (0..THREADS).map(|_| {
            let (executor, over) = (Arc::clone(&executor), over.clone());
            thread::spawn(move || {
                // A closed channel is the end.
                let _ = smol::block_on(executor.run(over.recv()));
            })
        });
        Ok(Self { threads: threads.collect(), executor, running: Some(running) })
    }

    fn run_all<F>(&self, tasks: Vec<F>) -> Result<(), BoxError>
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let tasks: Vec<_> = tasks.into_iter().map(|task| self.executor.spawn(task)).collect();
        smol::block_on(async {
            for task in tasks {
                task.await?;
            }
            Ok(())
        })
    }

    fn is_idle(&self) -> bool {
        self.executor.is_empty()
    }
}

impl Drop for SmolCrowd {
    fn drop(&mut self) {
        drop(self.running.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What the connects were.
#[derive(Clone, Copy, Debug)]
pub struct Crowded {
    /// How many went to a name whose first address is stalled.
    pub stalled: u32,
    /// How long all connects took together.
    pub took: Duration,
}

/// Connects so many times with so many connects in flight. A third goes to names whose first
/// address is stalled. On each connection, one byte goes to the server and back. It returns when
/// the runtime has no task left.
///
/// # Errors
///
/// Those of a connect, a connection to the wrong address or too early, or a task that is left.
pub fn crowd<C: Crowd>(
    crowd: &C,
    server: &CrowdServer,
    connects: u32,
    in_flight: u32,
) -> Result<Crowded, BoxError> {
    let addrs = Listed { prompt: server.prompt(), stalled: server.stalled() };
    let dialer = C::Side::dialer(addrs, server.0.client(false)?);
    let (next, stalled) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let began = Instant::now();
    let tasks = (0..in_flight).map(|_| {
        let (dialer, next, stalled) = (dialer.clone(), Arc::clone(&next), Arc::clone(&stalled));
        let [prompt, expected] = [server.prompt(), server.stalled()];
        async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= connects {
                    return Ok(());
                }
                let began = Instant::now();
                let is_stalled = number % STALLED == 0;
                let name = if is_stalled { "stalled" } else { "prompt" };
                let target = format!("{name}{number}.stagger.test:443");
                let mut stream = C::Side::dial(&dialer, target.parse()?).await?;
                let took = began.elapsed();
                let peer = C::Side::peer(&stream)?;
                if is_stalled {
                    stalled.fetch_add(1, Ordering::Relaxed);
                    if peer != expected[1] || took < Policy::ATTEMPT_DELAY {
                        return Err(format!("{target} is {peer} after {took:?}").into());
                    }
                } else if !prompt.contains(&peer) {
                    return Err(format!("{target} is {peer}").into());
                }
                let byte = number as u8;
                C::Side::write_byte(&mut stream, byte).await?;
                if C::Side::read_byte(&mut stream).await? != byte {
                    return Err(format!("{target} sent another byte").into());
                }
                reset(C::Side::parts(&stream).0)?;
            }
        }
    });
    crowd.run_all(tasks.collect())?;
    let took = began.elapsed();
    let ended = Instant::now();
    while !crowd.is_idle() {
        if ended.elapsed() > PATIENCE {
            return Err("tasks are left".into());
        }
        thread::yield_now();
    }
    Ok(Crowded { stalled: stalled.load(Ordering::Relaxed), took })
}
