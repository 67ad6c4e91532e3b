//! The report of a connect, and the error with every cause. The file is longer than 400 lines
//! because the cases are short and share their table of errors.

mod support;

use std::collections::HashSet;
use std::error::Error as _;
use std::fmt;
use std::io;

use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, LookupErrorKind, Phase};
use stagger::race::RaceError;
use stagger::resolve::Record;
use stagger::{Answer, Error, Policy, Target, race};
use stagger_testkit::{Fate, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms};
use support::{Scripted, TARGET, World, attempts, connects, errors, fails, queries, within};

#[test]
fn the_report_of_a_win_says_who_won_when_and_what_became_of_the_others() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(5), Record::Aaaa, ["v6a", "v6b", "v6x"])
        .finds(ms(20), Record::A, ["v4a", "v4b"])
        .never_ends();
    let connector = world
        .connector([("v6a", fails(100)), ("v4a", Fate::silent()), ("v6b", connects(40))])
        .refuses("v6x");
    let connect = world.dialer(resolver, connector).connect(TARGET);
    let (winner, report) = world.run(connect.with_report()).unwrap();
    assert_eq!(report.winner().unwrap().address.to_string(), winner.name());
    assert_eq!(report.elapsed(), ms(395));
    assert_eq!(queries(&report), ["AAAA at 5: v6a v6b v6x", "A at 20: v4a v4b"]);
    assert_eq!(
        attempts(&report),
        [
            "v6x 5-5 skipped: v6x refused",
            "v6a 5-105 failed: v6a failed",
            "v4a 105-395 dropped",
            "v6b 355-395 connected",
        ]
    );
    assert_eq!(errors(&report), ["v6a failed"], "a loser is no failure");
    assert_eq!(report.untried(), [Place("v4b")]);
}

#[test]
fn the_report_says_when_each_answer_was_asked_for() {
    let world = World::new();
    let asked =
        |record, place, after| Answer::found(record, [Place(place)]).with_asked_after(ms(after));
    let resolver = world
        .resolver()
        .finds(ms(60), Record::Aaaa, ["v6"])
        .answers(ms(70), asked(Record::A, "v4", 50))
        .answers(ms(80), asked(Record::Addresses, "v4", 1000))
        .never_ends();
    let dialer = world.dialer(resolver, world.connector([("v6", connects(40))]));
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    let queries: Vec<_> = report.queries().iter().map(|query| query.started).collect();
    assert_eq!(queries, [ms(0), ms(50), ms(80)], "and never after it was answered");
}

#[test]
fn the_report_of_a_raced_list_says_the_index_of_the_winner() {
    let world = World::new();
    let endpoints = [fails(10), Fate::silent(), connects(40), connects(0)];
    let endpoints = endpoints.map(|fate| world.endpoint("endpoint", fate));
    let won = world.run(race(endpoints, world.clock.clone())).unwrap();
    assert_eq!((won.index, won.report.elapsed()), (2, ms(300)));
    assert_eq!(won.report.winner().unwrap().address, 2);
    assert_eq!(
        attempts(&won.report),
        ["0 0-10 failed: endpoint failed", "1 10-300 dropped", "2 260-300 connected"]
    );
}

#[test]
fn a_lost_list_keeps_its_endpoints_own_errors() {
    let lost = |policy: Policy, fates: Vec<Fate>| -> RaceError<ScriptedError> {
        let world = World::new();
        let endpoints = fates.into_iter().map(|fate| world.endpoint("e", fate));
        world.run(race(endpoints, world.clock.clone()).with_policy(policy)).unwrap_err()
    };
    let refused =
        lost(Policy::unlimited(), vec![fails(10).saying("first"), fails(9).saying("second")]);
    assert_eq!(refused.to_string(), "all 2 attempts failed");
    assert_eq!(refused.source().unwrap().to_string(), "first");
    let own: Vec<_> = refused.into_errors().collect();
    assert_eq!(own, [(0, ScriptedError::new("first")), (1, ScriptedError::new("second"))]);
    let silent = lost(within(300), vec![Fate::silent(), Fate::silent()]);
    assert_eq!(silent.to_string(), "no connection within 300 ms, 2 attempts made");
    assert!(silent.source().is_none());
    let empty = lost(within(300), vec![]);
    assert_eq!(empty.to_string(), "there was nothing to connect to");
}

/// The error of a connect.
#[track_caller]
fn lost(
    policy: Policy,
    answers: impl FnOnce(ScriptedResolver) -> ScriptedResolver,
    connector: impl FnOnce(ScriptedConnector) -> ScriptedConnector,
) -> Error {
    let world = World::new();
    let dialer: Scripted = world.dialer(answers(world.resolver()), connector(world.connector([])));
    world.run(dialer.with_policy(policy).connect(TARGET)).unwrap_err()
}

/// One error of every kind, with its text, its details and its cause.
fn every_kind() -> [(Error, ErrorKind, &'static str, &'static str, Option<&'static str>); 8] {
    [
        (
            Target::parse("exa mple:1").unwrap_err().into(),
            ErrorKind::InvalidTarget,
            r#"bad target "exa mple:1": the character " " at byte 3 is a control character or white space"#,
            "",
            None,
        ),
        (
            lost(
                Policy::new(),
                |r| r.fails(ms(3), Record::Aaaa).answers(ms(5), Answer::negative(Record::A)),
                |c| c,
            ),
            ErrorKind::Lookup,
            "could not connect to example.com:443: AAAA lookup failed",
            "\n  query AAAA, answered after 3 ms: AAAA lookup failed\
             \n  query A, answered after 5 ms: no addresses",
            Some("AAAA lookup failed"),
        ),
        (
            lost(Policy::new(), |r| r.answers(ms(5), Answer::negative(Record::Addresses)), |c| c),
            ErrorKind::NoAddresses,
            "could not connect to example.com:443: the host has no address",
            "\n  query all, answered after 5 ms: no addresses",
            None,
        ),
        (
            lost(
                Policy::new(),
                |r| r.finds(ms(5), Record::Addresses, ["v6", "v4"]),
                |c| c.refuses("v6").refuses("v4"),
            ),
            ErrorKind::NoneUsable,
            "could not connect to example.com:443: v6 refused; v4 refused",
            "\n  query all, answered after 5 ms: v6, v4\
             \n  v6, skipped at 5 ms: v6 refused\
             \n  v4, skipped at 5 ms: v4 refused",
            Some("v6 refused"),
        ),
        (
            lost(
                Policy::new().with_attempt_timeout(ms(100)).unwrap(),
                |r| r.finds(ms(5), Record::Aaaa, ["v6", "v6x"]).finds(ms(9), Record::A, ["v4"]),
                |c| c.at("v6", fails(20)).at("v4", Fate::silent()).refuses("v6x"),
            ),
            ErrorKind::Connection,
            "could not connect to example.com:443: v6 failed; \
             v4: no connection within the attempt timeout",
            "\n  query AAAA, answered after 5 ms: v6, v6x\
             \n  query A, answered after 9 ms: v4\
             \n  v6x, skipped at 5 ms: v6x refused\
             \n  v6, started at 5 ms, failed at 25 ms: v6 failed\
             \n  v4, started at 25 ms, timed out at 125 ms",
            Some("v6 failed"),
        ),
        (
            lost(within(70), |r| r.fails(ms(5), Record::A).never_ends(), |c| c),
            ErrorKind::TimedOut(Phase::Resolving),
            "could not connect to example.com:443 within 70 ms: no address was known yet; \
             A lookup failed",
            "\n  query A, answered after 5 ms: A lookup failed\
             \n  query AAAA, not answered",
            Some("A lookup failed"),
        ),
        (
            lost(within(30), |r| r.finds(ms(5), Record::A, ["v4"]).never_ends(), |c| c),
            ErrorKind::TimedOut(Phase::Waiting),
            "could not connect to example.com:443 within 30 ms: addresses were known, but \
             none had been tried yet",
            "\n  query A, answered after 5 ms: v4\
             \n  query AAAA, not answered\
             \n  v4, not tried",
            None,
        ),
        (
            lost(
                within(600),
                |r| r.finds(ms(5), Record::Addresses, ["v6", "v4", "v6b"]),
                |c| c.at("v6", fails(20)).at("v4", Fate::silent()).at("v6b", Fate::silent()),
            ),
            ErrorKind::TimedOut(Phase::Connecting),
            "could not connect to example.com:443 within 600 ms: v6 failed; \
             v4, v6b: no answer",
            "\n  query all, answered after 5 ms: v6, v4, v6b\
             \n  v6, started at 5 ms, failed at 25 ms: v6 failed\
             \n  v4, started at 25 ms, dropped at 600 ms\
             \n  v6b, started at 275 ms, dropped at 600 ms",
            Some("v6 failed"),
        ),
    ]
}

#[test]
fn every_kind_of_error_says_what_happened_in_one_line_and_all_of_it_in_more() {
    for (error, kind, line, more, cause) in every_kind() {
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string(), line);
        assert_eq!(format!("{error:#}"), format!("{line}{more}"));
        let found = error.cause().map(ToString::to_string);
        assert!(error.source().is_none(), "the line has every cause");
        let cause = if kind == ErrorKind::InvalidTarget { Some(line) } else { cause };
        assert_eq!(found.as_deref(), cause, "{kind:?}");
        assert!(!line.contains('\n') && !line.ends_with('.'));
    }
}

#[test]
fn no_two_kinds_of_error_read_alike() {
    let texts: HashSet<_> = every_kind().iter().map(|(error, ..)| error.to_string()).collect();
    let kinds: HashSet<_> = every_kind().iter().map(|(_, kind, ..)| *kind).collect();
    assert_eq!((texts.len(), kinds.len()), (8, 8));
}

#[test]
fn the_debug_form_of_an_error_is_its_line_and_the_long_one_has_every_cause() {
    for (error, ..) in every_kind() {
        assert_eq!(format!("{error:?}"), error.to_string());
        let text = format!("{error:#?}");
        for failure in error.report().attempts().iter().filter_map(|a| a.outcome.error()) {
            assert!(text.contains(&failure.to_string()), "{text}");
        }
    }
}

#[test]
fn an_error_keeps_its_target() {
    for (error, kind, ..) in every_kind() {
        let target = error.target().map(ToString::to_string);
        assert_eq!(target.is_none(), kind == ErrorKind::InvalidTarget);
        assert_eq!(target.as_deref().unwrap_or(TARGET), TARGET);
    }
}

#[test]
fn many_failures_are_counted_in_one_line_and_all_named_in_more() {
    let world = World::new();
    let texts = [
        "192.0.2.1:80",
        "192.0.2.2:80",
        "[2001:db8::1]:80",
        "[fe80::1%3]:80",
        "192.0.2.3:80",
        "192.0.2.4:80",
    ];
    let connector = world.connector(texts.map(|text| (text, fails(0).saying("refused"))));
    let dialer = world.dialer(world.sockets(texts), connector);
    let error = world.run(dialer.connect("example.com:80")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not connect to example.com:80: 192.0.2.1:80, [2001:db8::1]:80, 192.0.2.2:80, \
         [fe80::1%3]:80 and 2 more: refused"
    );
    let details = format!("{error:#}");
    for text in texts {
        assert!(details.contains(&format!("\n  {text}, started at 0 s, failed at 0 s: refused")));
    }
    assert_eq!(error.report().failures().count(), 6);
}

#[test]
fn a_lone_failure_is_told_with_its_address() {
    let error = lost(
        Policy::new(),
        |r| r.finds(ms(0), Record::Addresses, ["v6"]),
        |c| c.at("v6", fails(1).saying("no route")),
    );
    assert_eq!(error.to_string(), "could not connect to example.com:443: v6: no route");
}

#[test]
fn a_failed_lookup_beside_failed_attempts_is_kept() {
    let error = lost(
        Policy::new(),
        |r| r.finds(ms(0), Record::Aaaa, ["v6"]).fails(ms(2), Record::A),
        |c| c.at("v6", fails(1)),
    );
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(queries(error.report()), ["AAAA at 0: v6", "A at 2: A lookup failed"]);
    assert!(format!("{error:#}").contains("query A, answered after 2 ms: A lookup failed"));
}

#[test]
fn a_lookup_that_was_awaited_at_the_end_is_in_the_report() {
    let awaited = |policy, answers: fn(ScriptedResolver) -> ScriptedResolver| {
        let error = lost(policy, |r| answers(r).never_ends(), |c| c);
        queries(error.report())
    };
    assert_eq!(awaited(within(9), |r| r), ["all awaited:"]);
    let a = |r: ScriptedResolver| r.answers(ms(1), Answer::negative(Record::A));
    assert_eq!(awaited(within(9), a), ["A at 1:", "AAAA awaited:"]);
    let aaaa = |r: ScriptedResolver| r.answers(ms(1), Answer::negative(Record::Aaaa));
    assert_eq!(awaited(within(9), aaaa), ["AAAA at 1:", "A awaited:"]);
    let both = |r: ScriptedResolver| {
        r.answers(ms(1), Answer::negative(Record::Aaaa)).answers(ms(2), Answer::negative(Record::A))
    };
    let https = within(9).with_https(true);
    assert_eq!(awaited(https, both), ["AAAA at 1:", "A at 2:", "HTTPS awaited:"]);
}

#[test]
fn failures_are_kept_in_start_order_whichever_comes_first() {
    let error = lost(
        Policy::new(),
        |r| r.finds(ms(0), Record::Addresses, ["v6", "v4"]),
        |c| c.at("v6", fails(500)).at("v4", fails(20)),
    );
    assert_eq!(
        attempts(error.report()),
        ["v6 0-500 failed: v6 failed", "v4 250-270 failed: v4 failed"]
    );
    assert_eq!(error.cause().unwrap().to_string(), "v6 failed");
}

/// An error around another.
#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handshake failed")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn as_an_io_error_it_keeps_the_kind_of_the_most_preferred_attempt() {
    let world = World::new();
    let kinds = [io::ErrorKind::NetworkUnreachable, io::ErrorKind::ConnectionRefused];
    let resolver = || world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let kind = |place: Place| kinds[usize::from(place == Place("v4"))];
    let plain = connector_fn(move |place: Place| async move {
        Err::<stagger_testkit::Connection, _>(io::Error::from(kind(place)))
    });
    let wrapped = connector_fn(move |place: Place| async move {
        Err::<stagger_testkit::Connection, _>(Wrapped(kind(place).into()))
    });
    let plain = world.run(world.dialer(resolver(), plain).connect(TARGET)).unwrap_err();
    let wrapped = world.run(world.dialer(resolver(), wrapped).connect(TARGET)).unwrap_err();
    for error in [plain, wrapped] {
        let text = error.to_string();
        let error = io::Error::from(error);
        assert_eq!((error.kind(), error.to_string()), (kinds[0], text));
        let inner = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!(inner.kind(), ErrorKind::Connection);
    }
}

#[test]
fn as_an_io_error_every_kind_has_a_fitting_one() {
    let kinds = every_kind().map(|(error, ..)| io::Error::from(error).kind());
    let expected = [
        io::ErrorKind::InvalidInput,
        io::ErrorKind::Other,
        io::ErrorKind::NotFound,
        io::ErrorKind::AddrNotAvailable,
        io::ErrorKind::Other,
        io::ErrorKind::TimedOut,
        io::ErrorKind::TimedOut,
        io::ErrorKind::TimedOut,
    ];
    assert_eq!(kinds, expected);
    let silent = lost(
        Policy::new().with_attempt_timeout(ms(100)).unwrap(),
        |r| r.finds(ms(0), Record::Addresses, ["v6"]),
        |c| c.at("v6", Fate::silent()),
    );
    assert_eq!(io::Error::from(silent).kind(), io::ErrorKind::TimedOut);
}

#[test]
fn an_address_that_accepted_and_then_stalled_is_not_called_silent() {
    let world = World::new();
    let stalled = || Fate::silent().progressing(ms(20));
    for (fates, text) in [
        (
            vec![("v6", stalled()), ("v4", Fate::silent())],
            "v6: the handshake did not end; v4: no answer",
        ),
        (vec![("v6", stalled()), ("v4", stalled())], "v6, v4: the handshake did not end"),
        (vec![("v6", Fate::silent()), ("v4", Fate::silent())], "v6, v4: no answer"),
    ] {
        let dialer = world.places(fates).with_policy(within(600));
        let error = world.run(dialer.connect(TARGET)).unwrap_err();
        let expected = format!("could not connect to example.com:443 within 600 ms: {text}");
        assert_eq!(error.to_string(), expected);
    }
    let dialer = world.places([("v6", stalled())]).with_policy(within(600));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    let long = format!("{error:#}");
    assert!(
        long.contains("v6, started at 0 s, in a handshake from 20 ms, dropped at 600 ms"),
        "{long}"
    );
}

#[test]
fn the_kind_of_an_io_error_is_found_behind_a_shared_error() {
    use std::error::Error as StdError;
    use std::fmt;
    use std::io;

    use stagger::error::SharedError;

    #[derive(Debug)]
    struct TlsError(SharedError);

    impl fmt::Display for TlsError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no connection for TLS")
        }
    }

    impl StdError for TlsError {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    let connector = connector_fn(|_: std::net::SocketAddr| async {
        let error = io::Error::from(io::ErrorKind::NetworkUnreachable);
        Err::<(), _>(TlsError(SharedError::new(error)))
    });
    let clock = stagger_testkit::Clock::new();
    let ledger = stagger_testkit::Ledger::new(&clock);
    let resolver = ScriptedResolver::<std::net::SocketAddr>::new(&ledger);
    let dialer = stagger::Dialer::new(resolver, connector, clock.clone());
    let error = clock.run(dialer.connect("192.0.2.1:80")).unwrap_err();
    assert!(error.cause().unwrap().is::<TlsError>());
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
}

#[test]
fn whether_a_name_exists_is_known_only_where_a_resolver_knows() {
    let negative = || Answer::negative(Record::Addresses);
    let failed = || Answer::failed(Record::Addresses, ScriptedError::new("no"));
    for (answer, exists) in [
        (negative().with_kind(LookupErrorKind::NoAddress), Some(true)),
        (negative(), None),
        (failed().with_kind(LookupErrorKind::NotFound), Some(false)),
        (failed().with_kind(LookupErrorKind::Temporary), None),
        (failed(), None),
    ] {
        let world = World::new();
        let resolver = world.resolver().answers(ms(0), answer);
        let error = world.run(world.dialer(resolver, world.connector([])).connect(TARGET));
        assert_eq!(error.unwrap_err().name_exists(), exists);
    }
}

#[test]
fn a_report_prints_a_line_for_each_thing_that_happened() {
    let world = World::new();
    let dialer = world.places([("v6", Fate::silent()), ("v4", connects(30)), ("v4b", fails(1))]);
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(
        report.to_string(),
        "query all, answered after 0 s: v6, v4, v4b\n\
         v6, started at 0 s, dropped at 280 ms\n\
         v4, started at 250 ms, connected at 280 ms\n\
         v4b, not tried"
    );
}
