//! Which NAT64 leads to IPv4 destinations.

use stagger::Report;
use stagger::error::causes;
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Prefix, NoPrefixError};

use crate::dial::StreamConnector;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::usage::UsageError;

/// The value of `--nat64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Nat64Choice {
    #[default]
    Off,
    /// The prefix is discovered.
    Auto,
    Given(Nat64Prefix),
}

impl Nat64Choice {
    /// Reads the value of `--nat64`, if there is one.
    ///
    /// # Errors
    ///
    /// A text that is neither one of the words nor a prefix.
    pub(crate) fn of(text: Option<&str>) -> Result<Self, UsageError> {
        match text {
            None | Some("off") => Ok(Self::Off),
            Some("auto") => Ok(Self::Auto),
            Some(text) => match text.parse() {
                Ok(prefix) => Ok(Self::Given(prefix)),
                Err(error) => {
                    let reason = format!("{error}; or write auto or off");
                    Err(UsageError::new("--nat64", text, reason))
                }
            },
        }
    }

    /// The NAT64 on a runtime. This resolver discovers the prefix.
    pub(crate) fn on<R: Runtime>(self, resolver: &ResolverChoice) -> Option<Nat64> {
        match self {
            Self::Off => None,
            Self::Auto => Some(Nat64::auto(resolver.shared::<R>(), R::timer())),
            Self::Given(prefix) => {
                let nat64 = Nat64::new(R::timer()).with_prefix(prefix);
                Some(nat64.expect("one prefix is not too many"))
            }
        }
    }
}

/// The connector that reaches IPv4 through this NAT64, if there is one.
pub(crate) fn through(nat64: Option<Nat64>, connector: StreamConnector) -> StreamConnector {
    match nat64 {
        None => connector,
        Some(nat64) => StreamConnector::erased(Nat64Connector::new(connector, nat64)),
    }
}

/// What to try after a failure without a prefix, as the end of its line.
pub(crate) fn hint(error: &stagger::Error) -> Option<&'static str> {
    lacks_prefix(error.report()).then_some("give the prefix by --nat64 PREFIX")
}

fn lacks_prefix(report: &Report<String>) -> bool {
    report.attempts().iter().any(|attempt| {
        let cause = attempt.outcome.cause();
        cause.is_some_and(|cause| causes(cause).any(|cause| cause.is::<NoPrefixError>()))
            || attempt.children.iter().any(lacks_prefix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_a_word_or_a_prefix() {
        let of = |text| Nat64Choice::of(Some(text));
        assert_eq!(Nat64Choice::of(None).unwrap(), Nat64Choice::Off);
        assert_eq!(of("off").unwrap(), Nat64Choice::Off);
        assert_eq!(of("auto").unwrap(), Nat64Choice::Auto);
        assert_eq!(of("64:ff9b::/96").unwrap(), Nat64Choice::Given(Nat64Prefix::WELL_KNOWN));
        for wrong in ["", "on", "64:ff9b::", "64:ff9b::/95", "::/96"] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad --nat64 {wrong:?}: ")), "{error}");
            assert!(error.ends_with("; or write auto or off"), "{error}");
        }
    }
}
