use super::*;

const SECS: fn(u64) -> Duration = Duration::from_secs;

/// One moment on both clocks.
#[derive(Clone, Copy)]
struct Moment {
    now: Instant,
    system: SystemTime,
}

impl Moment {
    /// On a whole second of the system's clock.
    #[allow(clippy::disallowed_methods, reason = "an `Instant` cannot be made in another way")]
    fn new() -> Self {
        Self { now: Instant::now(), system: SystemTime::UNIX_EPOCH + SECS(1_790_000_000) }
    }

    fn write(self, entries: &[(Key, Knowledge)]) -> String {
        to_string(entries, self.now, self.system)
    }

    fn read(self, text: &str) -> Result<Vec<(Key, Knowledge)>, ReadError> {
        from_slice(text.as_bytes(), self.now, self.system)
    }
}

fn entries(moment: Moment) -> Vec<(Key, Knowledge)> {
    let network = NetworkKey::from_bytes(b"home");
    let subnet = |text: &str| Subnet::of(text.parse().unwrap());
    let ms = Duration::from_millis;
    vec![
        (
            Key::new(network, Family::Ipv6),
            Knowledge::new()
                .with_silences(1, moment.now, SECS(60))
                .with_silent_subnet(subnet("2001:db8:7::1")),
        ),
        (Key::new(network, subnet("192.0.2.7")), Knowledge::new().with_round_trip(ms(40), ms(2))),
        (
            Key::new(NetworkKey::default(), subnet("2001:db8::1")).with_partition(9),
            Knowledge::new().with_silences(3, moment.now, SECS(100)),
        ),
    ]
}

#[test]
fn what_is_written_is_read_back_in_the_same_order() {
    let moment = Moment::new();
    let text = moment.write(&entries(moment));
    assert_eq!(moment.read(&text), Ok(entries(moment)));
    assert_eq!(moment.read(&moment.write(&[])), Ok(Vec::new()));
    assert_eq!(moment.read(""), Ok(Vec::new()));
    let network = NetworkKey::from_bytes(b"home").value();
    assert_eq!(
        text,
        format!(
            r#"{{"version":1,"entries":[
{{"network":"{network:032x}","family":"IPv6","silences":1,"demoted_until":1790000060,"silent_prefix":"2001:db8:7::"}},
{{"network":"{network:032x}","prefix":"192.0.2.0","rtt_us":40000,"variance_us":2000}},
{{"network":"{:032x}","partition":9,"prefix":"2001:db8::","silences":3,"demoted_until":1790000100}}
]}}
"#,
            0
        )
    );
}

#[test]
fn a_family_is_named_as_it_is_displayed() {
    for family in [Family::Ipv4, Family::Ipv6] {
        let name = serde_json::to_value(FamilyName::of(family)).unwrap();
        assert_eq!(name.as_str(), Some(&*family.to_string()));
    }
}

#[test]
fn a_clock_that_jumps_costs_at_most_what_the_silences_allow() {
    let moment = Moment::new();
    let text = moment.write(&entries(moment));
    let left = |system: SystemTime| {
        let read = Moment { system, ..moment }.read(&text).unwrap();
        read[2].1.demoted_for(moment.now)
    };
    let year = SECS(60 * 60 * 24 * 365);
    assert_eq!(left(moment.system + SECS(30)), Some(SECS(70)));
    assert_eq!(left(moment.system + year), None);
    // Three silences demote for 4 min at most.
    assert_eq!(left(moment.system - year), Some(SECS(240)));
    assert_eq!(left(SystemTime::UNIX_EPOCH - year), Some(SECS(240)));
}

#[test]
fn a_demotion_stays_as_long_as_it_was_however_often_it_is_written() {
    let start = Moment::new();
    let first = start.write(&entries(start));
    let mut text = first.clone();
    // The clocks are read one after another, and the clock of the system is adjusted slowly.
    let skews = [0, 80, 200_000, 1_000].map(Duration::from_nanos);
    for (count, skew) in skews.into_iter().cycle().take(40).enumerate() {
        let after = Duration::from_millis(20 * (count as u64 + 1));
        let moment = Moment { now: start.now + after, system: start.system + after };
        let read = moment.read(&text).unwrap();
        text = Moment { system: moment.system - skew, ..moment }.write(&read);
    }
    assert_eq!(text, first);
}

#[test]
fn a_text_that_is_cut_anywhere_is_damaged_and_no_panic() {
    let moment = Moment::new();
    let text = moment.write(&entries(moment));
    let whole = text.trim_end().len();
    for end in 1..whole {
        let error = moment.read(&text[..end]).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{end}: {error}");
        assert!(error.may_be_replaced());
    }
    assert!(moment.read(&text[..whole]).is_ok());
}

#[test]
fn a_text_of_another_shape_is_damaged() {
    let moment = Moment::new();
    let with = |entry: &str| format!(r#"{{"version":1,"entries":[{entry}]}}"#);
    for text in [
        r#"{"version":"1","entries":[]}"#,
        r#"{"version":1.5,"entries":[]}"#,
        r#"{"version":99999999999999999999,"entries":[]}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"entries":{}}"#,
        r#"{"version":1,"entries":[]} more"#,
        &with("7"),
        &with("{}"),
        &with(r#"{"network":"x","family":"IPv4"}"#),
        &with(r#"{"network":7,"family":"IPv4"}"#),
        &with(r#"{"network":"1","family":"IPv5"}"#),
        &with(r#"{"network":"1","prefix":"example.com"}"#),
        &with(r#"{"network":"1","prefix":"192.0.2.0","family":"IPv4"}"#),
        &with(r#"{"network":"1","family":"IPv4","rtt_us":-1}"#),
        &with(r#"{"network":"1","family":"IPv4","silences":"many"}"#),
        &with(r#"{"network":"1","family":"IPv6","silent_prefix":7}"#),
        &with(r#"{"network":"1","family":"IPv6","silent_prefix":"example.com"}"#),
        &with(r#"{"network":"1","family":"IPv6","silent_prefix":"192.0.2.0"}"#),
        &with(r#"{"network":"1","prefix":"192.0.2.0","silent_prefix":"192.0.2.0"}"#),
        &with(&"[".repeat(100_000)),
    ] {
        let error = moment.read(text).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{text}: {error}");
    }
    let error = moment.read("{\"version\":1,\"entries\":[\n{}\n]}").unwrap_err();
    assert_eq!(error.to_string(), "it is damaged at line 2, column 2");
}

#[test]
fn numbers_that_are_too_large_are_shortened_and_unknown_names_ignored() {
    let moment = Moment::new();
    let text = format!(
        r#"{{"version":1,"entries":[{{"network":"{:x}","family":"IPv4","rtt_us":{1},"variance_us":{1},"silences":4294967296,"demoted_until":{1},"later":[{{}}]}}],"later":null}}"#,
        u128::MAX,
        u64::MAX
    );
    let read = moment.read(&text).unwrap();
    assert_eq!(read[0].0.network.value(), u128::MAX);
    assert_eq!(read[0].1.round_trip(), Some(SECS(60)));
    assert_eq!(read[0].1.silences(), u32::MAX);
    assert_eq!(read[0].1.demoted_for(moment.now), Some(SECS(600)));
}

#[test]
fn a_text_that_does_not_begin_as_a_history_is_foreign() {
    let moment = Moment::new();
    for text in ["garbage", "{}", "[", " {", "\0", "{\"versions\":1"] {
        let error = moment.read(text).unwrap_err();
        assert_eq!(error, ReadError::Foreign, "{text:?}");
        assert!(!error.may_be_replaced());
        assert_eq!(error.to_string(), "it is not a history");
    }
    // Whatever follows, it is not read before it is known to be a history.
    let long = "x".repeat(MAX_BYTES + 1);
    assert_eq!(moment.read(&long), Err(ReadError::Foreign));
}

#[test]
fn another_version_is_named_whatever_its_entries_are() {
    let moment = Moment::new();
    let error = moment.read(r#"{"version":2,"entries":{"a":[]}}"#).unwrap_err();
    assert_eq!(error, ReadError::Version(2));
    assert_eq!(error.to_string(), "it has the version 2, and not 1");
    assert!(!error.may_be_replaced());
    // So does a text of that version that is cut, or longer than one of this version.
    assert_eq!(moment.read(r#"{"version":20,"entries":{"a":["#), Err(ReadError::Version(20)));
    let long = format!(r#"{{"version":2,{}"#, " ".repeat(MAX_BYTES));
    assert_eq!(moment.read(&long), Err(ReadError::Version(2)));
}

#[test]
fn the_number_of_entries_and_the_length_of_a_text_are_bounded() {
    let moment = Moment::new();
    let entry = r#"{"network":"1","family":"IPv4"}"#;
    let many =
        |count: usize| format!(r#"{{"version":1,"entries":[{}]}}"#, vec![entry; count].join(","));
    let most = Memory::MAX_RESTORED;
    assert_eq!(moment.read(&many(most)).unwrap().len(), most);
    let error = moment.read(&many(most + 1)).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { line: 1, .. }), "{error}");
    let mut text = many(1);
    text.extend(std::iter::repeat_n(' ', MAX_BYTES - text.len()));
    assert_eq!(moment.read(&text).unwrap().len(), 1);
    text.push(' ');
    let error = moment.read(&text).unwrap_err();
    assert_eq!(error, ReadError::TooLong);
    assert_eq!(error.to_string(), "it has more than 8 MiB");
    assert!(error.may_be_replaced());
}

#[test]
fn the_most_that_can_be_kept_fits_into_the_longest_text() {
    let moment = Moment::new();
    let network = NetworkKey::new(u128::MAX);
    let subnet = Subnet::of("ffff:ffff:ffff:ff00::".parse().unwrap());
    let known = Knowledge::new()
        .with_round_trip(Duration::MAX, Duration::MAX)
        .with_silences(u32::MAX, moment.now, Duration::MAX)
        .with_silent_subnet(subnet);
    let key = Key::new(network, subnet).with_partition(u64::MAX);
    let one = moment.write(&[(key, known)]).len();
    assert!(one * Memory::MAX_RESTORED < MAX_BYTES, "{one}");
}
