//! The runtimes and executors that run a connect.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::resume_unwind;

use futures_lite::future;
use stagger::Dialer;
use stagger_net::TcpListener;

use crate::{Adapter, AsyncStd, Listed, Smol, Tokio};

/// A runtime, or a bare executor, with the adapter that fits it.
pub trait Runtime: 'static {
    /// The adapter.
    type Adapter: Adapter;

    /// Builds it.
    fn new() -> Self;

    /// Runs a future to its end, as this runtime runs a task; a panic of its is passed on.
    ///
    /// The bounds are those of the strictest runtime, so that every case shows that its futures
    /// keep them.
    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Runs futures beside each other to their ends, each as a task: of the runtime's own where its
    /// tasks have a share of its time, else of an executor within [`run`](Self::run). A panic of one
    /// is passed on.
    fn run_all<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.run(async move {
            let executor = async_executor::Executor::new();
            let tasks: Vec<_> = futures.into_iter().map(|one| executor.spawn(one)).collect();
            let all = async {
                let mut outputs = Vec::new();
                for task in tasks {
                    outputs.push(task.await);
                }
                outputs
            };
            executor.run(all).await
        })
    }
}

/// Tokio's tasks each have a budget, which those of another executor would have to share.
fn run_all_on_tokio<F>(runtime: &tokio::runtime::Runtime, futures: Vec<F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(|one| runtime.spawn(one)).collect();
    let joined = tasks.into_iter().map(|task| match runtime.block_on(task) {
        Ok(output) => output,
        Err(error) => resume_unwind(error.into_panic()),
    });
    joined.collect()
}

/// A dialer over listed addresses on the runtime `R`.
pub type DialerOf<R> = Dialer<
    Listed,
    <<R as Runtime>::Adapter as Adapter>::Connector,
    <<R as Runtime>::Adapter as Adapter>::Timer,
>;

/// A TCP listener on the runtime `R`.
pub type ListenerOf<R> = TcpListener<
    <<R as Runtime>::Adapter as Adapter>::Reactor,
    <<R as Runtime>::Adapter as Adapter>::Timer,
>;

/// A dialer for which every name has these addresses.
pub fn dialer<R: Runtime>(addrs: impl IntoIterator<Item = SocketAddr>) -> DialerOf<R> {
    R::Adapter::dialer().with_resolver(Listed::new(addrs))
}

/// Tokio on one thread: the future is polled by `block_on`.
#[derive(Debug)]
pub struct TokioCurrentThread(tokio::runtime::Runtime);

impl Runtime for TokioCurrentThread {
    type Adapter = Tokio;

    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Self(builder.enable_all().build().expect("a runtime can be built"))
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.block_on(future)
    }

    fn run_all<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        run_all_on_tokio(&self.0, futures)
    }
}

/// Tokio on two worker threads, one of which polls the future as a task.
#[derive(Debug)]
pub struct TokioMultiThread(tokio::runtime::Runtime);

impl Runtime for TokioMultiThread {
    type Adapter = Tokio;

    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        Self(builder.build().expect("a runtime can be built"))
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match self.0.block_on(self.0.spawn(future)) {
            Ok(output) => output,
            Err(error) => resume_unwind(error.into_panic()),
        }
    }

    fn run_all<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        run_all_on_tokio(&self.0, futures)
    }
}

/// `smol::block_on`, whose thread runs the reactor too.
#[derive(Debug)]
pub struct SmolBlockOn;

impl Runtime for SmolBlockOn {
    type Adapter = Smol;

    fn new() -> Self {
        Self
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        smol::block_on(future)
    }
}

/// `futures_lite::future::block_on`, which knows of no reactor.
#[derive(Debug)]
pub struct FuturesLite;

impl Runtime for FuturesLite {
    type Adapter = Smol;

    fn new() -> Self {
        Self
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        future::block_on(future)
    }
}

/// A bare `async-executor`, which knows of no reactor either; the future is a task of it.
#[derive(Debug)]
pub struct AsyncExecutor(async_executor::Executor<'static>);

impl Runtime for AsyncExecutor {
    type Adapter = Smol;

    fn new() -> Self {
        Self(async_executor::Executor::new())
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        future::block_on(self.0.run(self.0.spawn(future)))
    }
}

/// async-std's own executor, a thread of which polls the future as a task.
#[derive(Debug)]
pub struct AsyncStdTask;

impl Runtime for AsyncStdTask {
    type Adapter = AsyncStd;

    fn new() -> Self {
        Self
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        async_std::task::block_on(async_std::task::spawn(future))
    }
}
