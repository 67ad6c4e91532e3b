//! A race whose handshakes are those of TLS: the two parts of a bar, and their names.

use roxmltree::Document;

use super::inside::handshakes;
use super::*;
use crate::picture::svg;

fn over_tls() -> Race {
    Race { over_tls: true, ..handshakes() }
}

#[test]
fn before_the_axis_are_the_names_of_the_two_parts_of_a_bar() {
    assert_eq!(
        drawn(&over_tls(), 80),
        "             ms  0      100     200     300     400  start    end
  ━ TCP  ═ TLS   ├───────┼───────┼───────┼────────┼
  query all      ┤                                     0.0    5.0  ┤ 3 addresses
  192.0.2.1:443  ━━━━━━━━━╪═══════════════════════╱    5.0  405.0  ╱ dropped
                 TLS from 105.0 ms
  192.0.2.2:443                       ━╪═══✗         255.0  315.0  ✗ failed
                 bad certificate (TLS from 275.0 ms)
  192.0.2.3:443                            ━━━━╪══✓  315.0  405.0  ✓ won
                 TLS from 365.0 ms

connected to 192.0.2.3:443 in 405.0 ms (from 192.0.2.200:4000)
"
    );
    let ascii = timeline(&over_tls(), &Look { unicode: false, ..LOOK });
    assert_eq!(ascii.lines().nth(1).map(|line| &line[..18]), Some("  = TCP  ~ TLS   |"));
}

#[test]
fn short_labels_leave_room_for_the_names() {
    let ledger = ledger();
    let connector =
        ScriptedConnector::new(&ledger).at("1.1.1.1:1", Fate::connects(ms(2)).progressing(ms(1)));
    let race = crate::race::kit::Hop::scripted(connector).race(&ledger, &["1.1.1.1:1"]);
    let text = drawn(&Race { over_tls: true, ..race }, 80);
    assert!(text.lines().any(|line| line.starts_with("  ━ TCP  ═ TLS  ├")), "{text}");
}

#[test]
fn a_narrow_picture_without_bars_has_words_and_no_names_of_lines() {
    let text = drawn(&over_tls(), 40);
    assert!(text.contains("    TLS from 105.0 ms\n"), "{text}");
    assert!(!text.contains("TCP"), "{text}");
}

#[test]
fn without_a_handshake_there_is_nothing_to_name() {
    let race = Race { over_tls: true, ..won() };
    assert!(!drawn(&race, 80).contains("TCP"));
    assert!(!svg("example.com:80", &race).contains("TCP"));
    assert!(!drawn(&handshakes(), 80).contains("TCP"));
}

#[test]
fn a_file_names_the_parts_by_short_bars_at_the_right_of_its_title() {
    let svg = svg("example.com:443", &over_tls());
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<_> = document.descendants().filter(|node| node.has_tag_name("text")).collect();
    let title = texts.iter().find(|node| node.attribute("class") == Some("title")).unwrap();
    let place = |word: &str| {
        let node = texts.iter().find(|node| node.text() == Some(word)).expect(word);
        let at = |name| node.attribute(name).unwrap().parse::<usize>().unwrap();
        (at("x"), at("y"))
    };
    let (tcp, tls) = (place("TCP"), place("TLS"));
    assert!(tcp.0 < tls.0 && tcp.1 == tls.1, "{tcp:?} {tls:?}");
    assert_eq!(Some(&tcp.1.to_string()[..]), title.attribute("y"));
    // Each has its bar before it: a full one for TCP, and an outline for TLS.
    for ((x, _), class) in [(tcp, "solid faint"), (tls, "line faint")] {
        let is_sample = |node: &roxmltree::Node<'_, '_>| {
            let begin = node.attribute("x").and_then(|x| x.parse::<usize>().ok());
            node.has_tag_name("rect")
                && node.attribute("class") == Some(class)
                && begin.is_some_and(|begin| begin < x && begin + 40 > x)
        };
        assert!(document.descendants().any(|node| is_sample(&node)), "{class} before {x}");
    }
    assert!(svg.contains("192.0.2.3:443: won, 315.0 to 405.0 ms, TLS from 365.0 ms."), "{svg}");
}

#[test]
fn an_attempt_in_its_handshake_says_so_while_it_runs() {
    let ledger = ledger();
    let connector =
        ScriptedConnector::new(&ledger).at("192.0.2.1:443", Fate::silent().progressing(ms(100)));
    let (dialer, recorder) =
        crate::race::kit::Hop::scripted(connector).dialer(&ledger, &["192.0.2.1:443"]);
    let mut connect = std::pin::pin!(dialer.connect("example.com:443"));
    for (time, end) in [(100, "▸ running"), (200, "▸ TLS")] {
        assert!(ledger.clock().run_until(ms(time), connect.as_mut()).is_pending());
        let race = Race { over_tls: true, ..Race::of(recorder.report(ms(time))) };
        let text = drawn(&race, 80);
        let row = text.lines().find(|line| line.contains("192.0.2.1:443")).unwrap();
        assert!(row.ends_with(end), "{row}");
    }
}
