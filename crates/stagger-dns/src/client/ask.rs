//! One question on its way through the servers.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use stagger::Timer;

use super::Shared;
use super::exchange::{Exchange, Incoming};
use super::machine::{Heard, Id, Limits, Machine};
use crate::error::{ServerError, Trouble};
use crate::message::Reply;
use crate::network::Network;
use crate::question::Question;

/// How many messages one poll sends before it lets others run, if they all fail at once: 32. The
/// number is ours.
const MESSAGES_PER_POLL: usize = 32;

pin_project! {
    /// One question on its way through the servers. It yields a reply that says what there is, or
    /// what each server did instead.
    pub(crate) struct Ask<N, T>
    where
        N: Network,
        T: Timer,
    {
        shared: Arc<Shared<N, T>>,
        question: Question,
        machine: Option<Machine>,
        // Mostly there is one message.
        #[pin]
        first: Option<Exchange<N>>,
        more: Vec<Pin<Box<Exchange<N>>>>,
        // The message whose reply was handed out.
        answered: Option<Id>,
        due: Option<Instant>,
        #[pin]
        alarm: Option<T::Sleep>,
    }
}

impl<N: Network, T: Timer> Ask<N, T> {
    pub(super) fn new(shared: Arc<Shared<N, T>>, question: Question) -> Self {
        Self {
            shared,
            question,
            machine: None,
            first: None,
            more: Vec::new(),
            answered: None,
            due: None,
            alarm: None,
        }
    }

    /// The next reply, or what each server did.
    pub(crate) fn poll_reply(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Vec<ServerError>>> {
        let now = self.shared.means.timer.now();
        if self.machine.is_none() {
            self.as_mut().begin(now);
        }
        for _ in 0..MESSAGES_PER_POLL {
            if let Poll::Ready(reply) = self.as_mut().poll_messages(now, cx) {
                return Poll::Ready(Ok(reply));
            }
            if !self.as_mut().send_next(now) {
                return self.poll_time(now, cx);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn begin(self: Pin<&mut Self>, now: Instant) {
        let this = self.project();
        let config = this.shared.config();
        let first = match config.rotate() {
            true => lot() % config.servers().len(),
            false => 0,
        };
        let entrants = this.shared.standings().line_up(first, config.edns0(), now);
        let limits =
            Limits { timeout: config.timeout(), attempts: config.attempts(), tcp: config.use_vc() };
        *this.machine = Some(Machine::new(entrants, limits, now));
    }

    /// Sends what is due, if anything is, and closes what nobody waits for any more.
    fn send_next(self: Pin<&mut Self>, now: Instant) -> bool {
        let mut this = self.project();
        let machine = this.machine.as_mut().expect("it has begun");
        let next = machine.next(now);
        if Option::as_ref(&this.first).is_some_and(|exchange| !machine.is_out(exchange.id())) {
            this.first.set(None);
        }
        this.more.retain(|exchange| machine.is_out(exchange.id()));
        let Some(message) = next else { return false };
        let address = this.shared.config().servers()[message.server];
        let network = &this.shared.means.network;
        let exchange = Exchange::new(network, address, this.question, message);
        match this.first.is_none() {
            true => this.first.set(Some(exchange)),
            false => this.more.push(Box::pin(exchange)),
        }
        true
    }

    /// Hears all messages that are out.
    fn poll_messages(self: Pin<&mut Self>, now: Instant, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut this = self.project();
        let machine = this.machine.as_mut().expect("it has begun");
        let first = this.first.as_mut().as_pin_mut().into_iter();
        for mut exchange in first.chain(this.more.iter_mut().map(Pin::as_mut)) {
            let id = exchange.id();
            // What a message has led to may end others.
            while machine.is_out(id) {
                match exchange.as_mut().poll_incoming(this.question, cx) {
                    Poll::Pending => break,
                    Poll::Ready(Incoming::Else(heard)) => machine.hear(id, heard, now),
                    Poll::Ready(Incoming::Reply(reply)) => {
                        *this.answered = Some(id);
                        return Poll::Ready(reply);
                    }
                }
            }
        }
        Poll::Pending
    }

    /// Waits for the machine's next time. The clock decides; the alarm only wakes.
    fn poll_time(
        self: Pin<&mut Self>,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Vec<ServerError>>> {
        let mut this = self.project();
        let Some(due) = this.machine.as_ref().and_then(Machine::timeout) else {
            let machine = this.machine.take().expect("it has begun");
            debug_assert!(machine.is_over(), "it waits for something");
            return Poll::Ready(Err(machine.into_errors(this.shared.config().servers())));
        };
        // One that wakes too early does no harm; what it was for may be over.
        if this.alarm.is_none() || this.due.is_none_or(|alarm| due < alarm || alarm <= now) {
            *this.due = Some(due);
            this.alarm.set(Some(this.shared.means.timer.sleep_until(due)));
        }
        if this.alarm.as_mut().as_pin_mut().is_some_and(|alarm| alarm.poll(cx).is_ready()) {
            this.alarm.set(None);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The reply that was handed out is of no use: the server has failed.
    pub(crate) fn fail(self: Pin<&mut Self>, trouble: Trouble) {
        let this = self.project();
        let id = this.answered.take().expect("a reply was handed out");
        let machine = this.machine.as_mut().expect("it has begun");
        machine.hear(id, Heard::Failed(trouble), this.shared.means.timer.now());
    }

    /// The reply that was handed out is an answer. All that is out is closed.
    ///
    /// Says whose answer it is.
    pub(crate) fn accept(self: Pin<&mut Self>) -> SocketAddr {
        let mut this = self.project();
        let id = this.answered.take().expect("a reply was handed out");
        let machine = this.machine.take().expect("it has begun");
        let now = this.shared.means.timer.now();
        this.first.set(None);
        this.more.clear();
        this.alarm.set(None);
        let answered = machine.answer(id, now);
        let mut standings = this.shared.standings();
        standings.answered(answered.server, answered.round_trip, answered.edns, now);
        for server in machine.left_behind(id, now) {
            standings.left_behind(server, now);
        }
        this.shared.config().servers()[answered.server]
    }
}

/// A number that nobody can guess, and that says nothing of another: `std` seeds each of its hashers
/// anew from the system's random numbers.
fn lot() -> usize {
    RandomState::new().build_hasher().finish() as usize
}
