//! Progress of an attempt, and races inside it.

use roxmltree::Document;
use stagger::Target;
use stagger_testkit::Ledger;

use super::*;
use crate::race::attempt_error;
use crate::race::kit::Hop;
use crate::wrap::wrap;

/// A connect through so many jump hosts.
pub(super) fn nested(levels: usize) -> Race {
    let ledger = ledger();
    let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:22", Fate::connects(ms(10)));
    let hop = (1..=levels).fold(Hop::scripted(connector), |hop, level| {
        let found = format!("192.0.2.{level}:22");
        hop.through(&ledger, &format!("jump{level}.test:22"), &[&found])
    });
    hop.race(&ledger, &["192.0.2.100:80"])
}

/// Addresses that accept: one stalls in its handshake, one fails in it, one gets through it.
pub(super) fn handshakes() -> Race {
    let ledger = ledger();
    let connector = ScriptedConnector::new(&ledger)
        .at("192.0.2.1:443", Fate::silent().progressing(ms(100)))
        .at("192.0.2.2:443", Fate::fails(ms(60)).saying("bad certificate").progressing(ms(20)))
        .at("192.0.2.3:443", Fate::connects(ms(90)).progressing(ms(50)));
    let found = ["192.0.2.1:443", "192.0.2.2:443", "192.0.2.3:443"];
    Hop::scripted(connector).race(&ledger, &found)
}

/// A connector through a proxy with one address, and these fates one after another.
fn through_proxy(ledger: &Ledger, fates: [Fate; 2]) -> Hop {
    let connector = ScriptedConnector::new(ledger);
    let connector = fates.into_iter().fold(connector, |all, fate| all.at("192.0.2.9:1080", fate));
    Hop::scripted(connector).through(ledger, "proxy.test:1080", &["192.0.2.9:1080"])
}

#[test]
fn a_bar_changes_where_the_handshake_begins_and_the_row_says_when() {
    assert_eq!(
        drawn(&handshakes(), 80),
        "             ms  0      100     200     300     400  start    end
                 ├───────┼───────┼───────┼────────┼
  query all      ┤                                     0.0    5.0  ┤ 3 addresses
  192.0.2.1:443  ━━━━━━━━━╪═══════════════════════╱    5.0  405.0  ╱ dropped
                 handshake from 105.0 ms
  192.0.2.2:443                       ━╪═══✗         255.0  315.0  ✗ failed
                 bad certificate (handshake from 275.0 ms)
  192.0.2.3:443                            ━━━━╪══✓  315.0  405.0  ✓ won
                 handshake from 365.0 ms

connected to 192.0.2.3:443 in 405.0 ms (from 192.0.2.200:4000)
"
    );
    let look = Look { unicode: false, ..LOOK };
    let text = timeline(&handshakes(), &look);
    let row = text.lines().find(|line| line.contains("192.0.2.3:443"));
    assert_eq!(
        row,
        Some("  192.0.2.3:443                            ====#~~*  315.0  405.0  * won")
    );
}

#[test]
fn on_a_narrow_terminal_the_words_say_when_the_handshake_began() {
    assert_eq!(
        drawn(&handshakes(), 40),
        "  query all
      0.0    5.0 ms  ┤ 3 addresses
  192.0.2.1:443
      5.0  405.0 ms  ╱ dropped
    handshake from 105.0 ms
  192.0.2.2:443
    255.0  315.0 ms  ✗ failed
    bad certificate (handshake from
    275.0 ms)
  192.0.2.3:443
    315.0  405.0 ms  ✓ won
    handshake from 365.0 ms

connected to 192.0.2.3:443 in 405.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn an_attempt_in_a_handshake_says_so_while_it_runs() {
    let ledger = ledger();
    let connector =
        ScriptedConnector::new(&ledger).at("192.0.2.1:443", Fate::silent().progressing(ms(100)));
    let (dialer, recorder) = Hop::scripted(connector).dialer(&ledger, &["192.0.2.1:443"]);
    let mut connect = std::pin::pin!(dialer.connect("example.com:443"));
    for (time, row) in [
        (100, "  192.0.2.1:443  ━━━━━━━▸                              5.0         ▸ running"),
        (200, "  192.0.2.1:443  ━━━━━━━╪═════▸                        5.0         ▸ handshake"),
    ] {
        assert!(ledger.clock().run_until(ms(time), connect.as_mut()).is_pending());
        let text = drawn(&Race::of(recorder.report(ms(time))), 80);
        let drawn = text.lines().find(|line| line.contains("192.0.2.1:443"));
        assert_eq!(drawn, Some(row));
    }
}

#[test]
fn a_race_inside_an_attempt_is_drawn_below_it() {
    assert_eq!(
        drawn(&proxied(), 80),
        "                      ms  0      100    200     300  start    end
                          ├───────┼──────┼───────┼─
  query all               ┤                            0.0    5.0  ┤ 1 address
  192.0.2.1:80            ━━━━━━━━━━━━━━━━━━━━━━━╪✓    5.0  320.0  ✓ won
                          handshake from 300.0 ms
    to proxy.test:1080    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌■     5.0  300.0  ■ connected
      query all           ─┤                           5.0   10.0  ┤ 3 addresses
      [2001:db8::9]:1080   ━━━━━━━━━━━━━━━━━━━━━━╱    10.0  300.0  ╱ dropped
      192.0.2.9:1080                          ━━━✓   260.0  300.0  ✓ won
      192.0.2.10:1080      ◦                                       ◦ not tried

connected to 192.0.2.1:80 in 320.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_race_inside_that_fails_or_is_cut_off_says_which() {
    let race = |first| {
        let ledger = ledger();
        let hop = through_proxy(&ledger, [first, Fate::connects(ms(10))]);
        hop.race(&ledger, &["192.0.2.1:80", "192.0.2.2:80"])
    };
    let failed = race(Fate::fails(ms(30)).saying("no route"));
    // The line of the error of the race inside is the library's.
    let reason = attempt_error(&failed.report.attempts()[0]).unwrap();
    assert!(reason.contains("no route"), "{reason}");
    let reason = wrap(&reason, 80 - 24).into_iter().map(|line| format!("{:24}{line}\n", ""));
    let reason: String = reason.collect();
    assert_eq!(
        drawn(&failed, 80),
        format!(
            "                    ms  0              50        start   end
                        ├──────────────┼───────
  query all             ─┤                         0.0   5.0  ┤ 2 addresses
  192.0.2.1:80           ━━━━━━━━━━━✗              5.0  40.0  ✗ failed
{reason}    to proxy.test:1080   ╌╌╌╌╌╌╌╌╌╌╌✗              5.0  40.0  ✗ failed
      query all          ──┤                       5.0  10.0  ┤ 1 address
      192.0.2.9:1080       ━━━━━━━━━✗             10.0  40.0  ✗ failed: no route
  192.0.2.2:80                      ━━━━╪═════✓   40.0  75.0  ✓ won
                        handshake from 55.0 ms
    to proxy.test:1080              ╌╌╌╌■         40.0  55.0  ■ connected
      query all                     ─┤            40.0  45.0  ┤ 1 address
      192.0.2.9:1080                 ━━━✓         45.0  55.0  ✓ won

connected to 192.0.2.2:80 in 75.0 ms (from 192.0.2.200:4000)
"
        )
    );
    assert_eq!(
        drawn(&race(Fate::silent()), 80),
        "                    ms  0       100      200         start    end
                        ├────────┼────────┼────────
  query all             ┤                              0.0    5.0  ┤ 2 addresses
  192.0.2.1:80          ━━━━━━━━━━━━━━━━━━━━━━━━━━╱    5.0  290.0  ╱ dropped
    to proxy.test:1080  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╱    5.0  290.0  ╱ dropped
      query all         ─┤                             5.0   10.0  ┤ 1 address
      192.0.2.9:1080     ━━━━━━━━━━━━━━━━━━━━━━━━━╱   10.0  290.0  ╱ dropped
  192.0.2.2:80                                 ━╪═✓  255.0  290.0  ✓ won
                        handshake from 270.0 ms
    to proxy.test:1080                         ╌■    255.0  270.0  ■ connected
      query all                                ┤     255.0  260.0  ┤ 1 address
      192.0.2.9:1080                           ━✓    260.0  270.0  ✓ won

connected to 192.0.2.2:80 in 290.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_race_inside_is_drawn_while_it_runs() {
    let ledger = ledger();
    let hop = through_proxy(&ledger, [Fate::silent(), Fate::silent()]);
    let (dialer, recorder) = hop.dialer(&ledger, &["192.0.2.1:80"]);
    let mut connect = std::pin::pin!(dialer.connect("example.com:80"));
    assert!(ledger.clock().run_until(ms(8), connect.as_mut()).is_pending());
    let text = drawn(&Race::of(recorder.report(ms(8))), 80);
    let inside = text.lines().find(|line| line.starts_with("      query all "));
    assert!(inside.is_some_and(|line| line.ends_with("▸ asking")), "{text}");
    assert!(ledger.clock().run_until(ms(200), connect).is_pending());
    assert_eq!(
        drawn(&Race::of(recorder.report(ms(200))), 80),
        "                    ms  0        200        400      start    end
                        ├─────────┼──────────┼─────
  query all             ┤                              0.0    5.0  ┤ 1 address
  192.0.2.1:80          ━━━━━━━━━━▸                    5.0         ▸ running
    to proxy.test:1080  ╌╌╌╌╌╌╌╌╌╌▸                    5.0         ▸ running
      query all         ─┤                             5.0   10.0  ┤ 1 address
      192.0.2.9:1080     ━━━━━━━━━▸                   10.0         ▸ running

connecting for 200.0 ms
"
    );
}

#[test]
fn a_dialer_of_targets_repeats_no_target() {
    let ledger = ledger();
    let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:80", Fate::connects(ms(10)));
    let (inner, _) = Hop::scripted(connector).dialer(&ledger, &["192.0.2.1:80"]);
    let target = Target::parse("inner.test:80").unwrap();
    let resolver =
        ScriptedResolver::<Target>::new(&ledger).finds(ms(0), Record::Addresses, [target]);
    let recorder = Recorder::new();
    let dialer =
        Dialer::new(resolver, inner, ledger.clock().clone()).with_observer(recorder.clone());
    ledger.clock().run(dialer.connect("example.com:80")).unwrap();
    assert_eq!(
        drawn(&Race::of(recorder.report(ms(0))), 80),
        "              ms  0           5          10         15  start   end
                  ├───────────┼──────────┼───────────┼
  query all       ┤                                       0.0   0.0  ┤ 1 address
  inner.test:80   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━✓    0.0  15.0  ✓ won
    query all     ────────────┤                           0.0   5.0  ┤ 1 address
    192.0.2.1:80              ━━━━━━━━━━━━━━━━━━━━━━━✓    5.0  15.0  ✓ won
"
    );
}

#[test]
fn what_is_nested_deeper_than_there_is_room_for_is_one_row() {
    assert_eq!(
        drawn(&nested(6), 100),
        "                               ms  0          50        100         150    start    end
                                   ├──────────┼──────────┼───────────┼───
  query all                        ─┤                                        0.0    5.0  ┤ 1 address
  192.0.2.100:80                    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╪═══✓    5.0  165.0  ✓ won
                                   handshake from 145.0 ms
    to jump6.test:22                ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌■        5.0  145.0  ■ connected
      query all                     ─┤                                       5.0   10.0  ┤ 1 address
      192.0.2.6:22                   ━━━━━━━━━━━━━━━━━━━━━━━━━━╪════✓       10.0  145.0  ✓ won
                                   handshake from 125.0 ms
        to jump5.test:22             ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌■            10.0  125.0  ■ connected
          query all                  ─┤                                     10.0   15.0  ┤ 1 address
          192.0.2.5:22                ━━━━━━━━━━━━━━━━━━━━━╪═══✓            15.0  125.0  ✓ won
                                   handshake from 105.0 ms
            to jump4.test:22          ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌■                15.0  105.0  ■ connected
              query all               ─┤                                    15.0   20.0  ┤ 1 address
              192.0.2.4:22             ━━━━━━━━━━━━━━━╪════✓                20.0  105.0  ✓ won
                                   handshake from 85.0 ms
                to jump3.test:22       ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌■                     20.0   85.0  ■ connected
                  query all            ──┤                                  20.0   25.0  ┤ 1 address
                  192.0.2.3:22           ━━━━━━━━━╪═══✓                     25.0   85.0  ✓ won
                                   handshake from 65.0 ms
                    1 race inside        ╌╌╌╌╌╌╌╌╌■                         25.0   65.0  ■ connected

connected to 192.0.2.100:80 in 165.0 ms (from 192.0.2.200:4000)
"
    );
    assert!(!drawn(&nested(4), 100).contains("race inside"));
    // The indentation leaves room for labels on a narrow terminal.
    assert!(drawn(&nested(6), 24).contains("192.0.2.3:22\n"));
}

#[test]
fn a_file_shows_the_handshake_and_what_is_inside_by_shape_and_by_word() {
    let text = svg("example.com:80", &proxied());
    let document = Document::parse(&text).unwrap();
    let texts = || document.descendants().filter(|node| node.has_tag_name("text"));
    let place = |words: &str| {
        let found = texts().find(|node| node.text() == Some(words));
        found.unwrap().attribute("x").unwrap().parse::<usize>().unwrap()
    };
    assert!(place("192.0.2.1:80") < place("to proxy.test:1080"));
    assert!(place("to proxy.test:1080") < place("192.0.2.9:1080"));
    let words: Vec<_> = texts().filter_map(|node| node.text()).collect();
    assert!(words.contains(&"handshake from 300.0 ms"), "{words:?}");
    assert!(words.contains(&"connected, 5.0 to 300.0 ms"), "{words:?}");
    let summary = document.descendants().find(|node| node.has_tag_name("desc")).unwrap();
    let summary = summary.text().unwrap();
    for part in [
        "192.0.2.1:80: won, 5.0 to 320.0 ms, handshake from 300.0 ms.",
        "inside, [2001:db8::9]:1080: dropped, 10.0 to 300.0 ms.",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    // The hollow bar of the handshake ends with the attempt.
    let bars = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("class") == Some("line won"));
    assert_eq!(bars.count(), 1);
}

#[test]
fn an_attempt_that_was_dropped_because_another_failure_was_final_did_not_run_out_of_time() {
    let race = race(
        Policy::new(),
        |resolver| {
            let found = addrs(&["192.0.2.1:80", "192.0.2.2:80"]);
            resolver.finds(ms(0), Record::Addresses, found)
        },
        |connector| {
            connector
                .at("192.0.2.1:80", Fate::silent())
                .at("192.0.2.2:80", Fate::fails(ms(10)).saying("wrong password"))
                .with_final_error("wrong password")
        },
    );
    let text = drawn(&race, 80);
    let row = text.lines().find(|line| line.contains("192.0.2.1:80")).unwrap();
    assert!(row.ends_with("0.0  260.0  ╱ dropped"), "{text}");
}
