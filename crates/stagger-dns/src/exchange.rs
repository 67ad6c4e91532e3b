//! One question to one server.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::Timer;

use crate::client::Shared;
use crate::code;
use crate::error::Trouble;
use crate::message::{Received, Reply, Request};
use crate::network::Network;
use crate::question::Question;

/// How many datagrams that belong to something else one try reads before it goes on over TCP: 16.
///
/// The socket is new and hears one server alone, so such a datagram is hardly ever an honest
/// mistake: somebody guesses ids. RFC 5452 §9.3 allows to leave UDP then, where each datagram more
/// is a chance more. The number is ours; it bounds the work of a flood as well.
const MAX_STRAY: usize = 16;

pin_project! {
    /// One question to one server, over UDP and, where the reply does not fit, over TCP.
    ///
    /// A server that can't read a question with EDNS is asked once more without. Each message has
    /// the timeout anew.
    pub(crate) struct Exchange<N, T>
    where
        N: Network,
        T: Timer,
    {
        shared: Arc<Shared<N, T>>,
        server: SocketAddr,
        question: Question,
        request: Request,
        edns: bool,
        stray: usize,
        is_out: bool,
        // When the message that is out has had its time.
        deadline: Option<Instant>,
        over_tcp: bool,
        #[pin]
        datagrams: Option<N::Datagrams>,
        #[pin]
        reply: Option<N::Reply>,
        #[pin]
        alarm: Option<T::Sleep>,
    }
}

impl<N: Network, T: Timer> Exchange<N, T> {
    pub(crate) fn new(
        shared: Arc<Shared<N, T>>,
        server: SocketAddr,
        question: Question,
        request: Request,
    ) -> Self {
        let (edns, over_tcp) = (shared.config().edns0(), shared.config().use_vc());
        Self {
            shared,
            server,
            question,
            request,
            edns,
            stray: 0,
            is_out: false,
            deadline: None,
            over_tcp,
            datagrams: None,
            reply: None,
            alarm: None,
        }
    }
}

impl<N: Network, T: Timer> Future for Exchange<N, T> {
    type Output = Result<Reply, Trouble>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let now = self.shared.means.timer.now();
        loop {
            if !self.is_out {
                self.as_mut().send(now);
            }
            let Poll::Ready(bytes) = self.as_mut().poll_message(cx) else {
                return self.as_mut().poll_timeout(now, cx);
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => return Poll::Ready(Err(Trouble::Network(Arc::new(error)))),
            };
            let this = self.as_mut().project();
            match this.request.read(this.question, &bytes) {
                Received::Reply(reply) if reply.code() == code::FORMAT_ERROR && *this.edns => {
                    // It does not know EDNS (RFC 6891 §7).
                    *this.edns = false;
                    *this.request = Request::new(this.question, false);
                    *this.is_out = false;
                }
                Received::Reply(reply) => return Poll::Ready(Ok(reply)),
                Received::Malformed(what) => return Poll::Ready(Err(Trouble::Malformed(what))),
                Received::Truncated if *this.over_tcp => {
                    let what = "it is cut short, though it came over TCP";
                    return Poll::Ready(Err(Trouble::Malformed(what)));
                }
                Received::Truncated => {
                    *this.over_tcp = true;
                    *this.is_out = false;
                }
                Received::Stray if *this.over_tcp => {
                    let what = "it belongs to another question";
                    return Poll::Ready(Err(Trouble::Malformed(what)));
                }
                Received::Stray => {
                    *this.stray += 1;
                    if *this.stray == MAX_STRAY {
                        *this.over_tcp = true;
                        *this.is_out = false;
                    }
                }
            }
        }
    }
}

impl<N: Network, T: Timer> Exchange<N, T> {
    /// Sends the question, and closes what was open before.
    fn send(self: Pin<&mut Self>, now: Instant) {
        let mut this = self.project();
        this.datagrams.set(None);
        this.reply.set(None);
        this.alarm.set(None);
        *this.is_out = true;
        *this.deadline = Some(now + this.shared.config().timeout());
        let (network, message) = (&this.shared.means.network, this.request.bytes().to_vec());
        if *this.over_tcp {
            this.reply.set(Some(network.reply(*this.server, message)));
        } else {
            this.datagrams.set(Some(network.datagrams(*this.server, message)));
        }
    }

    /// The next message that comes back.
    fn poll_message(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let this = self.project();
        if let Some(datagrams) = this.datagrams.as_pin_mut() {
            let ended =
                || Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the socket is closed"));
            return Poll::Ready(ready!(datagrams.poll_next(cx)).unwrap_or_else(ended));
        }
        let reply = this.reply.as_pin_mut().expect("a question that is out waits for its reply");
        reply.poll(cx)
    }

    /// The clock decides; the alarm only wakes.
    fn poll_timeout(
        self: Pin<&mut Self>,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Trouble>> {
        let mut this = self.project();
        let deadline = this.deadline.expect("a question that is out has its time");
        if deadline <= now {
            return Poll::Ready(Err(Trouble::TimedOut(this.shared.config().timeout())));
        }
        if this.alarm.is_none() {
            this.alarm.set(Some(this.shared.means.timer.sleep_until(deadline)));
        }
        if this.alarm.as_mut().as_pin_mut().is_some_and(|alarm| alarm.poll(cx).is_ready()) {
            this.alarm.set(None);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
