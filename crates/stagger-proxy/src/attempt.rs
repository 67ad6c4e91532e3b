//! An attempt through a proxy: a connect to it, then the exchange.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use stagger::connect::Progress;

use crate::ProxyIo;
use crate::error::{ConnectError, Fault, ProxyError};
use crate::machine::{Machine, Next};
use crate::settings::Settings;

/// The bytes that are read at once: 64. A proxy's answer is usually shorter. The number is ours.
const BUFFER: usize = 64;

pin_project! {
    /// An attempt through a proxy: first the inner connector's attempt, then the exchange.
    ///
    /// It reads no byte beyond the proxy's answer.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner attempt or its stream.
    #[must_use = "futures do nothing unless polled"]
    pub struct ProxyAttempt<F, S, K> {
        #[pin]
        stage: Stage<F, S>,
        settings: Settings,
        kind: PhantomData<fn() -> K>,
    }
}

pin_project! {
    #[project = Projection]
    enum Stage<F, S> {
        Refused { error: Option<ProxyError> },
        Connecting {
            #[pin]
            connecting: F,
            // The exchange, until it begins.
            machine: Option<Machine>,
            progress: Progress,
        },
        Exchange { stream: Option<S>, machine: Machine, is_flushed: bool },
    }
}

impl<F, S, K> ProxyAttempt<F, S, K> {
    pub(crate) fn new(
        connecting: F,
        machine: Machine,
        progress: Progress,
        settings: Settings,
    ) -> Self {
        let stage = Stage::Connecting { connecting, machine: Some(machine), progress };
        Self { stage, settings, kind: PhantomData }
    }

    /// An attempt that fails at once, without a connect.
    pub(crate) fn refused(error: ProxyError, settings: Settings) -> Self {
        Self { stage: Stage::Refused { error: Some(error) }, settings, kind: PhantomData }
    }
}

impl<F, S, E, K> Future for ProxyAttempt<F, S, K>
where
    F: Future<Output = Result<S, E>>,
    K: ProxyIo<S>,
{
    type Output = Result<S, ConnectError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const OVER: &str = "an attempt was polled after it had ended";

        let this = self.project();
        let (mut stage, settings) = (this.stage, this.settings);
        loop {
            match stage.as_mut().project() {
                Projection::Refused { error } => {
                    return Poll::Ready(Err(ConnectError::Proxy(error.take().expect(OVER))));
                }
                Projection::Connecting { connecting, machine, progress } => {
                    let stream = ready!(connecting.poll(cx)).map_err(ConnectError::Transport)?;
                    progress.made();
                    let machine = machine.take().expect(OVER);
                    stage.set(Stage::Exchange { stream: Some(stream), machine, is_flushed: true });
                }
                Projection::Exchange { stream, machine, is_flushed } => {
                    let open = stream.as_mut().expect(OVER);
                    let done = ready!(exchange::<S, K>(open, machine, is_flushed, cx));
                    let stream = stream.take().expect(OVER);
                    return Poll::Ready(match done {
                        Ok(()) => Ok(stream),
                        Err(fault) => Err(ConnectError::Proxy(settings.error(fault))),
                    });
                }
            }
        }
    }
}

/// Does what the machine asks for.
fn exchange<S, K: ProxyIo<S>>(
    stream: &mut S,
    machine: &mut Machine,
    is_flushed: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Fault>> {
    loop {
        match machine.next() {
            Next::Write(bytes) => {
                let written = ready!(K::poll_write(stream, cx, bytes));
                *is_flushed = false;
                match written.map_err(|error| Fault::io(error, machine.step(), "write"))? {
                    0 => return Poll::Ready(Err(machine.closed())),
                    count => machine.wrote(count),
                }
            }
            Next::Read(_) if !*is_flushed => {
                let flushed = ready!(K::poll_flush(stream, cx));
                flushed.map_err(|error| Fault::io(error, machine.step(), "write"))?;
                *is_flushed = true;
            }
            Next::Read(most) => {
                let mut buffer = [0; BUFFER];
                let room = &mut buffer[..most.min(BUFFER)];
                let read = ready!(K::poll_read(stream, cx, room));
                match read.map_err(|error| Fault::io(error, machine.step(), "read"))? {
                    0 => return Poll::Ready(Err(machine.closed())),
                    count => machine.received(&buffer[..count])?,
                }
            }
            Next::Done => return Poll::Ready(Ok(())),
        }
    }
}

#[cfg(all(test, feature = "futures"))]
mod tests {
    use std::future;
    use std::io;

    use futures_io::{AsyncRead, AsyncWrite};
    use stagger::{Candidate, Connector as _, Target, connect::connector_fn};

    use crate::ProxyErrorKind;
    use crate::futures::Socks5;

    use super::*;

    /// A proxy in memory that sees only what was flushed, and takes so many bytes at a time.
    struct Buffered {
        at_once: usize,
        buffer: usize,
        flushed: usize,
        answered: usize,
    }

    /// How many bytes must have been flushed before each answer, and the answer.
    const ANSWERS: [(usize, &[u8]); 2] = [(3, b"\x05\0"), (3 + 18, b"\x05\0\0\x01\0\0\0\0\0\0")];

    impl AsyncRead for Buffered {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let ready = ANSWERS.iter().filter(|(flushed, _)| *flushed <= self.flushed);
            let bytes: Vec<u8> = ready.flat_map(|(_, answer)| *answer).copied().collect();
            let rest = &bytes[self.answered..];
            if rest.is_empty() {
                return Poll::Pending;
            }
            let count = rest.len().min(buffer.len()).min(self.at_once);
            buffer[..count].copy_from_slice(&rest[..count]);
            self.answered += count;
            Poll::Ready(Ok(count))
        }
    }

    impl AsyncWrite for Buffered {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(self.at_once);
            self.buffer += count;
            Poll::Ready(Ok(count))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed = self.buffer;
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Polls an attempt over this stream once.
    fn attempt(at_once: usize) -> Option<Result<Buffered, ConnectError<io::Error>>> {
        let inner = connector_fn(move |_: Target| {
            future::ready(Ok(Buffered { at_once, buffer: 0, flushed: 0, answered: 0 }))
        });
        let proxy = Socks5::new(inner, "proxy.example:1080".parse().unwrap());
        let target = Target::parse("example.com:443").unwrap();
        let attempt = proxy.connect(Candidate::new(target));
        futures_lite::future::block_on(futures_lite::future::poll_once(attempt))
    }

    #[test]
    fn what_is_written_is_flushed_before_an_answer_is_read() {
        for at_once in [1, 2, 1000] {
            let stream = attempt(at_once).expect("nothing is waited for").expect("it connects");
            assert_eq!((stream.buffer, stream.flushed), (3 + 18, 3 + 18));
        }
    }

    #[test]
    fn a_stream_that_takes_no_bytes_is_closed() {
        let Some(Err(ConnectError::Proxy(error))) = attempt(0) else { panic!("it connects") };
        assert_eq!(error.kind(), ProxyErrorKind::Closed);
    }
}
