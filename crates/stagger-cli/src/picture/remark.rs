//! What a history has changed, in the words of the picture.

use stagger::Report;
use stagger::history::Reason;
use stagger::report::AttemptReport;

use super::axis::spelled;
use super::chart::{Detail, Row};
use crate::escape::printable;

/// Why a history put an address behind others, if it did.
pub(super) fn moved(report: &Report<String>, address: &String) -> Vec<String> {
    let mut remarks = Vec::new();
    if report.demoted().contains(address) {
        remarks.push("last because it or its family was silent before".to_owned());
    }
    if let Some(moved) = report.outranked().iter().find(|it| it.address == *address) {
        let time = spelled(moved.round_trip);
        remarks.push(format!("later because its round-trip time is {time}"));
    }
    remarks
}

/// What a history has changed for an attempt: the place of its address, and its start after the
/// attempt before it.
pub(super) fn remembered(
    report: &Report<String>,
    before: Option<&AttemptReport<String>>,
    attempt: &AttemptReport<String>,
) -> Vec<String> {
    let mut remarks = moved(report, &attempt.address);
    if let Some((before, pace)) = before.and_then(|before| Some((before, before.pace?))) {
        // A failure of the attempt before it starts an attempt too.
        let is_due = attempt.started >= before.started + pace.delay;
        if is_due && before.ended >= attempt.started {
            // Delays are in steps of 10 ms.
            let (address, delay) = (printable(&before.address), pace.delay.as_millis());
            let reason = match pace.reason {
                Reason::Silent => format!("{address} was silent before"),
                Reason::SilentFamily => format!("the family of {address} was silent before"),
                Reason::RoundTrip => format!("{address} has connected before"),
                Reason::FamilyRoundTrip => format!("the family of {address} has connected before"),
                reason => reason.to_string(),
            };
            remarks.push(format!("started after {delay} ms: {reason}"));
        }
    }
    remarks
}

impl Row {
    /// Adds a remark to what is known about the outcome.
    pub(super) fn remark(&mut self, remark: &str) {
        match &mut self.detail {
            Some(detail) => {
                detail.text.push_str(", ");
                detail.text.push_str(remark);
            }
            None => self.detail = Some(Detail { joint: ", ", text: remark.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use stagger::address::Family;
    use stagger::history::{Key, Knowledge, Memory, Mode, NetworkKey, Subnet};
    use stagger::resolve::Record;
    use stagger::{Dialer, History, Timer as _};
    use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};

    use crate::json;
    use crate::picture::chart::Chart;
    use crate::race::Race;
    use crate::race::kit::{addrs, finished, ledger};

    const DEAD: &str = "[2001:db8::1]:80";
    const LIVE: &str = "192.0.2.1:80";
    const FAST: &str = "198.51.100.1:80";

    /// A race past a dead address, if a history knows this about it.
    fn race(mode: Mode, known: impl FnOnce(&Ledger) -> (Key, Knowledge), dead: Fate) -> Race {
        let ledger = ledger();
        let memory = Memory::new();
        memory.restore([known(&ledger)]);
        let history = History::new().with_store(memory).with_mode(mode);
        let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
        let resolver = resolver.finds(ms(0), Record::Addresses, addrs(&[DEAD, LIVE]));
        let connector = ScriptedConnector::new(&ledger);
        let connector = connector.at(DEAD, dead).at(LIVE, Fate::connects(ms(40)));
        let clock: &Clock = ledger.clock();
        let dialer = Dialer::new(resolver, connector, clock.clone()).with_history(history);
        finished(clock.run(dialer.connect("example.com:80").with_report()))
    }

    /// A race of two addresses of one family, the second with the lower round-trip time, and a
    /// third of the other family.
    fn ranked(fast: Fate) -> Race {
        let ledger = ledger();
        let memory = Memory::new();
        let known = |text: &str, took| {
            let address: SocketAddr = text.parse().unwrap();
            let key = Key::new(NetworkKey::default(), Subnet::of(address.ip()));
            (key, Knowledge::new().with_round_trip(ms(took), ms(0)))
        };
        memory.restore([known(LIVE, 310), known(FAST, 30)]);
        let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
        let resolver = resolver.finds(ms(0), Record::Addresses, addrs(&[LIVE, FAST, DEAD]));
        let connector = ScriptedConnector::new(&ledger);
        let connector = connector
            .at(LIVE, Fate::connects(ms(310)))
            .at(FAST, fast)
            .at(DEAD, Fate::fails(ms(1)).saying("refused"));
        let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
            .with_history(History::new().with_store(memory));
        finished(ledger.clock().run(dialer.connect("example.com:80").with_report()))
    }

    fn silent(ledger: &Ledger) -> (Key, Knowledge) {
        let subnet = Subnet::of("2001:db8::1".parse().unwrap());
        let minute = Duration::from_secs(60);
        let known = Knowledge::new().with_silences(1, ledger.clock().now(), minute);
        (Key::new(NetworkKey::default(), subnet), known)
    }

    /// The addresses with what is said about their outcomes.
    fn rows(race: &Race) -> Vec<String> {
        let rows = Chart::of(race).rows.into_iter().skip(1);
        let detail = |row: &super::Row| row.detail.as_ref().map(|detail| detail.text.clone());
        rows.map(|row| format!("{}: {}", row.label, detail(&row).unwrap_or_default())).collect()
    }

    #[test]
    fn an_early_start_has_its_reason() {
        let race = race(Mode::Delay, silent, Fate::silent());
        assert_eq!(
            rows(&race),
            [
                "[2001:db8::1]:80: ",
                "192.0.2.1:80: started after 10 ms: [2001:db8::1]:80 was silent before",
            ]
        );
        let text = json::connect("example.com:80", &race);
        assert!(
            text.contains(r#""error":null,"pace":{"delay_us":10000,"reason":"silent"},"children""#),
            "{text}"
        );
        assert!(!text.contains("demoted"), "{text}");
    }

    #[test]
    fn the_reason_may_be_what_is_known_about_the_family() {
        let family = |known: Knowledge| (Key::new(NetworkKey::default(), Family::Ipv6), known);
        let connected = Knowledge::new().with_round_trip(ms(60), ms(1));
        let race = race(Mode::Delay, |_| family(connected), Fate::silent());
        let remark = "started after 120 ms: the family of [2001:db8::1]:80 has connected before";
        assert_eq!(rows(&race)[1], format!("192.0.2.1:80: {remark}"));
    }

    #[test]
    fn a_start_after_a_failure_is_not_early() {
        let race = race(Mode::Delay, silent, Fate::fails(ms(5)));
        assert_eq!(rows(&race)[1], "192.0.2.1:80: ");
    }

    #[test]
    fn an_address_that_came_later_has_its_round_trip_time_whether_it_was_tried_or_not() {
        let untried = ranked(Fate::connects(ms(30)));
        let late = "192.0.2.1:80: later because its round-trip time is 310.0 ms";
        assert_eq!(rows(&untried), ["198.51.100.1:80: ", "[2001:db8::1]:80: ", late]);
        let text = json::connect("example.com:80", &untried);
        let expected = r#""outranked":[{"address":"192.0.2.1:80","round_trip_us":310000}]"#;
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("demoted"), "{text}");

        let tried = rows(&ranked(Fate::fails(ms(5)).saying("refused")));
        assert_eq!(tried[0], "198.51.100.1:80: refused");
        assert_eq!(tried[2], late);
    }

    #[test]
    fn an_address_that_went_last_has_the_reason_whether_it_was_tried_or_not() {
        let race = race(Mode::Order, silent, Fate::silent());
        assert_eq!(
            rows(&race),
            ["192.0.2.1:80: ", "[2001:db8::1]:80: last because it or its family was silent before"]
        );
        let text = json::connect("example.com:80", &race);
        assert!(text.contains(r#""demoted":["[2001:db8::1]:80"]"#), "{text}");
    }
}
