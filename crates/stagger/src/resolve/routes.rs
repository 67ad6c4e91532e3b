//! Another resolver for some names: split DNS.

use std::collections::HashMap;

use crate::Resolver;
use crate::resolve::Query;
use crate::target::{Host, Name, TargetError};

/// A resolver that leaves each name to the resolver of its suffix, as in split DNS, where only a
/// company's own name servers know its names.
///
/// Of the suffixes that a name ends in, label by label, the longest counts; a name is a suffix of
/// itself. So `corp.example` is for `corp.example` and `db.corp.example`, and not for
/// `mycorp.example`. A name without any of them, and an IP address, goes to the default. Letter
/// case, the way a suffix in Unicode is written, and a trailing dot do not count.
///
/// The resolver of a name alone is asked: if it knows nothing of the name, no other does. (A name
/// that must not leave the house does not, then.) All resolvers are of one type; a
/// [`BoxResolver`](crate::boxed::BoxResolver) is one for any, and
/// [`erased`](crate::boxed::BoxResolver::erased) also hides which errors they have.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::resolve::{Record, Routes};
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let at = |place| ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, [place]);
/// let resolver = Routes::new(at("v4 world")).with_suffix("corp.example", at("v4 office"))?;
/// let connector = ScriptedConnector::new(&ledger)
///     .at("v4 world", Fate::connects(ms(10)))
///     .at("v4 office", Fate::connects(ms(10)));
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// let connection = ledger.clock().run(dialer.connect("db.corp.example:5432")).unwrap();
/// assert_eq!(connection.name(), "v4 office");
/// let connection = ledger.clock().run(dialer.connect("mycorp.example:80")).unwrap();
/// assert_eq!(connection.name(), "v4 world");
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Routes<R> {
    default: R,
    suffixes: HashMap<Box<str>, R>,
}

impl<R> Routes<R> {
    /// Leaves every name to this resolver, as long as there are no others.
    pub fn new(default: R) -> Self {
        Self { default, suffixes: HashMap::new() }
    }

    /// Leaves the names that end in this suffix to this resolver, in place of the one that had
    /// them. The suffix `""` or `"."` is that of all names: it sets the default.
    ///
    /// # Errors
    ///
    /// What is wrong with the suffix, which must be a name: it does not begin with a dot, and a `*`
    /// in it is no wildcard.
    pub fn with_suffix(mut self, suffix: &str, resolver: R) -> Result<Self, TargetError> {
        if matches!(suffix, "" | ".") {
            self.default = resolver;
        } else {
            self.suffixes.insert(Name::try_from(suffix)?.absolute().into(), resolver);
        }
        Ok(self)
    }

    /// The resolver to which a query is left.
    pub fn route(&self, query: &Query) -> &R {
        let Host::Name(name) = query.target().host() else { return &self.default };
        let mut suffix = name.absolute();
        loop {
            if let Some(resolver) = self.suffixes.get(suffix) {
                return resolver;
            }
            match suffix.split_once('.') {
                Some((_, shorter)) => suffix = shorter,
                None => return &self.default,
            }
        }
    }
}

impl<R: Resolver> Resolver for Routes<R> {
    type Address = R::Address;
    type Error = R::Error;
    type Answers = R::Answers;

    fn resolve(&self, query: &Query) -> R::Answers {
        self.route(query).resolve(query)
    }
}
