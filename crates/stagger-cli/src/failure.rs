//! How a command fails: the line that says why, and the exit code.

use std::io;

use stagger::error::{ErrorKind, LookupErrorKind, causes};
use stagger::target::Service;
use stagger::{Error, Target};

use crate::console::Exit;
use crate::escape::quoted;
use crate::hint::service;
use crate::race::Race;
use crate::usage::UsageError;
use crate::{nat64, proxy, ssh, tls};
use stagger::text::with_causes;

/// Why a command fails, and the code that it exits with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit: Exit,
}

impl Failure {
    /// The network or the system failed.
    pub(crate) fn new(message: String) -> Self {
        Self { message, exit: Exit::Failure }
    }

    /// The runtime could not be started.
    pub(crate) fn no_runtime(error: &io::Error) -> Self {
        Self::new(format!("cannot start the runtime: {error}"))
    }

    /// The race did not connect.
    pub(crate) fn lost(error: &Error) -> Self {
        let (race, exit) = lost(error);
        Self { message: race.error.unwrap_or_else(|| error.to_string()), exit }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self { message: error.to_string(), exit: Exit::Usage }
    }
}

/// The causes of a socket's error in one line, without the leading step that the message has
/// already: `bind to [::1]:80: ` says the address again.
pub(crate) fn without_step(error: &io::Error, step: &str) -> String {
    let line = with_causes(error);
    let whole = line.strip_prefix("could not ").unwrap_or(&line);
    let rest = whole.strip_prefix(step).and_then(|rest| rest.split_once(": "));
    let reason = rest.map_or(&line[..], |(_, reason)| reason);
    let bind = ["bind: ", "could not bind: "];
    let reason = bind.iter().find_map(|bind| reason.strip_prefix(bind)).unwrap_or(reason);
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => format!("{reason}; this machine has no such address"),
        _ => reason.to_owned(),
    }
}

/// The race of a connect or a resolution that failed, and the code to exit with.
///
/// A target that is wrong on any network is bad usage: its service or its zone does not exist, or
/// its name is not valid. Any other failure is one of the network: a lookup or an attempt failed.
pub(crate) fn lost(error: &Error) -> (Race, Exit) {
    let mut race = Race::lost(error);
    let invalid = invalid_target(error);
    let is_usage = invalid.is_some()
        || error.kind() == ErrorKind::InvalidTarget
        || ssh::is_misconfigured(error);
    if invalid.is_some() {
        race.error = invalid;
    } else if let (Some(line), Some(hint)) = (&mut race.error, hint(error)) {
        line.push_str(&format!("; {hint}"));
    }
    (race, if is_usage { Exit::Usage } else { Exit::Failure })
}

/// What to try after a failed connect. An endpoint does not have the options of a target.
fn hint(error: &Error) -> Option<&'static str> {
    let of_target = error.target().and_then(|_| tls::hint(error).or_else(|| proxy::hint(error)));
    of_target.or_else(|| nat64::hint(error))
}

/// Why the target is wrong on any network, if it is. After an attempt the target was not at fault.
fn invalid_target(error: &Error) -> Option<String> {
    let report = error.report();
    if !report.attempts().is_empty() {
        return None;
    }
    let is_invalid = |kind: LookupErrorKind| kind.is_invalid_input();
    let query = report.queries().iter().find(|query| query.kind.is_some_and(is_invalid))?;
    let first: &(dyn std::error::Error + 'static) = query.error.as_ref()?.get_ref();
    let target = error.target();
    let reason = match (query.kind?, target.map(Target::service)) {
        (LookupErrorKind::UnknownService, Some(Service::Name(name))) => {
            let name = name.to_string();
            format!("no TCP service is named {name:?}; {}", service::instead(&name))
        }
        // Each layer of a resolver names the target again, so only the root is shown.
        _ => causes(first).last()?.to_string(),
    };
    Some(match target {
        Some(target) => format!("bad target {}: {reason}", quoted(&target.to_string())),
        None => reason,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use futures_lite::stream;
    use stagger::resolve::{Record, resolver_fn};
    use stagger::{Answer, Dialer};
    use stagger_testkit::{Fate, ScriptedConnector, ScriptedError, ms};

    use super::*;
    use crate::race::kit::{addrs, ledger};

    /// An error of an outer layer of a resolver, which names the target again.
    #[derive(Debug)]
    struct Outer(ScriptedError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("example.com:nosuch failed")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    /// What a connect comes to if a lookup fails with this kind, and another finds these addresses.
    fn failed(kind: LookupErrorKind, found: &[&str]) -> (Option<String>, Exit) {
        let ledger = ledger();
        let addresses = addrs(found);
        let resolver = resolver_fn(move |_: &_| {
            let error = Outer(ScriptedError::new("the reason"));
            stream::iter([
                Answer::failed(Record::A, error).with_kind(kind),
                Answer::found(Record::Aaaa, addresses.clone()),
            ])
        });
        let connector = found.iter().fold(ScriptedConnector::new(&ledger), |connector, address| {
            connector.at(address, Fate::fails(ms(1)))
        });
        let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
        let error = ledger.clock().run(dialer.connect("example.com:nosuch")).unwrap_err();
        let (race, exit) = lost(&error);
        (race.error, exit)
    }

    #[test]
    fn a_target_that_is_wrong_in_itself_is_bad_usage_and_has_its_own_line() {
        for (kind, exit) in [
            (LookupErrorKind::UnknownService, Exit::Usage),
            (LookupErrorKind::UnknownZone, Exit::Usage),
            (LookupErrorKind::InvalidName, Exit::Usage),
            (LookupErrorKind::NotFound, Exit::Failure),
            (LookupErrorKind::Temporary, Exit::Failure),
            (LookupErrorKind::Other, Exit::Failure),
        ] {
            let (error, found) = failed(kind, &[]);
            assert_eq!(found, exit, "{kind}: {error:?}");
            let error = error.unwrap();
            let reason = error.strip_prefix("bad target \"example.com:nosuch\": ");
            assert_eq!(reason.is_some(), exit == Exit::Usage, "{kind}: {error}");
            match reason {
                Some(reason) if kind == LookupErrorKind::UnknownService => {
                    assert!(reason.starts_with("no TCP service is named \"nosuch\"; "), "{error}");
                }
                Some(reason) => assert_eq!(reason, "the reason", "{kind}"),
                None => {}
            }
        }
    }

    #[test]
    fn a_step_that_names_the_address_again_is_left_out() {
        let reason =
            |kind, text: &str| without_step(&io::Error::new(kind, text.to_owned()), "listen on ");
        let in_use = io::ErrorKind::AddrInUse;
        assert_eq!(reason(in_use, "listen on [::1]:80: bind: in use"), "in use");
        assert_eq!(reason(in_use, "listen on [::1]:80: set an option: no"), "set an option: no");
        assert_eq!(reason(in_use, "in use"), "in use");
        let text = "could not listen on [::1]:80: could not bind: in use";
        assert_eq!(reason(in_use, text), "in use");
        assert_eq!(reason(in_use, "could not open a socket"), "could not open a socket");
        let strange = reason(io::ErrorKind::AddrNotAvailable, "listen on 192.0.2.1:80: strange");
        assert_eq!(strange, "strange; this machine has no such address");
    }

    #[test]
    fn after_an_attempt_the_target_was_not_at_fault() {
        let (error, exit) = failed(LookupErrorKind::UnknownService, &["[2001:db8::1]:80"]);
        assert_eq!(exit, Exit::Failure);
        let error = error.unwrap();
        assert!(error.starts_with("could not connect to example.com:nosuch: "), "{error}");
    }

    #[test]
    fn a_target_that_cannot_be_parsed_is_bad_usage() {
        let error = Error::from(Target::parse("localhost:65536").unwrap_err());
        assert_eq!(lost(&error).1, Exit::Usage);
    }
}
