//! Different resolvers for different names: split DNS.

use std::collections::HashMap;

use crate::Resolver;
use crate::resolve::Query;
use crate::target::{Host, Name, TargetError};

/// A resolver that chooses a resolver for each name by its suffix, as in split DNS. There only a
/// company's own name servers know its names.
///
/// The longest matching suffix counts. Suffixes are compared label by label, and a name is a suffix
/// of itself. So `corp.example` matches `corp.example` and `db.corp.example`, but not
/// `mycorp.example`. A name without a matching suffix goes to the default, and so does an IP
/// address. Letter case, the Unicode spelling and a trailing dot do not matter.
///
/// Only the chosen resolver is asked. If it does not know the name, no other resolver is asked, so
/// private names do not leak. All resolvers have one type, which can be [`BoxResolver`](crate::boxed::BoxResolver).
/// [`erased`](crate::boxed::BoxResolver::erased) also hides their error types.
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
    /// Creates a resolver with this default and without suffixes.
    pub fn new(default: R) -> Self {
        Self { default, suffixes: HashMap::new() }
    }

    /// Sets the resolver for names with this suffix, in place of the suffix's current one. The
    /// suffix `""` or `"."` matches all names: it sets the default.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the suffix. It must be a name: it does not begin with a dot, and
    /// a `*` in it is not a wildcard.
    pub fn with_suffix(mut self, suffix: &str, resolver: R) -> Result<Self, TargetError> {
        if matches!(suffix, "" | ".") {
            self.default = resolver;
        } else {
            self.suffixes.insert(Name::try_from(suffix)?.absolute().into(), resolver);
        }
        Ok(self)
    }

    /// The resolver for a query.
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
