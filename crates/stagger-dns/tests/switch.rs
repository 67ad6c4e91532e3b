//! Which sources are asked, in which order, and what follows from each result. The file is long
//! because its short cases share the same servers.

mod support;

use std::fs;
use std::io;
use std::task::Poll;

use futures_core::Stream as _;
use hickory_proto::op::ResponseCode::{NXDomain, NoError, Refused, ServFail};
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query};
use stagger::{Resolver as _, Target};
use stagger_dns::{Environment, Hosts, Switch, WatchedFile};
use stagger_testkit::{Clock, ms};
use support::{
    Asked, File, Replies, Scene, Servers, after, answer_lines, config, fails, line, one, silence,
};

const HOSTS: &str = "192.0.2.99 known none nx fails late\n2001:db8::99 known\n192.0.2.98 alone\n";

/// Servers whose result depends on the first part of a name.
fn by_name(asked: &Asked) -> Replies {
    let (name, v6) = (asked.name.split('.').next().unwrap(), asked.is_aaaa());
    match name {
        "none" => after(10, asked.nothing(NoError)),
        "nx" | "alone" | "nowhere" => after(10, asked.nothing(NXDomain)),
        "fails" => after(10, asked.reply(ServFail)),
        "refused" => after(10, asked.reply(Refused)),
        "late" => silence(),
        _ if v6 => after(10, asked.found(&["2001:db8::1"])),
        _ => after(10, asked.found(&["192.0.2.1"])),
    }
}

/// A resolver with this switch and [`HOSTS`].
fn switched(sources: &str, script: impl Fn(&Asked) -> Replies + 'static) -> Scene {
    let mut scene = one(script);
    let hosts = Hosts::parse(HOSTS.as_bytes(), &Environment::new()).value;
    let switch = Switch::parse(format!("hosts: {sources}").as_bytes()).value;
    scene.resolver = scene.resolver.with_hosts(hosts).with_switch(switch);
    scene
}

/// The answers for a name from the servers of [`by_name`], and the number of questions to them.
fn of(sources: &str, name: &str) -> (Vec<String>, usize) {
    let scene = switched(sources, by_name);
    (scene.lines(&format!("{name}.:80")), scene.servers.log().len())
}

const FROM_SERVERS: [&str; 2] = ["10 AAAA [2001:db8::1]:80", "10 A 192.0.2.1:80"];

#[test]
fn servers_go_first_if_they_are_named_first_and_the_hosts_file_has_what_they_have_not() {
    let told = |lines: &[&str], asked| (lines.iter().map(ToString::to_string).collect(), asked);
    assert_eq!(of("dns files", "known"), told(&FROM_SERVERS, 2));
    assert_eq!(of("dns files", "other"), told(&FROM_SERVERS, 2));
    for name in ["nx", "none"] {
        assert_eq!(of("dns files", name), told(&["10 all 192.0.2.99:80"], 2));
    }
    // If no source has the name, the error is that of the servers.
    let nowhere = ["10 AAAA NotFound", "10 A NotFound"];
    assert_eq!(of("dns files", "nowhere"), told(&nowhere, 2));
    assert_eq!(of("files dns", "nowhere"), told(&nowhere, 2));
    assert_eq!(of("files dns", "nx"), told(&["0 all 192.0.2.99:80"], 0));
}

#[test]
fn servers_that_failed_are_told_and_the_hosts_file_has_the_last_word() {
    let scene = switched("dns files", by_name);
    for (name, kind, at) in [("fails", "Temporary", 10), ("late", "TimedOut", 1010)] {
        let answer_lines = scene.resolve(&format!("{name}.:80"), Families::Any);
        let lines: Vec<_> = answer_lines.iter().map(line).collect();
        let [v6, v4] = ["AAAA", "A"].map(|record| format!("{at} {record} {kind}"));
        assert_eq!(lines, [v6, v4, format!("{at} all 192.0.2.99:80")]);
        let provisional: Vec<_> =
            answer_lines.iter().map(|(_, answer)| answer.is_provisional()).collect();
        assert_eq!(provisional, [true, true, false]);
    }
    let answer_lines = scene.resolve("refused.:80", Families::Any);
    let errors =
        answer_lines.iter().map(|(_, answer)| (answer.is_provisional(), answer.error().unwrap()));
    let kinds: Vec<_> = errors.map(|(provisional, error)| (provisional, error.kind())).collect();
    assert_eq!(kinds, [(false, LookupErrorKind::Refused); 2]);
}

#[test]
fn without_dns_nothing_is_ever_sent_and_the_answer_says_so() {
    let mut scene = switched("files", by_name);
    // The configuration does not matter either: a directory is not a file.
    let file = WatchedFile::config(std::env::temp_dir(), Environment::new());
    scene.resolver = scene.resolver.with_config_file(file);
    assert_eq!(scene.lines("known:80"), ["0 all 192.0.2.99:80 [2001:db8::99]:80"]);
    let answer_lines = scene.resolve("other.example:80", Families::Any);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 all NotFound"]);
    let error = answer_lines[0].1.error().unwrap();
    assert_eq!(
        error.to_string(),
        "no such host: it is not in the hosts file, and nsswitch.conf lets no other source answer"
    );
    assert_eq!(io::Error::from(error.clone()).kind(), io::ErrorKind::NotFound);
    // The name is there, but not in this family.
    let answer_lines = scene.resolve("alone:80", Families::Ipv6);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 AAAA none"]);
    assert!(scene.servers.log().is_empty());
}

#[test]
fn without_files_the_hosts_file_is_never_read() {
    let mut scene = switched("dns", by_name);
    assert_eq!(scene.lines("known.:80"), FROM_SERVERS);
    assert_eq!(scene.lines("alone.:80"), ["20 AAAA NotFound", "20 A NotFound"]);
    // The unreadable file is not reported either: a directory is not a file.
    let file = WatchedFile::hosts(std::env::temp_dir(), Environment::new());
    scene.resolver = scene.resolver.with_hosts_file(file);
    assert_eq!(scene.lines("alone.:80"), ["30 AAAA NotFound", "30 A NotFound"]);
}

#[test]
fn a_lookup_ends_where_an_action_ends_it() {
    let listed = |at: u32| vec![format!("{at} all 192.0.2.99:80")];
    let failed = |kind: &str| vec![format!("10 AAAA {kind}"), format!("10 A {kind}")];
    for (sources, name, expected, asked) in [
        ("files [NOTFOUND=return] dns", "other", vec!["0 all NotFound".to_owned()], 0),
        ("files [!SUCCESS=return] dns", "known", of("files", "known").0, 0),
        ("dns [NOTFOUND=return] files", "nx", failed("NotFound"), 2),
        ("dns [NOTFOUND=return] files", "none", failed("none"), 2),
        ("dns [UNAVAIL=return] files", "fails", failed("Temporary"), 2),
        ("dns [UNAVAIL=return] files", "nx", listed(10), 2),
        ("dns [!UNAVAIL=return] files", "nx", failed("NotFound"), 2),
        // As in glibc, it is not TRYAGAIN if no server could answer.
        ("dns [TRYAGAIN=return] files", "nx", listed(10), 2),
        ("dns [!SUCCESS=return] files", "nx", failed("NotFound"), 2),
    ] {
        assert_eq!((sources, of(sources, name)), (sources, (expected, asked)));
    }
    let unavailable = of("dns [!UNAVAIL=return] files", "fails").0;
    assert_eq!(unavailable.last().unwrap(), "10 all 192.0.2.99:80");
    let unavailable = of("dns [TRYAGAIN=return] files", "fails").0;
    assert_eq!(unavailable.last().unwrap(), "10 all 192.0.2.99:80");
}

#[test]
fn a_source_that_is_not_known_is_passed_over_and_only_its_unavail_is_obeyed() {
    for (sources, like) in [
        ("files mdns4_minimal [NOTFOUND=return] dns mymachines", "files dns"),
        ("mymachines resolve [!UNAVAIL=return] files myhostname dns", "files dns"),
        ("files myhostname resolve [!UNAVAIL=return] dns", "files dns"),
        ("mdns4_minimal [NOTFOUND=return] dns", "dns"),
        ("files mdns [UNAVAIL=return] dns", "files"),
        // This is a source and not a comment.
        ("files # dns", "files dns"),
        ("files # [UNAVAIL=return] dns", "files"),
    ] {
        for name in ["known", "other", "nx", "nowhere"] {
            assert_eq!((sources, name, of(sources, name)), (sources, name, of(like, name)));
        }
    }
}

#[test]
fn where_nobody_may_be_asked_that_is_the_error() {
    for sources in ["", "resolve [!UNAVAIL=return]", "mdns4_minimal [UNAVAIL=return] files dns"] {
        let scene = switched(sources, by_name);
        let answer_lines = scene.resolve("known:80", Families::Any);
        assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 all Other"]);
        let error = answer_lines[0].1.error().unwrap().clone();
        assert_eq!(
            error.to_string(),
            "the lookup failed: nsswitch.conf names no source that this resolver supports"
        );
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Unsupported);
        assert!(scene.servers.log().is_empty());
    }
}

#[test]
fn a_family_that_is_found_is_told_at_once_whoever_comes_next() {
    for sources in ["dns", "files dns", "dns files", "dns [UNAVAIL=return] files"] {
        let scene = switched(sources, |asked| match asked.is_aaaa() {
            true => after(10, asked.found(&["2001:db8::1"])),
            false => after(500, asked.found(&["192.0.2.1"])),
        });
        let told = ["10 AAAA [2001:db8::1]:80", "500 A 192.0.2.1:80"];
        assert_eq!(scene.lines("other.:80"), told, "{sources}");
        // A name that is not found is no reason to ask the file.
        let scene = switched(sources, |asked| match asked.is_aaaa() {
            true => after(10, asked.found(&["2001:db8::1"])),
            false => after(500, asked.nothing(NXDomain)),
        });
        let told = ["10 AAAA [2001:db8::1]:80", "500 A NotFound"];
        assert_eq!(scene.lines("other.:80"), told, "{sources}");
    }
}

#[test]
fn that_a_family_has_nothing_waits_for_the_other_where_the_hosts_file_may_be_asked_after() {
    for (sources, at) in [
        ("dns", 10),
        ("files dns", 10),
        ("dns [!SUCCESS=return] files", 10),
        ("dns files", 300),
        ("dns [NOTFOUND=return] files", 300),
    ] {
        let scene = switched(sources, |asked| match asked.is_aaaa() {
            true => after(10, asked.nothing(NoError)),
            false => after(300, asked.found(&["192.0.2.1"])),
        });
        let told = [format!("{at} AAAA none"), "300 A 192.0.2.1:80".into()];
        assert_eq!(scene.lines("other.:80"), told, "{sources}");
    }
}

#[test]
fn a_name_that_does_not_exist_for_a_does_not_wait_for_aaaa() {
    for (name, told) in [
        ("nx", vec!["10 all 192.0.2.99:80"]),
        ("nowhere", vec!["10 A NotFound", "10 AAAA NotFound"]),
    ] {
        let scene = switched("dns files", |asked| match asked.is_aaaa() {
            true => silence(),
            false => after(10, asked.nothing(NXDomain)),
        });
        let mut lines = scene.lines(&format!("{name}.:80"));
        lines.sort();
        assert_eq!(lines, told);
    }
    // The earlier result of AAAA does not matter.
    let scene = switched("dns [NOTFOUND=return] files", |asked| match asked.is_aaaa() {
        true => after(10, asked.reply(ServFail)),
        false => after(20, asked.nothing(NXDomain)),
    });
    assert_eq!(scene.lines("nx.:80"), ["20 AAAA Temporary", "20 A NotFound"]);
    // NXDOMAIN for AAAA alone does not count (RFC 4074 §4.2).
    let scene = switched("dns files", |asked| match asked.is_aaaa() {
        true => after(10, asked.nothing(NXDomain)),
        false => after(300, asked.found(&["192.0.2.1"])),
    });
    assert_eq!(scene.lines("known.:80"), ["300 AAAA NotFound", "300 A 192.0.2.1:80"]);
}

#[test]
fn a_name_is_not_found_when_both_families_are_not_and_either_failure_makes_servers_unavailable() {
    let half = |asked: &Asked| match asked.is_aaaa() {
        true => after(10, asked.nothing(NoError)),
        false => fails(20, io::ErrorKind::ConnectionRefused),
    };
    let lines = switched("dns [!UNAVAIL=return] files", half).lines("none.:80");
    assert_eq!(lines, ["20 A Temporary", "20 all 192.0.2.99:80"]);
    let lines = switched("dns [UNAVAIL=return] files", half).lines("none.:80");
    assert_eq!(lines, ["20 AAAA none", "20 A Temporary"]);
    // A query for one family only depends on that family.
    let scene = switched("dns [UNAVAIL=return] files", half);
    let answer_lines = scene.resolve("known.:80", Families::Ipv6);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["10 AAAA [2001:db8::99]:80"]);
}

#[test]
fn after_continue_the_next_source_takes_the_place_of_a_success() {
    let replaced = "files [SUCCESS=continue] dns";
    assert_eq!(of(replaced, "known").0, FROM_SERVERS);
    assert_eq!(of(replaced, "nx").0, ["10 AAAA NotFound", "10 A NotFound"]);
    let replaced = "dns [SUCCESS=continue] files";
    assert_eq!(of(replaced, "known").0, ["10 all 192.0.2.99:80 [2001:db8::99]:80"]);
    assert_eq!(of(replaced, "other").0, ["10 all NotFound"]);
    assert_eq!(of(replaced, "nowhere").0, ["10 AAAA NotFound", "10 A NotFound"]);
    // A skipped source replaces no result.
    assert_eq!(of("files [SUCCESS=continue] mdns", "known"), of("files", "known"));
}

#[test]
fn merge_ends_a_lookup_and_a_success_before_it_is_lost() {
    let scene = switched("files [SUCCESS=merge] dns", by_name);
    let answer_lines = scene.resolve("known:80", Families::Any);
    assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 all Other"]);
    let error = answer_lines[0].1.error().unwrap().clone();
    assert_eq!(
        error.to_string(),
        "the lookup failed: nsswitch.conf says to merge the results of two sources, \
         which is for groups of users alone: say return or continue"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Unsupported);
    assert!(scene.servers.log().is_empty());
    let lost = |at| vec![format!("{at} all Other")];
    let listed = |at| vec![format!("{at} all 192.0.2.99:80")];
    for (sources, name, expected) in [
        ("dns [SUCCESS=merge] files", "known", lost(10)),
        ("files dns [SUCCESS=merge] resolve", "other", lost(10)),
        ("files [SUCCESS=merge] resolve", "known", lost(0)),
        // A name that is not found is not a success, so `merge` does not apply.
        ("dns [SUCCESS=merge] files", "nx", listed(10)),
        ("files [NOTFOUND=merge] dns", "other", vec!["0 all NotFound".to_owned()]),
        ("files [NOTFOUND=merge] dns", "nx", listed(0)),
        // Nothing follows.
        ("files [SUCCESS=merge]", "nx", listed(0)),
        ("files dns [SUCCESS=merge]", "other", FROM_SERVERS.map(str::to_owned).to_vec()),
    ] {
        assert_eq!((sources, of(sources, name).0), (sources, expected));
    }
}

#[test]
fn localhost_is_this_machine_whatever_the_sources_and_the_hosts_file_adds_to_it() {
    let ours = ["0 AAAA [::1]:80", "0 A 127.0.0.1:80"];
    for sources in ["files dns", "dns files", "dns", "files", "", "files [NOTFOUND=return] dns"] {
        let scene = switched(sources, by_name);
        for name in ["localhost", "LocalHost.", "a.localhost", "a.b.localhost."] {
            assert_eq!(
                (name, scene.lines(&format!("{name}:80"))),
                (name, ours.map(Into::into).into())
            );
        }
        assert_eq!(scene.ipv4("localhost"), "0 A 127.0.0.1:80", "{sources}");
        assert!(scene.servers.log().is_empty());
    }
    let file = b"127.0.0.1 localhost\n192.0.2.9 localhost\n127.0.0.1 localhost\n";
    let more = vec!["0 AAAA [::1]:80".to_owned(), "0 A 127.0.0.1:80 192.0.2.9:80".into()];
    for (sources, local) in [
        ("files dns", more.clone()),
        ("dns files", more.clone()),
        ("files [SUCCESS=merge] dns", more),
        ("dns", ours.map(Into::into).into()),
    ] {
        let mut scene = switched(sources, by_name);
        let hosts = Hosts::parse(file, &Environment::new()).value;
        scene.resolver = scene.resolver.with_hosts(hosts);
        assert_eq!((sources, scene.lines("localhost.:80")), (sources, local));
        assert!(scene.servers.log().is_empty());
    }
}

#[test]
fn a_name_below_localhost_is_what_the_hosts_file_says_and_never_goes_out() {
    let file = b"192.0.2.9 a.localhost\n2001:db8::9 b.localhost\n";
    let loopback = vec!["0 AAAA [::1]:80", "0 A 127.0.0.1:80"];
    for (sources, name, told) in [
        ("files dns", "a", vec!["0 all 192.0.2.9:80"]),
        ("dns files", "A", vec!["0 all 192.0.2.9:80"]),
        ("dns [NOTFOUND=return] files", "b", vec!["0 all [2001:db8::9]:80"]),
        ("files", "a", vec!["0 all 192.0.2.9:80"]),
        ("dns", "a", loopback.clone()),
        ("", "a", loopback.clone()),
        ("files dns", "c", loopback.clone()),
        ("files [NOTFOUND=return] dns", "c", loopback.clone()),
        ("dns [UNAVAIL=return] files", "c", loopback),
    ] {
        let mut scene = switched(sources, by_name);
        let hosts = Hosts::parse(file, &Environment::new()).value;
        scene.resolver = scene.resolver.with_hosts(hosts);
        let lines = scene.lines(&format!("{name}.localhost.:80"));
        assert_eq!(
            (sources, name, lines),
            (sources, name, told.iter().map(ToString::to_string).collect())
        );
        // The file has the name, and it has no address of this family.
        if told.len() == 1 && name != "b" {
            let answer_lines = scene.resolve("a.localhost:80", Families::Ipv6);
            assert_eq!(answer_lines.iter().map(line).collect::<Vec<_>>(), ["0 AAAA none"]);
        }
        assert!(scene.servers.log().is_empty());
    }
    let Scene { resolver, clock, servers } = switched("files dns", by_name);
    let unreadable = WatchedFile::hosts(std::env::temp_dir(), Environment::new());
    let lines = answer_lines(&resolver.with_hosts_file(unreadable), &clock, "a.localhost:80");
    assert_eq!(lines, ["0 A Other", "0 A 127.0.0.1:80"]);
    assert!(servers.log().is_empty());
}

#[test]
fn localhost_needs_no_file_and_what_the_hosts_file_says_counts_if_it_was_read_already() {
    let hosts = File::new("192.0.2.9 localhost\n192.0.2.10 a.example\n");
    let Scene { resolver, clock, .. } = one(by_name);
    // None of these can be read: a directory is not a file.
    let resolver = resolver
        .with_switch_file(WatchedFile::switch(std::env::temp_dir()))
        .with_config_file(WatchedFile::config(std::env::temp_dir(), Environment::new()))
        .with_hosts_file(WatchedFile::hosts(&hosts.0, Environment::new()));
    let query = Query::new(Target::parse("localhost:80").unwrap());
    // One poll each: there is nothing to wait for.
    let at_once = || {
        let mut answers = std::pin::pin!(resolver.resolve(&query));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut lines = Vec::new();
        while let Poll::Ready(Some(answer)) = answers.as_mut().poll_next(&mut cx) {
            lines.push(line(&(0, answer)));
        }
        lines
    };
    assert_eq!(at_once(), ["0 AAAA [::1]:80", "0 A 127.0.0.1:80"]);
    assert_eq!(
        answer_lines(&resolver, &clock, "a.example:80").last().unwrap(),
        "0 A 192.0.2.10:80"
    );
    assert_eq!(at_once(), ["0 AAAA [::1]:80", "0 A 127.0.0.1:80 192.0.2.9:80"]);
}

#[test]
fn the_hosts_file_may_say_otherwise_of_what_is_fixed_by_decree() {
    for sources in ["files dns", "dns files"] {
        let mut scene = switched(sources, by_name);
        let hosts = Hosts::parse(b"192.0.2.9 b.invalid\n", &Environment::new()).value;
        scene.resolver = scene.resolver.with_hosts(hosts);
        assert_eq!(scene.lines("b.invalid:80"), ["0 all 192.0.2.9:80"], "{sources}");
        assert_eq!(scene.lines("c.invalid:80"), ["0 AAAA NotFound", "0 A NotFound"]);
        assert!(scene.servers.log().is_empty());
    }
}

#[test]
fn what_servers_said_is_remembered_and_the_search_list_is_theirs_alone() {
    let mut scene = switched("dns files", by_name);
    let config = config(1).with_search(["stagger.test"]).unwrap();
    scene.resolver = scene.resolver.with_config(config).with_cache_capacity(8);
    // The name as it was written is looked up in the file after the end of the search list.
    assert_eq!(scene.lines("alone:80"), ["20 all 192.0.2.98:80"]);
    assert_eq!(scene.servers.log().len(), 4);
    assert_eq!(scene.lines("alone:80"), ["20 all 192.0.2.98:80"]);
    assert_eq!(scene.servers.log().len(), 4);
    assert_eq!(scene.lines("known:80"), ["30 AAAA [2001:db8::1]:80", "30 A 192.0.2.1:80"]);
}

#[test]
fn a_hosts_file_that_can_not_be_read_is_unavailable() {
    let file = || WatchedFile::hosts(std::env::temp_dir(), Environment::new());
    for (sources, told) in [
        ("files", vec!["0 A Other"]),
        ("files [UNAVAIL=return] dns", vec!["0 A Other"]),
        ("files [NOTFOUND=return] dns", vec!["0 A Other", "0 A 192.0.2.1:80"]),
        ("dns files", vec!["0 A 192.0.2.1:80"]),
    ] {
        let Scene { resolver, clock, .. } = switched(sources, by_name);
        let lines = answer_lines(&resolver.with_hosts_file(file()), &clock, "known.:80");
        assert_eq!((sources, lines), (sources, told.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn a_hosts_file_that_is_not_there_is_unavailable_and_one_without_the_name_is_not() {
    let empty = File::new("");
    for (sources, missing, without) in [
        ("files", "0 A NotFound", "0 A NotFound"),
        ("files dns", "0 A 192.0.2.1:80", "0 A 192.0.2.1:80"),
        ("files [NOTFOUND=return] dns", "0 A 192.0.2.1:80", "0 A NotFound"),
        ("files [UNAVAIL=return] dns", "0 A NotFound", "0 A 192.0.2.1:80"),
    ] {
        for (path, told) in [(empty.0.join("none"), missing), (empty.0.clone(), without)] {
            let Scene { resolver, clock, .. } = switched(sources, by_name);
            let file = WatchedFile::hosts(&path, Environment::new());
            let lines = answer_lines(&resolver.with_hosts_file(file), &clock, "other.:80");
            assert_eq!(lines, [told], "{sources} {path:?}");
        }
    }
}

/// The answers for `db.eu` from the servers of this script. The name as it was written is asked for
/// first, and then the name in `x.test`.
fn searched(sources: &str, script: impl Fn(&Asked) -> Replies + 'static) -> Vec<String> {
    let mut scene = switched(sources, script);
    let config = config(1).with_search(["x.test"]).unwrap();
    let hosts = Hosts::parse(b"192.0.2.99 db.eu\n", &Environment::new()).value;
    scene.resolver = scene.resolver.with_config(config).with_hosts(hosts);
    scene.lines("db.eu:80")
}

#[test]
fn of_a_search_list_the_last_name_that_was_asked_for_decides() {
    // The name as it was written does not exist. The other only has IPv6, which comes late.
    let late = |asked: &Asked| match (asked.name.as_str(), asked.is_aaaa()) {
        ("db.eu.", _) => after(10, asked.nothing(NXDomain)),
        (_, true) => after(500, asked.found(&["2001:db8::7"])),
        (_, false) => after(10, asked.nothing(NoError)),
    };
    for sources in ["dns files", "dns [NOTFOUND=return] files"] {
        let told = ["510 A NotFound", "510 AAAA [2001:db8::7]:80"];
        let mut lines = searched(sources, late);
        lines.sort();
        assert_eq!(lines, told, "{sources}");
    }
    // In the end the servers fail, whatever their result for the first name was.
    let failing = |asked: &Asked| match asked.name.as_str() {
        "db.eu." => after(10, asked.nothing(NXDomain)),
        _ => after(10, asked.reply(ServFail)),
    };
    let failed = ["20 AAAA NotFound", "20 A NotFound"];
    assert_eq!(searched("dns [UNAVAIL=return] files", failing), failed);
    assert_eq!(searched("dns [!UNAVAIL=return] files", failing), ["20 all 192.0.2.99:80"]);
    // The last name does not exist, which A says for both. The result is that of the first name,
    // and each family has its own.
    for (of_aaaa, told) in [(ServFail, "20 AAAA Temporary"), (NoError, "20 AAAA none")] {
        let script = move |asked: &Asked| match (asked.name.as_str(), asked.is_aaaa()) {
            ("db.eu.", true) => after(10, asked.nothing(of_aaaa)),
            ("db.eu.", false) => after(10, asked.reply(ServFail)),
            (_, true) => silence(),
            (_, false) => after(10, asked.nothing(NXDomain)),
        };
        let mut lines = searched("dns [NOTFOUND=return] files", script);
        lines.sort();
        assert_eq!(lines, ["20 A Temporary", told]);
    }
}

#[test]
fn servers_that_are_not_known_are_unavailable() {
    let file = || WatchedFile::config(std::env::temp_dir(), Environment::new());
    for (sources, told) in [
        ("dns files", vec!["0 A Other", "0 A 192.0.2.99:80"]),
        ("dns [UNAVAIL=return] files", vec!["0 A Other"]),
    ] {
        let Scene { resolver, clock, .. } = switched(sources, by_name);
        let lines = answer_lines(&resolver.with_config_file(file()), &clock, "known.:80");
        assert_eq!((sources, lines), (sources, told.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn a_switch_file_is_obeyed_anew_when_it_has_changed_and_a_missing_one_is_files_dns() {
    let file = File::new("hosts: dns files\n");
    let Scene { resolver, clock, .. } = switched("files", by_name);
    let resolver = resolver.with_switch_file(WatchedFile::switch(&file.0));
    let found = || answer_lines(&resolver.clone(), &clock, "known.:80");
    assert_eq!(found(), ["0 A 192.0.2.1:80"]);
    fs::write(&file.0, "hosts: files and nobody else\n").unwrap();
    // The file is looked at once a second.
    assert_eq!(found(), ["0 A 192.0.2.1:80"]);
    for (text, expected) in [
        (Some("hosts: files and nobody else\n"), "0 A 192.0.2.99:80"),
        (Some("hosts: mdns [NOTFOUND=return] dns\n"), "0 A 192.0.2.1:80"),
        (Some("services: files\n"), "0 A 192.0.2.99:80"),
        (Some("hosts: resolve\n"), "0 A Other"),
        (None, "0 A 192.0.2.99:80"),
    ] {
        match text {
            Some(text) => fs::write(&file.0, text).unwrap(),
            None => fs::remove_file(&file.0).unwrap(),
        }
        clock.advance(ms(1000));
        assert_eq!(found(), [expected], "{text:?}");
    }
}

#[test]
fn a_switch_file_that_can_not_be_read_is_told_and_is_files_dns() {
    let clock = Clock::new();
    let servers = Servers::new(&clock, by_name);
    let resolver = stagger_dns::DnsResolver::new(config(1), servers, clock.clone());
    let resolver = resolver.with_switch_file(WatchedFile::switch(std::env::temp_dir()));
    let lines = answer_lines(&resolver, &clock, "known.:80");
    assert_eq!(lines, ["0 A Other", "0 A 192.0.2.1:80"]);
}
