//! One question to all servers, in turn.

use std::future::Future;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use stagger::Timer;

use crate::Settings;
use crate::error::{ServerError, Trouble};
use crate::exchange::Exchange;
use crate::message::{Reply, Request};
use crate::network::Network;
use crate::question::Question;

/// How many servers one poll asks before it lets others run, if they all fail at once: 32. The
/// number is ours.
const TRIES_PER_POLL: usize = 32;

/// What every question needs: cheap to clone.
pub(crate) struct Client<N, T>(Arc<Shared<N, T>>);

pub(crate) struct Shared<N, T> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) network: N,
    pub(crate) timer: T,
}

impl<N: Network, T: Timer> Client<N, T> {
    pub(crate) fn new(settings: Arc<Settings>, network: N, timer: T) -> Self {
        Self(Arc::new(Shared { settings, network, timer }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Asks one server after another, the whole list as often as the settings say, until one
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
    /// what each server did instead; nothing if there are none.
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
        let settings = &this.shared.settings;
        let count = settings.servers.len();
        if *this.tried == count * usize::from(settings.attempts) {
            return false;
        }
        let request = Request::new(this.question, settings.payload);
        let lot = if settings.rotate { request.lot() % count } else { 0 };
        let first = *this.first.get_or_insert(lot);
        let server = settings.servers[(first + *this.tried) % count];
        let shared = Arc::clone(this.shared);
        let exchange = Exchange::new(shared, server, this.question.clone(), request);
        this.exchange.set(Some(exchange));
        true
    }

    /// Notes what the server did that is being asked, and is done with it.
    pub(crate) fn fail(self: Pin<&mut Self>, trouble: Trouble) {
        let mut this = self.project();
        let servers = &this.shared.settings.servers;
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
