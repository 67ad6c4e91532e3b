//! One question to all servers, in turn.

use std::future::Future;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use stagger::Timer;
use stagger_net::ReactorMark;

use crate::error::{ServerError, Trouble};
use crate::exchange::Exchange;
use crate::message::{Reply, Request};
use crate::network::Network;
use crate::question::Question;
use crate::{Config, Parsed};

/// How many servers one poll asks before it lets others run, if they all fail at once: 32. The
/// number is ours.
const TRIES_PER_POLL: usize = 32;

/// What every question needs: cheap to clone.
pub(crate) struct Client<N, T>(Arc<Shared<N, T>>);

/// The way to servers, and the time.
pub(crate) struct Means<N, T> {
    pub(crate) network: N,
    pub(crate) timer: T,
}

pub(crate) struct Shared<N, T> {
    config: Arc<Parsed<Config>>,
    pub(crate) means: Arc<Means<N, T>>,
}

impl<N, T> Shared<N, T> {
    pub(crate) fn config(&self) -> &Config {
        &self.config.value
    }
}

impl<N: Network, T: Timer> Client<N, T> {
    pub(crate) fn new(config: Arc<Parsed<Config>>, means: Arc<Means<N, T>>) -> Self {
        Self(Arc::new(Shared { config, means }))
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.means.timer.now()
    }

    pub(crate) fn reactor(&self) -> ReactorMark {
        self.0.means.network.reactor()
    }

    /// Asks one server after another, the whole list as often as the configuration says, until one
    /// answers.
    pub(crate) fn ask(&self, question: Question) -> Ask<N, T> {
        Ask {
            shared: Arc::clone(&self.0),
            question,
            first: None,
            tried: 0,
            errors: Vec::new(),
            exchange: None,
        }
    }
}

impl<N, T> Clone for Client<N, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pin_project! {
    /// One question on its way through the servers. It yields a reply, whatever that says, or
    /// what each server did instead.
    pub(crate) struct Ask<N, T>
    where
        N: Network,
        T: Timer,
    {
        shared: Arc<Shared<N, T>>,
        question: Question,
        // The server that was asked first.
        first: Option<usize>,
        tried: usize,
        // In the order of first tries.
        errors: Vec<ServerError>,
        #[pin]
        exchange: Option<Exchange<N, T>>,
    }
}

impl<N: Network, T: Timer> Ask<N, T> {
    /// Begins with the next server, or says that there is none.
    fn begin_next(self: Pin<&mut Self>) -> bool {
        let mut this = self.project();
        let config = this.shared.config();
        let servers = config.servers();
        let attempts = usize::try_from(config.attempts()).unwrap_or(usize::MAX);
        if *this.tried == servers.len() * attempts {
            return false;
        }
        let request = Request::new(this.question, config.edns0());
        let lot = if config.rotate() { request.lot() % servers.len() } else { 0 };
        let first = *this.first.get_or_insert(lot);
        let server = servers[(first + *this.tried) % servers.len()];
        let shared = Arc::clone(this.shared);
        let exchange = Exchange::new(shared, server, this.question.clone(), request);
        this.exchange.set(Some(exchange));
        true
    }

    /// Notes what the server did that is being asked, and is done with it.
    pub(crate) fn fail(self: Pin<&mut Self>, trouble: Trouble) {
        let mut this = self.project();
        let servers = this.shared.config().servers();
        let first = this.first.expect("a server that failed was asked");
        let server: SocketAddr = servers[(first + *this.tried) % servers.len()];
        match this.errors.iter_mut().find(|error| error.server() == server) {
            Some(error) => error.again(trouble),
            None => this.errors.push(ServerError::new(server, trouble)),
        }
        this.exchange.set(None);
        *this.tried += 1;
    }

    /// Asks on from where it is: the next reply, or what each server did.
    pub(crate) fn poll_reply(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Vec<ServerError>>> {
        for _ in 0..TRIES_PER_POLL {
            if self.exchange.is_none() && !self.as_mut().begin_next() {
                return Poll::Ready(Err(mem::take(self.project().errors)));
            }
            let exchange = self.as_mut().project().exchange.as_pin_mut();
            let exchange = exchange.expect("there is a server to ask");
            match ready!(exchange.poll(cx)) {
                Ok(reply) => return Poll::Ready(Ok(reply)),
                Err(trouble) => self.as_mut().fail(trouble),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
