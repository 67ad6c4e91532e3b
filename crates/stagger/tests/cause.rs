//! The one line of an error has each failure with its causes, down to the last.

mod support;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use futures_lite::stream;
use stagger::connect::{AttemptError, connector_fn};
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Candidate, Connector as _, Dialer, Error};
use stagger_testkit::Clock;
use support::TARGET;

/// An error with its causes, outermost first.
#[derive(Debug)]
struct Nested(&'static str, Option<Box<Self>>);

impl Nested {
    fn of(texts: &[&'static str]) -> Self {
        let inner = (texts.len() > 1).then(|| Box::new(Self::of(&texts[1..])));
        Self(texts[0], inner)
    }
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Nested {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|inner| inner as _)
    }
}

/// Errors, and how each is told: causes that are repeated by what is above them are told once.
const TABLE: [(&[&str], &str); 5] = [
    (&["refused"], "refused"),
    (&["no port", "no file", "permission denied"], "no port: no file: permission denied"),
    (&["no port: no file", "no file", "permission denied"], "no port: no file: permission denied"),
    (&["outer (inner, 2 tries)", "inner"], "outer (inner, 2 tries)"),
    (&["outer", "middle: last", "last"], "outer: middle: last"),
];

#[track_caller]
fn assert_told(error: &Error, of: &str, told: &str, last: &str) {
    let line = error.to_string();
    assert!(line.contains(&format!("{of}{told}")), "{told}: {line}");
    let details = format!("{error:#}");
    assert!(details[line.len()..].contains(&format!(": {told}")), "{details}");
    let source = std::iter::successors(error.source(), |&cause| cause.source()).last().unwrap();
    assert_eq!(source.to_string(), last);
}

#[test]
fn a_failed_lookup_is_told_down_to_its_last_cause() {
    for (texts, told) in TABLE {
        for (record, of) in [(Record::Addresses, "("), (Record::A, "(A: ")] {
            let resolver = resolver_fn(move |_: &_| {
                stream::once(Answer::<SocketAddr, _>::failed(record, Nested::of(texts)))
            });
            let connector = connector_fn(|_: SocketAddr| async { Ok::<_, io::Error>(()) });
            let clock = Clock::new();
            let dialer = Dialer::new(resolver, connector, clock.clone());
            let error = clock.run(dialer.connect(TARGET)).unwrap_err();
            assert_told(&error, of, told, texts[texts.len() - 1]);
        }
    }
}

#[test]
fn a_failed_attempt_is_told_down_to_its_last_cause_and_so_is_one_that_ends_the_race() {
    for (texts, told) in TABLE {
        for is_final in [false, true] {
            let connector = connector_fn(|_: SocketAddr| async { Ok::<_, Nested>(()) })
                .map_err(|error| error)
                .and_then(move |(), _: Candidate<_>| async move {
                    let verdict = AttemptError::new(Nested::of(texts));
                    Err::<(), _>(if is_final { verdict.with_final(true) } else { verdict })
                });
            let resolver = resolver_fn(|_: &_| stream::empty::<Answer<_, io::Error>>());
            let clock = Clock::new();
            let dialer = Dialer::new(resolver, connector, clock.clone());
            let error = clock.run(dialer.connect("192.0.2.1:80")).unwrap_err();
            assert_eq!(error.is_final(), is_final);
            let of = if is_final { "192.0.2.1:80 ended it: " } else { "(192.0.2.1:80: " };
            assert_told(&error, of, told, texts[texts.len() - 1]);
        }
    }
}
