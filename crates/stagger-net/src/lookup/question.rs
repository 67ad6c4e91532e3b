//! The questions to the system, and the places in which they run.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use stagger::resolve::Families;

use super::pool::{Capacities, Class, Joined, Pool};
use super::{
    AddressRequest, Addresses, Found, Literal, LookupError, NameInfo, NameRequest, Request,
};

/// How many blocking calls run at once in a process. Each call holds a thread until libc returns.
/// With a dead name server that takes 10 s or more.
const CAPACITIES: Capacities = Capacities {
    // The same number as in tokio's own pool. A stuck thread takes about 12 KiB.
    network: 512,
    // The number is ours. Each call holds a socket. If all calls are stuck, a process that may open
    // 1024 descriptors has a quarter of them left.
    lane: 128,
    // The number is ours. These calls are short unless the file system is stuck.
    local: 64,
};

static POOL: LazyLock<Pool<Question, Reply>> =
    LazyLock::new(|| Pool::new(CAPACITIES, Question::answer));

/// Runs a call that only reads files of this machine, on a thread of the pool for lookups. It
/// blocks no thread of a runtime, and does not wait for lookups on the network.
///
/// The call always runs. If no thread can be started for it, it gets the error and must not block.
/// It then runs on the thread of this caller or of another caller.
///
/// This is for Stagger's own crates.
#[doc(hidden)]
pub fn on_thread(call: impl FnOnce(io::Result<()>) + Send + 'static) {
    POOL.detached(Class::Local, call);
}

/// One question. Equal questions get one reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// The addresses of a target.
    Target(Request),
    /// The missing numbers of a literal.
    Literal(Literal),
    /// The addresses of a target that is this machine.
    Localhost(Request),
    /// The request of a single lookup.
    Address(AddressRequest),
    /// The name of an address.
    Name(NameRequest),
}

/// The reply to a question.
#[derive(Clone)]
pub(crate) enum Reply {
    Target(Found),
    Address(Result<Addresses, LookupError>),
    Name(Result<NameInfo, LookupError>),
}

impl Question {
    /// Calls the system. Blocks until it returns.
    fn answer(&self) -> Reply {
        match self {
            Self::Target(request) => Reply::Target(request.look_up()),
            Self::Literal(literal) => Reply::Target(literal.complete()),
            Self::Localhost(request) => Reply::Target(request.look_up_here()),
            Self::Address(request) => Reply::Address(request.look_up()),
            Self::Name(request) => Reply::Name(request.look_up()),
        }
    }

    /// Returns the class of what the answer may have to wait for.
    fn class(&self) -> Class {
        let may_ask_the_network = match self {
            Self::Target(_) => true,
            Self::Literal(_) | Self::Localhost(_) => false,
            Self::Address(request) => request.may_ask_the_network(),
            Self::Name(request) => request.may_ask_the_network(),
        };
        if may_ask_the_network { Class::Network } else { Class::Local }
    }
}

/// Prints the question for an error.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(request) | Self::Localhost(request) => request.fmt(f),
            Self::Literal(literal) => literal.fmt(f),
            Self::Address(request) => request.fmt(f),
            Self::Name(request) => request.fmt(f),
        }
    }
}

/// A question in progress, and how to read its reply. Dropping it abandons the question.
pub(crate) struct Call<T>(Stage<T>);

enum Stage<T> {
    /// In the pool, together with equal questions.
    Joined(Joined<Question, Reply>, fn(Reply) -> Result<T, LookupError>),
    Known(Option<Result<T, LookupError>>),
}

impl<T> Call<T> {
    /// Starts a question. A question without network traffic does not wait for questions with it.
    pub(crate) fn put(question: Question, read: fn(Reply) -> Result<T, LookupError>) -> Self {
        let class = question.class();
        Self(Stage::Joined(POOL.join(question, class), read))
    }

    /// Starts a question for one family, because another question is late.
    pub(crate) fn put_lane(
        question: Question,
        families: Families,
        read: fn(Reply) -> Result<T, LookupError>,
    ) -> Self {
        let class = match families {
            Families::Ipv6 => Class::Ipv6Lane,
            Families::Ipv4 => Class::Ipv4Lane,
            Families::Any => Class::Network,
        };
        Self(Stage::Joined(POOL.join(question, class), read))
    }

    /// Makes a call whose result is already known.
    pub(crate) fn known(found: Result<T, LookupError>) -> Self {
        Self(Stage::Known(Some(found)))
    }
}

impl<T> Unpin for Call<T> {}

impl<T> Future for Call<T> {
    type Output = Result<T, LookupError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Stage::Joined(joined, read) => {
                let reply = ready!(Pin::new(&mut *joined).poll(cx));
                Poll::Ready(match reply {
                    Ok(reply) => read(reply),
                    Err(error) => Err(LookupError::unstarted(joined.key().to_string(), &error)),
                })
            }
            Stage::Known(found) => Poll::Ready(found.take().expect("what is known is told once")),
        }
    }
}

impl Reply {
    pub(crate) fn target(self) -> Found {
        match self {
            Self::Target(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }

    pub(crate) fn address(self) -> Result<Addresses, LookupError> {
        match self {
            Self::Address(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }

    pub(crate) fn name(self) -> Result<NameInfo, LookupError> {
        match self {
            Self::Name(found) => found,
            _ => unreachable!("a question has a reply of its own sort"),
        }
    }
}
