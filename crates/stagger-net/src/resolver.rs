//! The system's resolver, on any runtime.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use stagger::{Answer, Class, Families, Query, Resolver};

use crate::lookup::{Found, Joined, Literal, Lookup, LookupError, Pool, Request};

/// How many calls of `getaddrinfo` run at once in a process: 64.
///
/// Each holds a thread until libc returns, and with a dead name server that is 10 s or more. The
/// bound is ours: about an eighth of the 500 threads of the pool under it, which the program's own
/// blocking work shares, and far more than a working name server keeps busy.
const CAPACITY: usize = 64;

static POOL: LazyLock<Pool<Request, Found>> =
    LazyLock::new(|| Pool::new(CAPACITY, Request::look_up));

/// The system's resolver: `getaddrinfo`, with all that it reads (`/etc/hosts`, `nsswitch.conf`,
/// mDNS, whatever the machine is set up for).
///
/// It answers once, with all families together in the system's order, or with the one family that
/// the query is restricted to. The order is RFC 6724's as the platform applies it, and is not
/// touched. A lookup that fails answers with its [`LookupError`].
///
/// `AI_ADDRCONFIG` is not set: it hides the addresses of a family in which the machine has none
/// but loopback addresses, which breaks names for loopback on a machine without a network. An
/// address that can't be reached fails at once and costs the race nothing. `AI_V4MAPPED` is not
/// set either, so that IPv6 addresses are IPv6 addresses.
///
/// `getaddrinfo` blocks, so it runs on the threads of the `blocking` crate: at most 64 calls at
/// once in a process. Further lookups wait in turn and hold no thread; one equal to another that
/// waits or runs shares its answer. A literal is completed (a service's name, a zone's name)
/// without the network and without waiting for any of these.
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookup: one that waits leaves the queue. One that runs can't
/// be cancelled: its thread and its place among the 64 come back when libc returns, and its result
/// goes to whoever asked the same in the meantime, if anyone did.
///
/// # Runtime
///
/// None is needed: the answers can be polled by any executor.
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future};
/// use stagger::{Query, Resolver as _, Target};
/// use stagger_net::SystemResolver;
///
/// let query = Query::new(Target::parse("localhost:80")?);
/// let answer = future::block_on(SystemResolver::new().resolve(&query).next()).unwrap();
/// assert!(answer.addresses().all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # Ok::<_, stagger::TargetError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver {}

impl SystemResolver {
    /// The system's resolver.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Resolver for SystemResolver {
    type Address = SocketAddr;
    type Error = LookupError;
    type Answers = SystemAnswers;

    fn resolve(&self, query: &Query) -> SystemAnswers {
        let class = match query.families() {
            Families::Any => Class::All,
            Families::Ipv4 => Class::A,
            Families::Ipv6 => Class::Aaaa,
        };
        SystemAnswers { class, stage: Stage::Asked(Lookup::new(query)) }
    }
}

/// What a [`SystemResolver`] answers: one [`Answer`], then the end.
///
/// # Cancel safety
///
/// Dropping it abandons the lookup, as [`SystemResolver`] says.
#[must_use = "streams do nothing unless polled"]
pub struct SystemAnswers {
    class: Class,
    stage: Stage,
}

enum Stage {
    Asked(Lookup),
    Name(Joined<Request, Found>),
    Literal(blocking::Task<Found>),
    Done,
}

impl SystemAnswers {
    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<Option<Found>> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Asked(Lookup::Name(request)) => Stage::Name(POOL.join(request.clone())),
                Stage::Asked(Lookup::Literal(literal)) if literal.is_complete() => {
                    return Poll::Ready(Some(literal.complete()));
                }
                Stage::Asked(Lookup::Literal(literal)) => Stage::Literal(complete(literal.clone())),
                Stage::Name(joined) => return Pin::new(joined).poll(cx).map(Some),
                Stage::Literal(task) => return Pin::new(task).poll(cx).map(Some),
                Stage::Done => return Poll::Ready(None),
            }
        }
    }
}

/// Completes a literal on a thread, for libc reads files, but past the pool's queue.
fn complete(literal: Literal) -> blocking::Task<Found> {
    blocking::unblock(move || literal.complete())
}

impl Stream for SystemAnswers {
    type Item = Answer<SocketAddr, LookupError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(found) = ready!(self.poll_found(cx)) else {
            return Poll::Ready(None);
        };
        self.stage = Stage::Done;
        let answer = match found {
            Ok(addresses) => Answer::found(self.class, addresses.iter().copied()),
            Err(error) => Answer::failed(self.class, error),
        };
        Poll::Ready(Some(answer.sorted()))
    }
}

impl fmt::Debug for SystemAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemAnswers").field("class", &self.class).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV6};

    use futures_lite::{StreamExt as _, future::block_on};
    use stagger::Target;

    use super::*;
    use crate::LookupErrorKind;

    fn answer(query: Query) -> Answer<SocketAddr, LookupError> {
        let mut answers = SystemResolver::new().resolve(&query);
        let answer = block_on(answers.next()).unwrap();
        assert!(block_on(answers.next()).is_none());
        assert!(answer.is_sorted());
        answer
    }

    fn query(target: &str) -> Query {
        Query::new(Target::parse(target).unwrap())
    }

    fn found(target: &str) -> Vec<SocketAddr> {
        answer(query(target)).addresses().copied().collect()
    }

    fn error(target: &str) -> LookupError {
        answer(query(target)).error().unwrap().clone()
    }

    #[test]
    fn a_name_is_found_with_the_port_of_its_service() {
        assert!(found("localhost:https").contains(&(Ipv4Addr::LOCALHOST, 443).into()));
    }

    #[test]
    fn one_family_is_asked_for_and_answers_as_its_class() {
        let answer = answer(query("localhost:80").with_families(Families::Ipv4));
        assert_eq!(answer.class(), Class::A);
        assert!(answer.addresses().all(SocketAddr::is_ipv4));
        assert!(answer.addresses().count() > 0);
    }

    #[test]
    fn the_port_of_a_service_is_that_of_the_transport() {
        let udp = query("127.0.0.1:tftp").with_transport(stagger::Transport::Udp);
        assert_eq!(answer(udp).addresses().next().unwrap().port(), 69);
        assert_eq!(error("127.0.0.1:tftp").kind(), LookupErrorKind::UnknownService);
    }

    #[test]
    fn an_unknown_service_is_named_and_the_host_is_not_asked_for() {
        let error = error("no-such-host.invalid:no-such-service");
        assert_eq!(error.kind(), LookupErrorKind::UnknownService);
        assert!(error.code().is_some());
        assert_eq!(
            error.to_string(),
            "cannot look up no-such-host.invalid:no-such-service: \
             no TCP service is named \"no-such-service\" (EAI_SERVICE)"
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let error = error("[fe80::1%no-such-zone]:80");
        assert_eq!(error.kind(), LookupErrorKind::UnknownZone);
        assert_eq!(
            error.to_string(),
            "cannot look up [fe80::1%no-such-zone]:80: \
             no network interface is named \"no-such-zone\""
        );
    }

    #[test]
    fn a_zone_by_name_becomes_its_index() {
        let lo = if cfg!(target_os = "linux") { "lo" } else { "lo0" };
        let [SocketAddr::V6(addr)] = found(&format!("[fe80::1%{lo}]:http"))[..] else {
            panic!("not one IPv6 address");
        };
        assert_eq!((addr.ip().to_string().as_str(), addr.port()), ("fe80::1", 80));
        assert_ne!(addr.scope_id(), 0);
    }

    #[test]
    fn a_complete_literal_is_itself() {
        let expected = SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 0, 7);
        assert_eq!(found("[fe80::1%7]:22"), [expected.into()]);
    }

    #[test]
    fn a_literal_of_another_family_is_no_address() {
        let answer = answer(query("127.0.0.1:80").with_families(Families::Ipv6));
        assert_eq!((answer.class(), answer.addresses().count()), (Class::Aaaa, 0));
        assert!(answer.error().is_none());
    }

    #[test]
    fn nothing_is_done_before_the_first_poll() {
        let answers = SystemResolver::new().resolve(&query("localhost:80"));
        assert!(matches!(answers.stage, Stage::Asked(_)));
    }

    #[test]
    fn the_answers_can_go_to_another_thread() {
        fn check<T: Send + 'static>(_: &T) {}
        check(&SystemResolver::new().resolve(&query("localhost:80")));
    }
}
