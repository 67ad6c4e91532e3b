//! The answers of a resolver. The file is long because each attribute has its
//! rules in its docs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Family;
use crate::connect::Binding;
use crate::error::LookupErrorKind;
use crate::resolve::Record;

/// How an answer relates to earlier answers of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Update {
    /// The new answer adds to earlier answers.
    #[default]
    Add,
    /// The new answer replaces earlier answers. A candidate that is missing from the new answer is
    /// dropped if it has not started, and keeps running if it has (RFC 8305 §6;
    /// draft-ietf-happy-happyeyeballs-v3 §7).
    Replace,
}

/// What one lookup of a [`Resolver`](crate::Resolver) returned: addresses, no address, or an error.
///
/// When the race starts an attempt at an address, it makes a [`Candidate`](crate::Candidate) from it.
///
/// # Examples
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use std::time::Duration;
///
/// use stagger::Answer;
/// use stagger::resolve::Record;
///
/// let addr: SocketAddr = "192.0.2.1:443".parse()?;
/// let found: Answer<_, io::Error> =
///     Answer::found(Record::A, [addr]).with_ttl(Duration::from_secs(60));
/// assert!(found.addresses().eq([&addr]));
///
/// let failed = Answer::<SocketAddr, _>::failed(Record::Aaaa, io::ErrorKind::TimedOut);
/// assert!(failed.is_empty() && failed.error().is_some());
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Answer<A, E> {
    outcome: Result<Vec<A>, E>,
    about: About,
}

/// The fields of an answer besides its addresses or its error.
#[derive(Clone, Debug)]
struct About {
    record: Record,
    group: u32,
    binding: Option<Arc<Binding>>,
    update: Update,
    kind: LookupErrorKind,
    sorted: bool,
    provisional: bool,
    is_final: bool,
    leader: Option<Family>,
    preferred: Option<Family>,
    ttl: Option<Duration>,
    delay_spent: Duration,
    asked_after: Duration,
}

impl<A, E> Answer<A, E> {
    /// Creates an answer with these addresses, in the resolver's order of preference. Without
    /// addresses it is a negative answer.
    pub fn found(record: Record, addresses: impl IntoIterator<Item = A>) -> Self {
        Self::new(record, Ok(addresses.into_iter().collect()))
    }

    /// Creates an answer without addresses: the lookup found no address of this record.
    pub fn negative(record: Record) -> Self {
        Self::new(record, Ok(Vec::new()))
    }

    /// Creates the answer of a failed lookup. The error belongs only to its record: other answers
    /// still count.
    pub fn failed(record: Record, error: E) -> Self {
        Self::new(record, Err(error))
    }

    fn new(record: Record, outcome: Result<Vec<A>, E>) -> Self {
        let about = About {
            record,
            group: 0,
            binding: None,
            update: Update::Add,
            kind: LookupErrorKind::Other,
            sorted: false,
            provisional: false,
            is_final: false,
            leader: None,
            preferred: None,
            ttl: None,
            delay_spent: Duration::ZERO,
            asked_after: Duration::ZERO,
        };
        Self { outcome, about }
    }

    /// Sets whether this answer adds to earlier answers of its record, or replaces them. By default
    /// it adds to them.
    pub fn with_update(mut self, update: Update) -> Self {
        self.about.update = update;
        self
    }

    /// Sets whether the addresses are already in RFC 6724 §6 order, as the addresses of
    /// `getaddrinfo` are.
    pub fn with_sorted(mut self, sorted: bool) -> Self {
        self.about.sorted = sorted;
        self
    }

    /// Marks this answer as provisional: another resolver may still answer. The report and the
    /// observer receive the answer, but the race keeps waiting for the record. It has no effect on
    /// an answer with addresses.
    ///
    /// # Examples
    ///
    /// The failure does not end the wait for IPv6, which lasts 50 ms:
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{
    ///     Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
    /// };
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let failure = Answer::failed(Record::Aaaa, ScriptedError::new("no name server")).with_provisional(true);
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .answers(ms(5), failure)
    ///     .finds(ms(10), Record::A, ["v4"])
    ///     .finds(ms(20), Record::Aaaa, ["v6"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v6", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let connect = dialer.connect("example.com:443").with_report();
    /// let (_, report) = ledger.clock().run(connect)?;
    /// assert_eq!(ledger.starts(), [(ms(20), "v6")]);
    /// assert!(report.queries()[0].error.is_some());
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_provisional(mut self, provisional: bool) -> Self {
        self.about.provisional = provisional;
        self
    }

    /// Sets the leading family: the family of the first address when all answers so far, including
    /// this answer, are sorted together (draft-ietf-happy-happyeyeballs-v3 §5.3).
    ///
    /// The setting holds until another answer changes it. Families alternate, and inside a family
    /// the order is the order of its answers. So the leading family is all that separate answers
    /// cannot express each by itself. An answer of all families sets it by its own first address,
    /// which takes precedence over this setting.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::address::Family;
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .finds(ms(5), Record::A, ["v4"])
    ///     .answers(ms(9), Answer::found(Record::Aaaa, [Place("v6")]).with_leader(Family::Ipv4));
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.starts(), [(ms(9), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_leader(mut self, family: Family) -> Self {
        self.about.leader = Some(family);
        self
    }

    /// Sets the family that the machine's routes prefer.
    ///
    /// The race waits for this family's answer within the resolution delay. The family leads if no
    /// answer sets a leading family. It is IPv6 if both families have a default route, and
    /// otherwise the family that has a default route (draft-ietf-happy-happyeyeballs-v3 §4.2). It
    /// holds for the whole race until another answer changes it.
    /// [`Policy::with_preferred_family`](crate::Policy::with_preferred_family) takes precedence.
    ///
    /// # Examples
    ///
    /// There is no route for IPv6, so A does not wait for AAAA:
    ///
    /// ```
    /// use stagger::address::Family;
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let answer = Answer::found(Record::A, [Place("v4")]).with_preferred_family(Family::Ipv4);
    /// let resolver = ScriptedResolver::new(&ledger).answers(ms(5), answer).never_ends();
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.starts(), [(ms(5), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_preferred_family(mut self, family: Family) -> Self {
        self.about.preferred = Some(family);
        self
    }

    /// Sets why there is no address. It has no effect if there is an address. A negative answer has
    /// [`LookupErrorKind::NoAddress`] if the resolver knows the name. It has no kind if the
    /// resolver does not support the record.
    pub fn with_kind(mut self, kind: LookupErrorKind) -> Self {
        self.about.kind = kind;
        self
    }

    /// Sets whether this failure ends the race: every attempt is dropped and the connect fails.
    ///
    /// Use it in a resolver that knows that no attempt makes sense, such as a resolver that blocks
    /// hosts. It has no effect unless the answer is an error. It also counts for a [provisional](Self::with_provisional)
    /// error. So a resolver inside [`Fastest`](crate::resolve::Fastest) or [`Fallback`](crate::resolve::Fallback) ends the race for all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let refusal = Answer::failed(Record::Addresses, ScriptedError::new("the host is blocked"));
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .answers(ms(5), refusal.with_final(true))
    ///     .never_ends();
    /// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), ledger.clock().clone());
    ///
    /// let error = ledger.clock().run(dialer.connect("example.com:443")).unwrap_err();
    /// assert!(error.is_final());
    /// assert_eq!(ledger.clock().elapsed(), ms(5));
    /// ```
    pub fn with_final(mut self, is_final: bool) -> Self {
        self.about.is_final = is_final;
        self
    }

    /// Puts the addresses into a group. The default is 0, which is the target's own name. Other
    /// groups are for the targets of service records. No rule distinguishes groups yet, except that
    /// an answer replaces only earlier answers of its record and group.
    pub fn with_group(mut self, group: u32) -> Self {
        self.about.group = group;
        self
    }

    /// Sets the parameters of a service binding for all addresses of this answer (RFC 9460).
    pub fn with_binding(mut self, binding: impl Into<Arc<Binding>>) -> Self {
        self.about.binding = Some(binding.into());
        self
    }

    /// Sets how long a cache may keep the answer.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.about.ttl = Some(ttl);
        self
    }

    /// Sets how much of the resolution delay is spent when this answer comes. The delay then counts
    /// from that long before the answer's arrival, and not from the arrival.
    ///
    /// Use it for the answer to a second query that was sent because the first query is late. The
    /// race need not wait again for the time that it has already waited. Use it also in a resolver
    /// that knows that waiting is useless. The rule is ours and not the RFC's.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let answer = Answer::found(Record::A, [Place("v4")]).with_delay_spent(ms(50));
    /// let resolver = ScriptedResolver::new(&ledger).answers(ms(60), answer).never_ends();
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.starts(), [(ms(60), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_delay_spent(mut self, spent: Duration) -> Self {
        self.about.delay_spent = spent;
        self
    }

    /// Sets how long after the beginning of the resolution this query was sent, for the report.
    pub fn with_asked_after(mut self, after: Duration) -> Self {
        self.about.asked_after = after;
        self
    }

    /// The record that this answers.
    pub fn record(&self) -> Record {
        self.about.record
    }

    /// Whether this answer adds to earlier answers of its record or replaces them.
    pub fn update(&self) -> Update {
        self.about.update
    }

    /// Whether the addresses are already in RFC 6724 §6 order.
    pub fn is_sorted(&self) -> bool {
        self.about.sorted
    }

    /// Whether another answer may still follow for this record. An answer with addresses is never
    /// provisional.
    pub fn is_provisional(&self) -> bool {
        self.about.provisional && self.is_empty()
    }

    /// Whether there are no addresses: the answer is negative, or an error.
    pub fn is_empty(&self) -> bool {
        self.outcome.as_ref().map_or(true, Vec::is_empty)
    }

    /// The leading family, if the answer [sets](Self::with_leader) it.
    pub fn leader(&self) -> Option<Family> {
        self.about.leader
    }

    /// How long a cache may keep the answer, if known.
    pub fn ttl(&self) -> Option<Duration> {
        self.about.ttl
    }

    /// How much of the resolution delay is spent when this answer comes. The default is zero;
    /// [`with_delay_spent`](Self::with_delay_spent) sets it.
    pub fn delay_spent(&self) -> Duration {
        self.about.delay_spent
    }

    /// How long after the beginning of the resolution this query was sent. The default is zero;
    /// [`with_asked_after`](Self::with_asked_after) sets it.
    pub fn asked_after(&self) -> Duration {
        self.about.asked_after
    }

    /// The error of a failed lookup.
    pub fn error(&self) -> Option<&E> {
        self.outcome.as_ref().err()
    }

    /// Why there is no address, as a kind that all resolvers share. It is `None` if there is an
    /// address. If [`with_kind`](Self::with_kind) did not set it, a failure has [`LookupErrorKind::Other`], and a
    /// negative answer has `None`.
    pub fn kind(&self) -> Option<LookupErrorKind> {
        let is_said = self.is_empty() && self.about.kind != LookupErrorKind::Other;
        (self.outcome.is_err() || is_said).then_some(self.about.kind)
    }

    /// The group of the addresses. The default is 0, the target's own name; [`with_group`](Self::with_group) sets
    /// it.
    pub fn group(&self) -> u32 {
        self.about.group
    }

    /// The parameters of the service binding of the addresses, if there is a binding.
    pub fn binding(&self) -> Option<&Arc<Binding>> {
        self.about.binding.as_ref()
    }

    /// The family that routes prefer, if the answer [sets](Self::with_preferred_family) it.
    pub fn preferred_family(&self) -> Option<Family> {
        self.about.preferred
    }

    /// Whether this failure [ends the race](Self::with_final). It is false unless the answer is an error.
    pub fn is_final(&self) -> bool {
        self.about.is_final && self.outcome.is_err()
    }

    /// The addresses. There are no addresses if the answer is negative or an error.
    pub fn addresses(&self) -> impl Iterator<Item = &A> {
        self.outcome.iter().flatten()
    }

    /// The same answer with its error mapped, if it has an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Answer;
    /// use stagger::resolve::Record;
    ///
    /// let answer = Answer::<(), _>::failed(Record::A, "no name server");
    /// let answer = answer.map_err(|text| std::io::Error::other(text));
    /// assert_eq!(answer.error().unwrap().to_string(), "no name server");
    /// ```
    pub fn map_err<F>(self, map: impl FnOnce(E) -> F) -> Answer<A, F> {
        Answer { outcome: self.outcome.map_err(map), about: self.about }
    }

    /// The same answer with each address mapped, unless it is an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Answer;
    /// use stagger::resolve::Record;
    ///
    /// let answer = Answer::<_, std::io::Error>::found(Record::A, [80_u16, 81]);
    /// let answer = answer.map_addresses(|port| format!("port {port}"));
    /// assert!(answer.addresses().eq(["port 80", "port 81"]));
    /// ```
    pub fn map_addresses<B>(self, map: impl FnMut(A) -> B) -> Answer<B, E> {
        let outcome = self.outcome.map(|found| found.into_iter().map(map).collect());
        Answer { outcome, about: self.about }
    }

    /// The same answer with other addresses, unless it is an error.
    pub(crate) fn map_found(mut self, map: impl FnOnce(Vec<A>) -> Vec<A>) -> Self {
        self.outcome = self.outcome.map(map);
        self
    }

    /// The same answer without the family that routes prefer.
    pub(crate) fn without_preference(mut self) -> Self {
        self.about.preferred = None;
        self
    }

    /// A copy, unless it is an error.
    pub(crate) fn found_copy(&self) -> Option<Answer<A, Infallible>>
    where
        A: Clone,
    {
        let found = self.outcome.as_ref().ok()?.clone();
        Some(Answer { outcome: Ok(found), about: self.about.clone() })
    }

    /// Returns the addresses or the error.
    ///
    /// # Errors
    ///
    /// Returns the error of a failed lookup.
    pub fn into_outcome(self) -> Result<Vec<A>, E> {
        self.outcome
    }
}
