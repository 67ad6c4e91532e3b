//! The system's resolver, on any runtime.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::address::Family;
use stagger::resolve::{Families, Query};
use stagger::{Answer, Resolver, Timer};

use crate::lookup::{Call, Lookup, LookupError, Lookups, Question, Reply, Source};
use crate::lookup::{Lanes, Localhost};
use crate::system::Connectivity;

/// The system's resolver: `getaddrinfo`, with all its sources (`/etc/hosts`, `nsswitch.conf`, mDNS,
/// and whatever else the machine uses).
///
/// It makes one lookup for all families together. The answer keeps the system's order, which is
/// RFC 6724's as the platform applies it. A failed lookup answers with its [`LookupError`].
///
/// `getaddrinfo` returns only when it knows both families. If this takes longer than the resolution
/// delay, a lane for each family starts: a lookup of that family only. The addresses that a lane
/// finds are answered as soon as they are known, with that delay spent
/// ([`Answer::with_delay_spent`]).
///
/// The answers end when the full lookup has answered, or when both lanes have answered. [`Lanes`]
/// sets when lanes start, if at all. A query for one family has no lanes. Outside Unix there are no
/// lanes, because one family cannot be looked up separately there.
///
/// The answers of lanes set the family that the machine's default routes prefer
/// ([`Connectivity::preferred`]) when the lanes start.
/// [`Policy::with_preferred_family`](stagger::Policy::with_preferred_family) has precedence.
///
/// HTTPS records are not looked up. A query for them is answered negatively at once.
///
/// `AI_ADDRCONFIG` is not set. It hides the addresses of a family in which the machine has only
/// loopback addresses. That breaks names for loopback on a machine without a network. An
/// unreachable address fails at once and costs the race nothing. `AI_V4MAPPED` is not set either,
/// so IPv6 addresses are never v4-mapped.
///
/// `localhost` is `::1` and `127.0.0.1` (RFC 6761 §6.3). No file is read and no thread is used,
/// unless the service has a name. A name below it, such as `app.localhost`, is looked up in the
/// hosts file. If it is not there, it is loopback too. No such lookup uses the network.
/// [`lookup`](crate::lookup::lookup()) calls `getaddrinfo` for these names too.
///
/// `getaddrinfo` blocks, so it runs on threads that only lookups use. At most 512 calls run at once
/// in a process. Calls of [`lookup`](crate::lookup::lookup()) and
/// [`reverse_lookup`](crate::lookup::reverse_lookup) count too. Lanes have 128 more places for each
/// family. Further lookups wait in a queue and hold no thread.
///
/// A lookup shares the answer of an equal lookup that waits or runs. The exception is an abandoned
/// lookup that has run for 250 ms, because it may be stuck. A literal with the name of a service or
/// a zone has places of another class, so it does not wait for these calls.
///
/// A thread ends 10 s after its last call. If no thread can be started, a lookup waits for a thread
/// that runs. If no thread runs, the lookup fails with a [`LookupError`] of the kind
/// [`Temporary`](stagger::error::LookupErrorKind::Temporary).
///
/// # Cancel safety
///
/// Dropping the answers abandons the lookups. A waiting lookup leaves the queue. A running lookup
/// can't be cancelled: its thread and its place are free again when libc returns. An equal lookup
/// that began in the meantime gets its result.
///
/// # Runtime
///
/// The answers can be polled by any executor on which the timer works. The timer is used when the
/// full lookup is not ready at once, and there may be lanes.
///
/// # Examples
///
/// The adapters export this type with their runtime's timer. This example uses the test kit's
/// clock.
///
/// ```
/// use futures_lite::{StreamExt as _, future};
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_net::SystemResolver;
/// use stagger_testkit::Clock;
///
/// let resolver = SystemResolver::new_on(Clock::new());
/// let query = Query::new(Target::parse("localhost:80")?);
/// let answer = future::block_on(resolver.resolve(&query).next()).unwrap();
/// assert!(answer.addresses().all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SystemResolver<T> {
    timer: T,
    lanes: Lanes,
}

impl<T: Default> SystemResolver<T> {
    /// Makes the system's resolver with the timer's default, which is the runtime's own timer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T> SystemResolver<T> {
    /// Makes the system's resolver with this timer.
    pub fn new_on(timer: T) -> Self {
        Self { timer, lanes: Lanes::default() }
    }

    /// Sets when each family is looked up separately.
    pub fn with_lanes(mut self, lanes: Lanes) -> Self {
        self.lanes = lanes;
        self
    }

    /// Returns when each family is looked up separately.
    pub fn lanes(&self) -> Lanes {
        self.lanes
    }
}

impl<T: Timer + Clone> Resolver for SystemResolver<T> {
    type Address = SocketAddr;
    type Error = LookupError;
    type Answers = SystemAnswers<T>;

    fn resolve(&self, query: &Query) -> SystemAnswers<T> {
        let lookup = Lookup::new(query);
        let apart = cfg!(unix) && matches!(lookup, Lookup::Name(_));
        let lanes = if apart { self.lanes } else { Lanes::never() };
        let lookups = Lookups::new(lookup, query, lanes, self.timer.clone());
        SystemAnswers { lookups }
    }
}

pin_project! {
    /// The answers of a [`SystemResolver`]:
    ///
    /// 1. A negative [`Answer`] for HTTPS records, if the query asks for them.
    /// 2. The answers of the lanes, if the full lookup is late.
    /// 3. The answer of the full lookup.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the lookups: see [`SystemResolver`].
    #[must_use = "streams do nothing unless polled"]
    pub struct SystemAnswers<T>
    where
        T: Timer,
    {
        #[pin]
        lookups: Lookups<Lookup, T>,
    }
}

impl<T: Timer> Stream for SystemAnswers<T> {
    type Item = Answer<SocketAddr, LookupError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let answer = std::task::ready!(self.project().lookups.poll_next(cx));
        Poll::Ready(answer.map(|answer| match answer.error() {
            // Mapping an answer takes memory, and one with addresses has nothing to map.
            None => answer,
            Some(_) => answer.map_err(LookupError::unnamed),
        }))
    }
}

impl<T: Timer> fmt::Debug for SystemAnswers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.lookups.families();
        f.debug_struct("SystemAnswers").field("families", &families).finish_non_exhaustive()
    }
}

impl Source for Lookup {
    type Lookup = Call<Arc<[SocketAddr]>>;

    fn full(&self) -> Self::Lookup {
        let question = match self {
            Self::Name(request) => Question::Target(request.clone()),
            Self::Literal(literal) if literal.is_complete() => {
                return Call::known(literal.complete());
            }
            Self::Literal(literal) => Question::Literal(literal.clone()),
            Self::Localhost(localhost, request) => match (localhost, request.here()) {
                (Localhost::Itself, Some(found)) => return Call::known(found),
                _ => Question::Localhost(request.clone()),
            },
        };
        Call::put(question, Reply::target)
    }

    fn lane(&self, families: Families) -> Self::Lookup {
        match self {
            Self::Name(request) => {
                let question = Question::Target(request.with_families(families));
                Call::put_lane(question, families, Reply::target)
            }
            _ => unreachable!("what asks no network has no lanes"),
        }
    }

    fn preferred(&self) -> Option<Family> {
        Connectivity::preferred_now()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

    use futures_lite::{StreamExt as _, future::block_on};
    use stagger::Target;
    use stagger::error::LookupErrorKind;
    use stagger::resolve::Record;
    use stagger_testkit::Clock;

    use super::*;

    /// The clock stands still, so there are no lanes, however slow the machine is.
    fn resolver() -> SystemResolver<Clock> {
        SystemResolver::new()
    }

    fn answer(query: Query) -> Answer<SocketAddr, LookupError> {
        let mut answers = resolver().resolve(&query);
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
        assert_eq!(
            found("localhost:https"),
            [(Ipv6Addr::LOCALHOST, 443).into(), (Ipv4Addr::LOCALHOST, 443).into()]
        );
    }

    #[test]
    fn one_family_is_asked_for_and_answers_as_its_class() {
        let answer = answer(query("localhost:80").with_families(Families::Ipv4));
        assert_eq!(answer.record(), Record::A);
        assert!(answer.addresses().eq(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 80))]));
    }

    #[test]
    fn the_port_of_a_service_is_that_of_the_transport() {
        let udp = query("127.0.0.1:tftp").with_transport(stagger::resolve::Transport::Udp);
        assert_eq!(answer(udp).addresses().next().unwrap().port(), 69);
        assert_eq!(error("127.0.0.1:tftp").kind(), LookupErrorKind::UnknownService);
    }

    #[test]
    fn an_unknown_service_is_an_error_and_the_host_is_not_asked_for() {
        let error = error("no-such-host.invalid:no-such-service");
        assert_eq!(error.kind(), LookupErrorKind::UnknownService);
        assert!(error.code().is_some());
        assert_eq!(error.to_string(), "unknown service: there is no TCP service of this name");
    }

    #[test]
    fn an_unknown_zone_is_an_error_that_says_so() {
        let error = error("[fe80::1%no-such-zone]:80");
        assert_eq!(error.kind(), LookupErrorKind::UnknownZone);
        assert_eq!(error.to_string(), "unknown zone: no network interface has this name");
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
        assert_eq!((answer.record(), answer.addresses().count()), (Record::Aaaa, 0));
        assert!(answer.error().is_none());
    }

    #[test]
    fn a_literal_and_this_machine_have_no_lanes() {
        let resolver = resolver().with_lanes(Lanes::at_once());
        let targets = ["127.0.0.1:80", "127.0.0.1:http", "localhost:80", "localhost:http"];
        for target in targets.into_iter().chain(["a.localhost:80"]) {
            let answers: Vec<_> = block_on(resolver.resolve(&query(target)).collect());
            let records: Vec<_> = answers.iter().map(Answer::record).collect();
            assert_eq!(records, [Record::Addresses], "{target}");
        }
    }

    #[test]
    fn literals_services_and_failures_are_answered_for_https_at_once() {
        for target in [
            "127.0.0.1:80",
            "127.0.0.1:http",
            "[fe80::1%no-such-zone]:80",
            "localhost:http",
            "localhost:no-such-service",
        ] {
            let all = |query| {
                let answers: Vec<_> = block_on(resolver().resolve(&query).collect());
                answers
            };
            let mut answers = all(query(target).with_https(true));
            let https = answers.remove(0);
            assert_eq!((https.record(), https.is_empty()), (Record::Https, true), "{target}");
            assert!(https.error().is_none(), "{target}");
            let plain = all(query(target));
            assert_eq!(answers.len(), plain.len(), "{target}");
            assert_eq!(answers[0].error(), plain[0].error(), "{target}");
            assert!(answers[0].addresses().eq(plain[0].addresses()), "{target}");
        }
    }

    #[test]
    fn the_answers_can_go_to_another_thread() {
        fn check<T: Send + 'static>(_: &T) {}
        check(&resolver().resolve(&query("localhost:80")));
    }
}
