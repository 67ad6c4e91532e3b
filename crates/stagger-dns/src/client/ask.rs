//! The future that asks one question, until a server answers or all have failed.

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

use super::exchange::{Exchange, ExchangeOutput};
use super::server_race::{MessageEvent, MessageId, QueryLimits, ServerRace};
use super::state::ClientState;
use crate::dns_error::{ServerError, Trouble};
use crate::message::Reply;
use crate::network::seam::Network;
use crate::question::Question;

/// How many messages one poll sends before it lets others run, if they all fail at once: 32. The
/// number is ours.
const MESSAGES_PER_POLL: usize = 32;

pin_project! {
    /// Asks one question, until a server answers or all have failed.
    ///
    /// It yields replies that say whether the name exists. When no server is left, it yields the
    /// failure of each server.
    pub(crate) struct AskServers<N, T>
    where
        N: Network,
        T: Timer,
    {
        state: Arc<ClientState<N, T>>,
        question: Question,
        race: Option<ServerRace>,
        // Usually there is one message.
        #[pin]
        first: Option<Exchange<N>>,
        more: Vec<Pin<Box<Exchange<N>>>>,
        // The message whose reply was returned.
        answered: Option<MessageId>,
        due: Option<Instant>,
        #[pin]
        alarm: Option<T::Sleep>,
    }
}

impl<N: Network, T: Timer> AskServers<N, T> {
    pub(super) fn new(state: Arc<ClientState<N, T>>, question: Question) -> Self {
        Self {
            state,
            question,
            race: None,
            first: None,
            more: Vec::new(),
            answered: None,
            due: None,
            alarm: None,
        }
    }

    /// Returns the next reply, or the failure of each server.
    pub(crate) fn poll_reply(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Vec<ServerError>>> {
        let now = self.state.runtime.timer.now();
        if self.race.is_none() {
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
        let config = this.state.config();
        let first = match config.rotate() {
            true => random() % config.servers().len(),
            false => 0,
        };
        let ranked = this.state.histories().ranking(first, config.edns0(), now);
        let limits = QueryLimits {
            timeout: config.timeout(),
            attempts: config.attempts(),
            tcp: config.use_vc(),
        };
        *this.race = Some(ServerRace::new(ranked, limits, now));
    }

    /// Sends the message that is due, if there is one, and closes exchanges that are over.
    fn send_next(self: Pin<&mut Self>, now: Instant) -> bool {
        let mut this = self.project();
        let race = this.race.as_mut().expect("it has begun");
        let next = race.next(now);
        if Option::as_ref(&this.first).is_some_and(|exchange| !race.is_sent(exchange.id())) {
            this.first.set(None);
        }
        this.more.retain(|exchange| race.is_sent(exchange.id()));
        let Some(message) = next else { return false };
        let address = this.state.config().servers()[message.server];
        let network = &this.state.runtime.network;
        let exchange = Exchange::new(network, address, this.question, message);
        match this.first.is_none() {
            true => this.first.set(Some(exchange)),
            false => this.more.push(Box::pin(exchange)),
        }
        true
    }

    /// Polls all messages that are sent.
    fn poll_messages(self: Pin<&mut Self>, now: Instant, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut this = self.project();
        let race = this.race.as_mut().expect("it has begun");
        let first = this.first.as_mut().as_pin_mut().into_iter();
        for mut exchange in first.chain(this.more.iter_mut().map(Pin::as_mut)) {
            let id = exchange.id();
            // An event of one message may end others.
            while race.is_sent(id) {
                match exchange.as_mut().poll_output(this.question, cx) {
                    Poll::Pending => break,
                    Poll::Ready(ExchangeOutput::Event(event)) => race.handle(id, event, now),
                    Poll::Ready(ExchangeOutput::Reply(reply)) => {
                        *this.answered = Some(id);
                        return Poll::Ready(reply);
                    }
                }
            }
        }
        Poll::Pending
    }

    /// Waits for the next deadline of the race. The clock decides, and the alarm only wakes.
    fn poll_time(
        self: Pin<&mut Self>,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Vec<ServerError>>> {
        let mut this = self.project();
        let Some(due) = this.race.as_ref().and_then(ServerRace::timeout) else {
            let race = this.race.take().expect("it has begun");
            debug_assert!(race.is_over(), "a race that is not over has a deadline");
            return Poll::Ready(Err(race.into_errors(this.state.config().servers())));
        };
        // An alarm that rings too early does no harm.
        if this.alarm.is_none() || this.due.is_none_or(|alarm| due < alarm || alarm <= now) {
            *this.due = Some(due);
            this.alarm.set(Some(this.state.runtime.timer.sleep_until(due)));
        }
        if this.alarm.as_mut().as_pin_mut().is_some_and(|alarm| alarm.poll(cx).is_ready()) {
            this.alarm.set(None);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Reports that the returned reply is useless, so the server has failed.
    pub(crate) fn fail(self: Pin<&mut Self>, trouble: Trouble) {
        let this = self.project();
        let id = this.answered.take().expect("a reply was returned");
        let race = this.race.as_mut().expect("it has begun");
        race.handle(id, MessageEvent::Failed(trouble), this.state.runtime.timer.now());
    }

    /// Accepts the returned reply as the answer, and closes all exchanges. Returns the server.
    pub(crate) fn accept(self: Pin<&mut Self>) -> SocketAddr {
        let mut this = self.project();
        let id = this.answered.take().expect("a reply was returned");
        let race = this.race.take().expect("it has begun");
        let now = this.state.runtime.timer.now();
        this.first.set(None);
        this.more.clear();
        this.alarm.set(None);
        let answered = race.answer(id, now);
        let mut histories = this.state.histories();
        histories.answered(answered.server, answered.round_trip, answered.edns, now);
        for server in race.left_behind(id, now) {
            histories.left_behind(server, now);
        }
        this.state.config().servers()[answered.server]
    }
}

/// Returns a random number. `std` seeds each of its hashers from the random numbers of the system.
fn random() -> usize {
    RandomState::new().build_hasher().finish() as usize
}
