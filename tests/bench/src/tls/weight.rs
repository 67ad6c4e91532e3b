//! How many bytes a dial takes.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::pin::pin;
use std::task::Poll;

use smol::future::yield_now;
use stats_alloc::Stats;

use crate::{BoxError, Heap};

/// What one dial takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// The future.
    pub future: usize,
    /// What the future holds on the heap when it is new.
    pub new: usize,
    /// What it holds on the heap during a handshake, if it has one.
    pub handshake: Option<usize>,
}

/// Weighs dials to a server that accepts and then stalls.
pub(crate) struct Scale<'a> {
    heap: &'a Heap,
    listener: TcpListener,
    addr: String,
}

impl<'a> Scale<'a> {
    pub(crate) fn new(heap: &'a Heap) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?.to_string();
        Ok(Self { heap, listener, addr })
    }

    fn held(&self, since: Stats) -> usize {
        let taken = self.heap.stats() - since;
        taken.bytes_allocated - taken.bytes_deallocated
    }

    /// Weighs a dial that is never polled.
    pub(crate) fn weigh_new<F: Future>(&self, dial: impl FnOnce(&str) -> F) -> Weight {
        let before = self.heap.stats();
        let _dial = dial(&self.addr);
        Weight { future: size_of::<F>(), new: self.held(before), handshake: None }
    }

    /// Weighs a dial that is new, and then once more when its handshake has begun.
    ///
    /// # Errors
    ///
    /// The system's, or that of a dial which has ended.
    pub(crate) async fn weigh_handshake<F: Future>(
        &self,
        dial: impl FnOnce(&str) -> F,
    ) -> Result<Weight, BoxError> {
        let before = self.heap.stats();
        let mut dial = pin!(dial(&self.addr));
        let new = self.held(before);
        let mut accepted = None;
        loop {
            let is_pending = poll_fn(|cx| Poll::Ready(dial.as_mut().poll(cx).is_pending())).await;
            if !is_pending {
                return Err("a dial to a stalled server has ended".into());
            }
            if accepted.is_none() {
                accepted = unless_it_would_block(self.listener.accept())?;
            }
            // The handshake has begun when the client has said hello.
            if let Some((stream, _)) = &accepted {
                stream.set_nonblocking(true)?;
                if unless_it_would_block(stream.peek(&mut [0]))?.is_some() {
                    break;
                }
            }
            yield_now().await;
        }
        Ok(Weight { future: size_of::<F>(), new, handshake: Some(self.held(before)) })
    }
}

fn unless_it_would_block<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
