//! The one line of an error has each failure with its causes, down to the last cause.

mod support;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use futures_lite::stream;
use stagger::boxed::BoxError;
use stagger::connect::{AttemptError, connector_fn};
use stagger::error::{LookupErrorKind, SharedError};
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

/// Errors and their lines. A cause is printed once even if the errors above repeat it.
const TABLE: [(&[&str], &str); 7] = [
    (&["refused"], "refused"),
    (&["no port", "no file", "permission denied"], "no port: no file: permission denied"),
    (&["no port: no file", "no file", "permission denied"], "no port: no file: permission denied"),
    (&["outer (inner, 2 tries)", "inner"], "outer (inner, 2 tries)"),
    (&["outer", "middle: last", "last"], "outer: middle: last"),
    (&["unrefused 10", "refused", "0"], "unrefused 10: refused: 0"),
    (&["a\nb", "\u{1b}[2J"], "a\\nb: \\u{1b}[2J"),
];

/// Asserts that the line is this, that the long form begins with it, and that nothing else prints a
/// cause again.
#[track_caller]
fn assert_told(error: &Error, line: &str, texts: &[&str]) {
    assert_eq!(error.to_string(), line);
    assert_eq!(format!("{error:?}"), line);
    let (details, longest) = (format!("{error:#}"), format!("{error:#?}"));
    assert!(details.starts_with(line) && details.len() > line.len(), "{details}");
    assert_eq!(details, longest);
    assert!(error.source().is_none(), "{error}");
    assert_eq!(error.cause().unwrap().to_string(), texts[0]);
    let causes: Vec<_> = error.causes().map(ToString::to_string).collect();
    assert_eq!(causes, texts);
    assert!(error.causes().all(|cause| cause.is::<Nested>()));
}

#[test]
fn a_failed_lookup_is_told_down_to_its_last_cause() {
    for (texts, told) in TABLE {
        for record in [Record::Addresses, Record::A] {
            let resolver = resolver_fn(move |_: &_| {
                stream::once(Answer::<SocketAddr, _>::failed(record, Nested::of(texts)))
            });
            let connector = connector_fn(|_: SocketAddr| async { Ok::<_, io::Error>(()) });
            let clock = Clock::new();
            let dialer = Dialer::new(resolver, connector, clock.clone());
            let error = clock.run(dialer.connect(TARGET)).unwrap_err();
            let line = format!("could not connect to {TARGET}: {told}");
            assert_told(&error, &line, texts);
        }
    }
}

/// The error of a connect to a literal, of which the only attempt fails so.
fn failed(error: fn() -> BoxError, is_final: bool) -> Error {
    let connector = connector_fn(|_: SocketAddr| async { Ok::<_, SharedError>(()) })
        .map_err(|error| error)
        .and_then(move |(), _: Candidate<_>| async move {
            let verdict = AttemptError::new(SharedError::new(error()));
            Err::<(), _>(if is_final { verdict.with_final(true) } else { verdict })
        });
    let resolver = resolver_fn(|_: &_| stream::empty::<Answer<_, io::Error>>());
    let clock = Clock::new();
    let dialer = Dialer::new(resolver, connector, clock.clone());
    clock.run(dialer.connect("192.0.2.1:80")).unwrap_err()
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
            assert_told(&error, &format!("could not connect to 192.0.2.1:80: {told}"), texts);
        }
    }
}

#[test]
fn a_cause_is_found_inside_an_io_error_and_below_another_connect() {
    let inner = || -> BoxError {
        io::Error::new(io::ErrorKind::TimedOut, Nested::of(&["outer", "inner"])).into()
    };
    let error = failed(inner, false);
    assert_eq!(error.to_string(), "could not connect to 192.0.2.1:80: outer: inner");
    let texts: Vec<_> = error.causes().map(ToString::to_string).collect();
    assert_eq!(texts, ["outer", "outer", "inner"], "an error and what it holds are two");
    assert_eq!(error.causes().filter(|cause| cause.is::<Nested>()).count(), 2);

    let proxy = || -> BoxError {
        failed(|| io::Error::from(io::ErrorKind::ConnectionRefused).into(), false).into()
    };
    let error = failed(proxy, false);
    let kinds = error.causes().find_map(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(kinds.unwrap().kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.cause().unwrap().is::<Error>());
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_cause_of_failed_lookups_has_the_kind_that_the_error_has() {
    let kinds = [LookupErrorKind::Temporary, LookupErrorKind::NotFound];
    let resolver = resolver_fn(move |_: &_| {
        let failed = |record, text, kind| {
            Answer::<SocketAddr, _>::failed(record, Nested(text, None)).with_kind(kind)
        };
        stream::iter([
            failed(Record::Aaaa, "first", kinds[0]),
            failed(Record::A, "second", kinds[1]),
        ])
    });
    let connector = connector_fn(|_: SocketAddr| async { Ok::<_, io::Error>(()) });
    let clock = Clock::new();
    let error = clock.run(Dialer::new(resolver, connector, clock.clone()).connect(TARGET));
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to {TARGET}: AAAA: first; A: second"));
    assert_eq!(error.lookup_kind(), Some(LookupErrorKind::NotFound));
    assert_eq!(error.cause().unwrap().to_string(), "second");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_attempt_s_failure_is_the_cause_even_where_a_lookup_failed_before() {
    let resolver = resolver_fn(|_: &_| {
        let addr: SocketAddr = "192.0.2.1:443".parse().unwrap();
        stream::iter([
            Answer::failed(Record::Aaaa, Nested("no AAAA", None)),
            Answer::found(Record::A, [addr]),
        ])
    });
    let connector = connector_fn(|_: SocketAddr| async { Err::<(), _>(Nested("no way", None)) });
    let clock = Clock::new();
    let error = clock.run(Dialer::new(resolver, connector, clock.clone()).connect(TARGET));
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to {TARGET}: 192.0.2.1:443: no way"));
    assert_eq!(error.cause().unwrap().to_string(), "no way");
    assert!(format!("{error:#}").contains("no AAAA"));
}

#[test]
fn equal_failures_are_merged_and_stand_in_start_order() {
    let resolver = resolver_fn(|_: &_| {
        let addrs = [1, 2, 3].map(|last| SocketAddr::from(([192, 0, 2, last], 443)));
        stream::once(Answer::<_, io::Error>::found(Record::Addresses, addrs))
    });
    let connector = connector_fn(|addr: SocketAddr| async move {
        let is_second = addr.ip().to_string().ends_with('2');
        Err::<(), _>(Nested(if is_second { "refused" } else { "no route" }, None))
    });
    let clock = Clock::new();
    let error = clock.run(Dialer::new(resolver, connector, clock.clone()).connect(TARGET));
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "could not connect to {TARGET}: 192.0.2.1:443, 192.0.2.3:443: no route; \
             192.0.2.2:443: refused"
        )
    );
}

#[test]
fn the_long_form_of_a_shared_error_has_its_causes_and_so_has_a_report() {
    let error = SharedError::new(Nested::of(&["no port", "no\nfile"]));
    assert_eq!(error.to_string(), "no port");
    assert_eq!(format!("{error:#}"), "no port: no\\nfile");
    let report = failed(|| Nested::of(&["no port", "no\nfile"]).into(), false).into_report();
    assert!(report.to_string().ends_with(": no port: no\\nfile"), "{report}");
}

#[test]
fn an_address_that_was_tried_twice_is_named_once() {
    let resolver = resolver_fn(|_: &_| {
        let addr = SocketAddr::from(([192, 0, 2, 1], 443));
        stream::once(Answer::<_, io::Error>::found(Record::Addresses, [addr]))
    });
    // A failure for want of something local is tried once more.
    let connector = connector_fn(|_: SocketAddr| async { Ok::<_, io::Error>(()) })
        .map_err(|error| error)
        .and_then(|(), _: Candidate<_>| async {
            Err::<(), _>(
                AttemptError::new(io::Error::other("no descriptor")).with_local_shortage(true),
            )
        });
    let clock = Clock::new();
    let error = clock.run(Dialer::new(resolver, connector, clock.clone()).connect(TARGET));
    let error = error.unwrap_err();
    assert_eq!(error.report().attempts().len(), 2);
    assert_eq!(
        error.to_string(),
        format!("could not connect to {TARGET}: 192.0.2.1:443: no descriptor")
    );
}
