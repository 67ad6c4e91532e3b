//! What a resolver says.

use std::convert::Infallible;
use std::time::Duration;

use crate::Family;

/// What a lookup asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Record {
    /// Addresses of all families at once, as `getaddrinfo` answers.
    Addresses,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Service bindings (RFC 9460), and addresses known from their hints.
    Https,
}

impl Record {
    /// The name of the record type in capitals, or `all` for the addresses of all families.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "all",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Https => "HTTPS",
        }
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an answer relates to earlier answers of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Update {
    /// It adds to them.
    #[default]
    Add,
    /// It takes their place. A candidate that is in the new answer no more is dropped if it has
    /// not started, and keeps running if it has (RFC 8305 §6; draft-ietf-happy-happyeyeballs-v3 §7).
    Replace,
}

/// One address that an answer holds, with room for what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate<A> {
    /// Where an attempt would go.
    pub address: A,
}

impl<A> From<A> for Candidate<A> {
    fn from(address: A) -> Self {
        Self { address }
    }
}

/// What one lookup of a [`Resolver`](crate::Resolver) brought: addresses, none, or an error.
#[derive(Clone, Debug)]
pub struct Answer<A, E> {
    record: Record,
    outcome: Result<Vec<Candidate<A>>, E>,
    update: Update,
    sorted: bool,
    interim: bool,
    leader: Option<Family>,
    ttl: Option<Duration>,
    delay_spent: Duration,
    asked_after: Duration,
}

impl<A, E> Answer<A, E> {
    /// An answer with these addresses, in the resolver's order of preference. Without any it is a
    /// negative answer.
    pub fn found<I>(record: Record, candidates: I) -> Self
    where
        I: IntoIterator<Item: Into<Candidate<A>>>,
    {
        let candidates = candidates.into_iter().map(Into::into).collect();
        Self::new(record, Ok(candidates))
    }

    /// An answer that says there are no addresses of this record.
    pub fn negative(record: Record) -> Self {
        Self::new(record, Ok(Vec::new()))
    }

    /// A lookup that failed. The error belongs to its record alone: other answers still count.
    pub fn failed(record: Record, error: E) -> Self {
        Self::new(record, Err(error))
    }

    fn new(record: Record, outcome: Result<Vec<Candidate<A>>, E>) -> Self {
        Self {
            record,
            outcome,
            update: Update::Add,
            sorted: false,
            interim: false,
            leader: None,
            ttl: None,
            delay_spent: Duration::ZERO,
            asked_after: Duration::ZERO,
        }
    }

    /// Makes this answer take the place of earlier ones of its record.
    pub fn replacing(mut self) -> Self {
        self.update = Update::Replace;
        self
    }

    /// Says that the addresses are already in RFC 6724 §6 order, as those of `getaddrinfo` are.
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// Says that this is not the last word on its record: somebody else has been asked as well, or
    /// is now. The report and the observer have it, but the race goes on waiting for the record, as
    /// if nothing had come. It means nothing where there are addresses.
    ///
    /// # Examples
    ///
    /// The failure does not end the wait for IPv6, which lasts 50 ms:
    ///
    /// ```
    /// use stagger::{Answer, Record, Dialer};
    /// use stagger_testkit::{
    ///     Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
    /// };
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let failure = Answer::failed(Record::Aaaa, ScriptedError::new("no name server")).interim();
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
    pub fn interim(mut self) -> Self {
        self.interim = true;
        self
    }

    /// Says which family leads: that of the first address of all answers so far, this one included,
    /// when they are sorted together (draft-ietf-happy-happyeyeballs-v3 §5.3). It holds until
    /// another answer says otherwise. Families alternate, and inside a family the order is that of
    /// its answers, so this is all that answers apart can't say each by itself. An answer of all
    /// families says it by its own first address, which goes before this.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{Answer, Record, Dialer, Family};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .finds(ms(5), Record::A, ["v4"])
    ///     .answers(ms(9), Answer::found(Record::Aaaa, [Place("v6")]).led_by(Family::Ipv4));
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.starts(), [(ms(9), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn led_by(mut self, family: Family) -> Self {
        self.leader = Some(family);
        self
    }

    /// Says how long the answer may be kept.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Says how much of the resolution delay is spent when this answer comes. The delay then
    /// counts not from this answer's arrival, but from that long before it.
    ///
    /// It is for an answer to a second question, asked because the first is late: what has been
    /// waited for the first need not be waited again. The rule is ours and not the RFC's.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{Answer, Record, Dialer};
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
        self.delay_spent = spent;
        self
    }

    /// Says how long after the beginning of the resolution this was asked, for the report.
    pub fn with_asked_after(mut self, after: Duration) -> Self {
        self.asked_after = after;
        self
    }

    /// What was asked for.
    pub fn record(&self) -> Record {
        self.record
    }

    /// Whether this adds to earlier answers of its record or replaces them.
    pub fn update(&self) -> Update {
        self.update
    }

    /// Whether the platform has sorted the addresses.
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// Whether this leaves the last word on its record to another answer: only one without
    /// addresses does.
    pub fn is_interim(&self) -> bool {
        self.interim && self.is_empty()
    }

    /// Whether there are no addresses: the answer is negative, or an error.
    pub fn is_empty(&self) -> bool {
        self.outcome.as_ref().map_or(true, Vec::is_empty)
    }

    /// Which family leads, if the answer [says](Self::led_by) so.
    pub fn leader(&self) -> Option<Family> {
        self.leader
    }

    /// How long the answer may be kept, where known.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// How much of the resolution delay is spent when this answer comes: nothing unless
    /// [said](Self::with_delay_spent).
    pub fn delay_spent(&self) -> Duration {
        self.delay_spent
    }

    /// How long after the beginning of the resolution this was asked: at once unless
    /// [said](Self::with_asked_after).
    pub fn asked_after(&self) -> Duration {
        self.asked_after
    }

    /// The error of a lookup that failed.
    pub fn error(&self) -> Option<&E> {
        self.outcome.as_ref().err()
    }

    /// The addresses, none if the answer is negative or an error.
    pub fn addresses(&self) -> impl Iterator<Item = &A> {
        self.outcome.iter().flatten().map(|candidate| &candidate.address)
    }

    /// The same answer with another error, if it is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{Answer, Record};
    ///
    /// let answer = Answer::<(), _>::failed(Record::A, "no name server");
    /// let answer = answer.map_error(|text| std::io::Error::other(text));
    /// assert_eq!(answer.error().unwrap().to_string(), "no name server");
    /// ```
    pub fn map_error<F>(self, map: impl FnOnce(E) -> F) -> Answer<A, F> {
        Answer {
            record: self.record,
            outcome: self.outcome.map_err(map),
            update: self.update,
            sorted: self.sorted,
            interim: self.interim,
            leader: self.leader,
            ttl: self.ttl,
            delay_spent: self.delay_spent,
            asked_after: self.asked_after,
        }
    }

    /// The same answer with other candidates, unless it is an error.
    pub(crate) fn map_candidates(
        mut self,
        map: impl FnOnce(Vec<Candidate<A>>) -> Vec<Candidate<A>>,
    ) -> Self {
        self.outcome = self.outcome.map(map);
        self
    }

    /// A copy, unless it is an error.
    pub(crate) fn found_copy(&self) -> Option<Answer<A, Infallible>>
    where
        A: Clone,
    {
        let found = self.outcome.as_ref().ok()?.clone();
        Some(Answer {
            record: self.record,
            outcome: Ok(found),
            update: self.update,
            sorted: self.sorted,
            interim: self.interim,
            leader: self.leader,
            ttl: self.ttl,
            delay_spent: self.delay_spent,
            asked_after: self.asked_after,
        })
    }

    /// The candidates or the error.
    ///
    /// # Errors
    ///
    /// The lookup's own.
    pub fn into_outcome(self) -> Result<Vec<Candidate<A>>, E> {
        self.outcome
    }
}
