//! A stream for tests that sends nothing without a flush.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncWrite};

use super::{Ends, Stream};

/// One of two ends of a stream with the same state. Bytes that are written wait for a flush. A read
/// panics while bytes wait, because a peer may send nothing before it has received them.
#[derive(Clone, Default)]
pub(crate) struct Slow(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    reads: VecDeque<Vec<u8>>,
    waiting: Vec<u8>,
    sent: Vec<u8>,
    closed: bool,
}

impl Slow {
    /// Returns two ends. Reads return these texts, and then the end.
    pub(crate) fn ends(reads: &[&[u8]]) -> (Self, Self) {
        let end = Self::default();
        end.0.borrow_mut().reads = reads.iter().map(|text| text.to_vec()).collect();
        (end.clone(), end)
    }

    /// What was written and flushed.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.0.borrow().sent.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }
}

impl Stream for Slow {
    fn ends(&self) -> Ends {
        Ends::default()
    }
}

impl AsyncRead for Slow {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.borrow_mut();
        assert!(state.waiting.is_empty(), "bytes wait for a flush");
        let read = state.reads.pop_front().unwrap_or_default();
        buffer[..read.len()].copy_from_slice(&read);
        Poll::Ready(Ok(read.len()))
    }
}

impl AsyncWrite for Slow {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().waiting.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.borrow_mut();
        state.sent.append(&mut state.waiting);
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().poll_flush(cx);
        self.0.borrow_mut().closed = true;
        flushed
    }
}
