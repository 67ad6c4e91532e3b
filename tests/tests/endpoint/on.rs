//! The runtimes, by the names of the crate's modules.

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use stagger::{Dialer, Timer};
use stagger_endpoint::{ClientEndpoint, Schemes, ServerEndpoint};
use stagger_tests::Listed;

/// How long a test may take. It bounds a failing test only.
const LIMIT: Duration = Duration::from_secs(30);

/// A runtime with its module.
pub(crate) trait On: 'static {
    type Stream: Send + 'static;
    type Timer: Timer<Sleep: Send> + Clone + Send + Sync + 'static;

    fn block_on<F: Future>(future: F) -> F::Output;
    fn timer() -> Self::Timer;

    /// Runs a future to its end. A future that hangs fails the test.
    fn run<F: Future>(future: F) -> F::Output {
        let timer = Self::timer();
        Self::block_on(async move {
            let late = timer.sleep_until(timer.now() + LIMIT);
            let late = async {
                late.await;
                panic!("the test hangs");
            };
            futures_lite::future::or(future, late).await
        })
    }

    /// Whether small writes are sent at once, for a stream of TCP.
    fn nodelay(stream: &Self::Stream) -> bool;
    fn schemes() -> Schemes<Self::Stream>;
    /// The schemes with a resolver that knows these addresses alone.
    fn schemes_at<const N: usize>(addrs: [SocketAddr; N]) -> Schemes<Self::Stream>;
    fn peer(stream: &Self::Stream) -> Option<&str>;
    fn alpn(stream: &Self::Stream) -> Option<Vec<u8>>;
    /// Writes, ends that direction, and reads the other to its end.
    fn exchange(
        stream: &mut Self::Stream,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>>;
    /// Plays an HTTP proxy that accepts every request.
    fn accept_connect(stream: &mut Self::Stream) -> impl Future<Output = io::Result<()>> + Send;
    /// Writes without an end, and reads as many bytes.
    fn echo(stream: &mut Self::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<Vec<u8>>>;
}

pub(crate) struct Tokio;
pub(crate) struct Smol;
pub(crate) struct AsyncStd;

macro_rules! on {
    ($name:ident, $module:ident, $adapter:ident, $tls:ident, $io:path, $close:ident, $tcp:path, $run:expr) => {
        impl On for $name {
            type Stream = stagger_endpoint::$module::BoxStream;
            type Timer = $adapter::Timer;

            fn block_on<F: Future>(future: F) -> F::Output {
                $run(future)
            }

            fn nodelay(stream: &Self::Stream) -> bool {
                let tcp: &$tcp = stream.downcast_ref().expect("it is a stream of TCP");
                tcp.nodelay().unwrap()
            }

            fn timer() -> Self::Timer {
                $adapter::Timer::default()
            }

            fn schemes() -> Schemes<Self::Stream> {
                stagger_endpoint::$module::schemes()
            }

            fn schemes_at<const N: usize>(addrs: [SocketAddr; N]) -> Schemes<Self::Stream> {
                let dialer: Dialer<_, _, _> = $adapter::dialer().with_resolver(Listed::new(addrs));
                Self::schemes().with_client("tcp", stagger_endpoint::$module::tcp(dialer))
            }

            fn peer(stream: &Self::Stream) -> Option<&str> {
                stream.peer()
            }

            fn alpn(stream: &Self::Stream) -> Option<Vec<u8>> {
                let tls: &stagger_tls::$tls::TlsStream<Self::Stream> = stream.downcast_ref()?;
                tls.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
            }

            async fn exchange(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<Vec<u8>> {
                use $io::{AsyncReadExt as _, AsyncWriteExt as _};

                stream.write_all(bytes).await?;
                stream.$close().await?;
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await?;
                Ok(answer)
            }

            async fn accept_connect(stream: &mut Self::Stream) -> io::Result<()> {
                use $io::{AsyncReadExt as _, AsyncWriteExt as _};

                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).await?;
                    head.push(byte[0]);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                stream.flush().await
            }

            async fn echo(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<Vec<u8>> {
                use $io::{AsyncReadExt as _, AsyncWriteExt as _};

                stream.write_all(bytes).await?;
                stream.flush().await?;
                let mut answer = vec![0; bytes.len()];
                stream.read_exact(&mut answer).await?;
                Ok(answer)
            }
        }
    };
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

on!(Tokio, tokio, stagger_tokio, tokio, tokio::io, shutdown, tokio::net::TcpStream, on_tokio);
on!(Smol, smol, stagger_smol, futures, futures_lite, close, smol::net::TcpStream, smol::block_on);
on!(
    AsyncStd,
    async_std,
    stagger_async_std,
    futures,
    futures_lite,
    close,
    async_std::net::TcpStream,
    async_std::task::block_on
);

/// Writes a module for each runtime, with a test for each case.
macro_rules! each_runtime {
    ($(alone $case:ident),* $(,)?) => {
        each_runtime!(@modules $($case {
            stagger_tests::process::alone(concat!(module_path!(), "::", stringify!($case)), CASE)
        })*);
    };
    ($($case:ident),* $(,)?) => {
        each_runtime!(@modules $($case { CASE() })*);
    };
    (@modules $($case:ident $run:tt)*) => {
        mod tokio {
            $(each_runtime!(@test $case Tokio $run);)*
        }
        mod smol {
            $(each_runtime!(@test $case Smol $run);)*
        }
        mod async_std {
            $(each_runtime!(@test $case AsyncStd $run);)*
        }
    };
    (@test $case:ident $on:ident $run:tt) => {
        #[test]
        fn $case() {
            const CASE: fn() = super::$case::<crate::on::$on>;
            $run
        }
    };
}

/// Sends everything back. It lives as long as the process.
pub(crate) fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut all = Vec::new();
                // The answer comes after the end, so it shows a half-close.
                let _ = stream.read_to_end(&mut all).and_then(|_| stream.write_all(&all));
            });
        }
    });
    addr
}

/// Makes a client endpoint.
pub(crate) fn client<O: On>(schemes: &Schemes<O::Stream>, text: &str) -> ClientEndpoint<O::Stream> {
    schemes.client(text).unwrap_or_else(|error| panic!("{error}: {error:?}\n{}", error.pointed()))
}

/// Makes a server endpoint.
pub(crate) fn server<O: On>(text: &str) -> ServerEndpoint<O::Stream> {
    let server = O::schemes().server(text);
    server.unwrap_or_else(|error| panic!("{error}: {error:?}\n{}", error.pointed()))
}
