//! The seam that turns a query into answers.

use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;

use crate::Answer;
use crate::combinator::{MapAddresses, MapErr};
use crate::resolve::Query;

/// Turns a query into answers, each as soon as it is known.
///
/// The stream ends when every lookup has answered. It does no work until it is polled, and it never
/// blocks. It returns a failed lookup as an [`Answer`] of its record, and does not end early. It
/// answers every record that the query [asks for](Query::wanted).
///
/// # Ready-made
///
/// [`lookup_fn`](crate::resolve::lookup_fn) makes a resolver from an async function, and [`resolver_fn`](crate::resolve::resolver_fn) from a closure
/// that returns a stream. [`BoxResolver`](crate::boxed::BoxResolver) and [`LocalBoxResolver`](crate::boxed::LocalBoxResolver) box a resolver. These
/// resolvers wrap others:
///
/// - [`Overrides`](crate::resolve::Overrides) returns fixed addresses for some names.
/// - [`Routes`](crate::resolve::Routes) chooses a resolver by the suffix of the name.
/// - [`Fallback`](crate::resolve::Fallback) asks several in order, until one has addresses.
/// - [`Fastest`](crate::resolve::Fastest) asks several at once, and takes the first with addresses.
/// - [`CachedResolver`](crate::resolve::CachedResolver) caches answers until their TTL runs out.
/// - [`ResolverTimeout`](crate::resolve::ResolverTimeout) ends a lookup after a given time.
/// - [`SortedResolver`](crate::resolve::SortedResolver) sorts addresses by RFC 6724.
///
/// They can wrap each other in any order. The system's resolver is in `stagger-net`.
///
/// # Cancel safety
///
/// Dropping the stream abandons the lookup.
///
/// # Examples
///
/// This resolver is a table of names. It answers every record that a query [asks for](Query::wanted). If it has
/// no entry for the record it answers negatively, so that no race waits for it:
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
///
/// use futures_lite::stream::{self, Iter};
/// use stagger::error::LookupErrorKind;
/// use stagger::resolve::{Query, Record};
/// use stagger::{Answer, Dialer, Policy, Resolver};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
///
/// #[derive(Clone)]
/// struct Table(Vec<(&'static str, SocketAddr)>);
///
/// impl Resolver for Table {
///     type Address = SocketAddr;
///     type Error = io::Error;
///     type Answers = Iter<std::vec::IntoIter<Answer<SocketAddr, io::Error>>>;
///
///     fn resolve(&self, query: &Query) -> Self::Answers {
///         let name = query.target().host().to_string();
///         let found: Vec<_> = self.0.iter().filter(|(known, _)| *known == name).collect();
///         let answers = query.wanted().records().map(|record| match record {
///             Record::Https => Answer::negative(record),
///             _ if found.is_empty() => {
///                 let error = io::Error::other("it is not in the table");
///                 Answer::failed(record, error).with_kind(LookupErrorKind::NotFound)
///             }
///             _ => Answer::found(record, found.iter().map(|(_, address)| *address)),
///         });
///         stream::iter(answers.collect::<Vec<_>>())
///     }
/// }
///
/// let ledger = Ledger::new(&Clock::new());
/// let table = Table(vec![("db", "192.0.2.1:5432".parse().unwrap())]);
/// let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:5432", Fate::connects(ms(5)));
/// let dialer = Dialer::new(table, connector, ledger.clock().clone())
///     .with_policy(Policy::new().with_https(true));
///
/// ledger.clock().run(dialer.connect("db:5432"))?.hand_over();
/// assert_eq!(ledger.clock().elapsed(), ms(5));
/// let error = ledger.clock().run(dialer.connect("mail:25")).unwrap_err();
/// assert_eq!(error.name_exists(), Some(false));
/// # Ok::<_, stagger::Error>(())
/// ```
pub trait Resolver {
    /// The address in an answer. It is usually [`std::net::SocketAddr`], and may be any type that
    /// the [`Connector`](crate::Connector) takes. With [`Direct`](crate::connect::Direct) it may be an endpoint, such as a
    /// [`BoxEndpoint`](crate::boxed::BoxEndpoint).
    type Address;
    /// The error of a failed lookup.
    type Error;
    /// The answers, in the order in which the resolver finds them.
    type Answers: Stream<Item = Answer<Self::Address, Self::Error>>;

    /// Begins the lookup of `query`.
    fn resolve(&self, query: &Query) -> Self::Answers;

    /// Maps each address of this resolver, so that its answers fit another connector.
    ///
    /// The race reads the [family](crate::address::Address::family) of the mapped address. A literal target goes to this resolver
    /// as well, unless the mapped address type [can represent it](crate::address::Address::from_literal).
    ///
    /// # Examples
    ///
    /// Each address is reached through a proxy:
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use stagger::connect::{Direct, connector_fn};
    /// use stagger::resolve::Record;
    /// use stagger::{Connector, Dialer, Resolver, Target};
    /// use stagger_testkit::{Clock, Ledger, ScriptedResolver, ms};
    ///
    /// let proxy = connector_fn(|to: SocketAddr| async move { Ok::<_, std::io::Error>(to.port()) });
    /// let ledger = Ledger::new(&Clock::new());
    /// let found = ["192.0.2.1:80".parse::<SocketAddr>().unwrap()];
    /// let resolver = ScriptedResolver::new(&ledger)
    ///     .finds(ms(5), Record::Addresses, found)
    ///     .map_addresses(move |address| proxy.at(address));
    /// let dialer = Dialer::new(resolver, Direct, ledger.clock().clone());
    /// assert_eq!(ledger.clock().run(dialer.connect("example.com:80"))?, 80);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    fn map_addresses<F, B>(self, map: F) -> MapAddresses<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Address) -> B + Clone,
    {
        MapAddresses::new(self, map)
    }

    /// Maps each error of this resolver. The [kind](Answer::kind) of a failure does not change.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::{Dialer, Resolver};
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .fails(ms(5), Record::Addresses)
    ///     .map_err(|error| format!("the cluster's DNS: {error}"));
    /// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), ledger.clock().clone());
    /// let error = ledger.clock().run(dialer.connect("example.com:80")).unwrap_err();
    /// assert!(error.to_string().contains("the cluster's DNS: all lookup failed"));
    /// ```
    fn map_err<F, E>(self, map: F) -> MapErr<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Error) -> E + Clone,
    {
        MapErr::new(self, map)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<R: Resolver + ?Sized> Resolver for $pointer {
            type Address = R::Address;
            type Error = R::Error;
            type Answers = R::Answers;

            fn resolve(&self, query: &Query) -> Self::Answers {
                (**self).resolve(query)
            }
        }
    )*};
}

forward!(&R, Box<R>, Rc<R>, Arc<R>);
