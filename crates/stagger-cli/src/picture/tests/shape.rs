//! What holds of every picture.

use super::*;

/// The text without escape sequences of colours, and these alone.
fn without_color(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn no_line_but_the_sentence_is_wider_than_the_terminal() {
    for race in all() {
        for width in 8..=250 {
            for unicode in [false, true] {
                let picture = picture(&race, &Look { width, color: false, unicode });
                for line in picture.head.iter().chain(&picture.rows) {
                    let line = line.printed(false);
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
        // It is of no use, but it is no reason to panic.
        for width in 1..8 {
            assert!(!drawn(&race, width).is_empty());
        }
    }
}

#[test]
fn a_wide_terminal_is_used_to_its_end() {
    for race in all() {
        let lines = drawn(&race, 200);
        let longest = lines.lines().map(|line| line.chars().count()).max();
        assert_eq!(longest, Some(200), "{lines}");
    }
}

#[test]
fn no_line_ends_in_a_space() {
    for race in all() {
        for color in [false, true] {
            for width in [20, 40, 80, 200] {
                let text = timeline(&race, &Look { width, color, ..LOOK });
                assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
            }
        }
    }
}

#[test]
fn colours_change_no_letter_and_are_closed_on_their_line() {
    for race in all() {
        for width in [40, 80] {
            let colored = timeline(&race, &Look { width, color: true, ..LOOK });
            assert_eq!(without_color(&colored), drawn(&race, width));
            assert!(colored.lines().all(|line| {
                let last = line.rsplit_once("\x1b[").map(|(_, last)| last);
                last.is_none_or(|last| last.starts_with("0m"))
            }));
        }
    }
}

#[test]
fn won_is_green_and_failed_is_red() {
    let text = timeline(&won(), &Look { color: true, ..LOOK });
    let green = text.lines().find(|line| line.contains("192.0.2.2:80")).unwrap();
    assert!(green.contains("\x1b[32m━━━━✓\x1b[0m"), "{green:?}");
    assert!(green.ends_with("\x1b[32m✓ won\x1b[0m"), "{green:?}");
    let red = text.lines().find(|line| line.contains("192.0.2.1:80")).unwrap();
    assert!(red.ends_with("\x1b[31m✗ failed\x1b[0m"), "{red:?}");
}

#[test]
fn ascii_pictures_are_ascii() {
    for race in all() {
        for width in [40, 80] {
            assert!(timeline(&race, &Look { width, unicode: false, ..LOOK }).is_ascii());
        }
    }
}

#[test]
fn as_many_candidates_as_can_be_tried_have_a_row_each_over_minutes() {
    let text = drawn(&crowded(), 120);
    assert_eq!(text.lines().filter(|line| line.ends_with("╱ time was up")).count(), 64);
    let axis = text.lines().next().unwrap();
    let words = axis.split_whitespace().collect::<Vec<_>>();
    assert_eq!(words, ["s", "0", "100", "200", "300", "start", "end"]);
    let last = text.lines().last().unwrap();
    assert!(last.contains("  15.76  300.00  ╱ time was up"), "{last}");
}

#[test]
fn a_race_that_did_not_begin_has_no_picture() {
    assert_eq!(drawn(&Race::refused("no reason".to_owned()), 80), "");
}

#[test]
fn a_race_that_runs_has_room_ahead_and_says_how_long_it_has_run() {
    let ledger = ledger();
    let resolver = ScriptedResolver::<SocketAddr>::new(&ledger).finds(
        ms(20),
        Record::Addresses,
        addrs(&["[2001:db8::1]:80", "192.0.2.1:80", "192.0.2.2:80"]),
    );
    let connector = ScriptedConnector::new(&ledger)
        .at("[2001:db8::1]:80", Fate::silent())
        .at("192.0.2.1:80", Fate::silent());
    let recorder = Recorder::new();
    let dialer =
        Dialer::new(resolver, connector, ledger.clock().clone()).with_observer(recorder.clone());
    let mut connect = std::pin::pin!(dialer.connect("example.com:80"));
    let mut at = |time| {
        assert!(ledger.clock().run_until(ms(time), connect.as_mut()).is_pending());
        drawn(&Race::of(recorder.report(ms(time))), 80)
    };
    assert_eq!(
        at(10),
        "         ms  0             200            400        start    end
             ├──────────────┼──────────────┼───────
  query all  ─▸                                        0.0         ▸ asking

connecting for 10.0 ms
"
    );
    assert_eq!(
        at(300),
        "                ms  0          200         400       start    end
                    ├───────────┼───────────┼──────
  query all         ─┤                                 0.0   20.0  ┤ 3 addresses
  [2001:db8::1]:80   ━━━━━━━━━━━━━━━━━▸               20.0         ▸ running
  192.0.2.1:80                      ━━▸              270.0         ▸ running
  1 more                                                           ◦ not yet

connecting for 300.0 ms
"
    );
}

#[test]
fn a_wait_that_is_not_over_grows() {
    let ledger = ledger();
    let resolver = ScriptedResolver::<SocketAddr>::new(&ledger)
        .finds(ms(20), Record::A, addrs(&["192.0.2.1:80", "192.0.2.2:80"]))
        .never_ends();
    let recorder = Recorder::new();
    let connector = ScriptedConnector::new(&ledger);
    let dialer =
        Dialer::new(resolver, connector, ledger.clock().clone()).with_observer(recorder.clone());
    let connect = std::pin::pin!(dialer.connect("example.com:80"));
    assert!(ledger.clock().run_until(ms(60), connect).is_pending());
    assert_eq!(
        drawn(&Race::of(recorder.report(ms(60))), 80),
        "            ms  0            200          400        start    end
                ├─────────────┼────────────┼───────
  query A       ─┤···                                  0.0   20.0  ┤ 2 addresses
                waits 40.0 ms for the preferred family
  query AAAA    ────▸                                  0.0         ▸ asking
  2 more                                                           ◦ not yet

connecting for 60.0 ms
"
    );
}

#[test]
fn a_race_that_was_given_up_stands_still() {
    let ledger = ledger();
    let resolver = ScriptedResolver::<SocketAddr>::new(&ledger).finds(
        ms(0),
        Record::Addresses,
        addrs(&["192.0.2.1:80"]),
    );
    let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:80", Fate::silent());
    let recorder = Recorder::new();
    let dialer =
        Dialer::new(resolver, connector, ledger.clock().clone()).with_observer(recorder.clone());
    {
        let connect = std::pin::pin!(dialer.connect("example.com:80"));
        assert!(ledger.clock().run_until(ms(40), connect).is_pending());
    }
    let text = drawn(&Race::of(recorder.report(ms(1_000))), 80);
    assert!(text.ends_with("   0.0  40.0  ╱ dropped\n"), "{text}");
}
