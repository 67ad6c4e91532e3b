//! Datagrams between two hosts, over links with the same addresses; and groups.

use std::process::Command;

use crate::listening::Listening;
use crate::namespace::{inside, sh};
use crate::run::{RUNTIMES, Run, STAGGER, stagger};

/// Two networks, joined by two links. Here are `near0` and `near1`, and in the namespace `far` are
/// `far0` and `far1`. Both near ones have the addresses fe80::1 and 169.254.7.1 (RFC 3927), both
/// far ones fe80::2 and 169.254.7.2; `near0` has 169.254.7.3 too.
const TWO_HOSTS: &str = "mount -t tmpfs none /run
ip netns add far
ip -n far link set lo up
for n in 0 1; do
    ip link add near$n type veth peer name far$n netns far
    ip link set near$n addrgenmode none
    ip -n far link set far$n addrgenmode none
    ip link set near$n up
    ip -n far link set far$n up
    ip address add fe80::1/64 dev near$n nodad
    ip -n far address add fe80::2/64 dev far$n nodad
    ip address add 169.254.7.1/24 dev near$n
    ip -n far address add 169.254.7.2/24 dev far$n
done
ip address add 169.254.7.3/24 dev near0
up() { test $(ip -o link | grep -c 'near.*state UP') = 2 &&
       test $(ip -n far -o link | grep -c 'far.*state UP') = 2; }
for n in $(seq 1000); do
    if up; then break; fi
done
up";

/// Port at which the far ends receive.
const PORT: &str = "4711";

/// `stagger udp listen` in the far network.
fn listen_far(words: &[&str]) -> Listening {
    let mut command = Command::new("nsenter");
    command.args(["--net=/run/netns/far", "env", "--default-signal=INT,TERM", STAGGER]);
    Listening::start_by(&mut command, &[&["udp", "listen"], words].concat())
}

fn listen(words: &[&str]) -> Listening {
    Listening::start(&[&["udp", "listen"], words].concat())
}

fn send(words: &[&str]) -> Run {
    let run = stagger(&[&["udp", "send"], words].concat());
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{words:?}: {run:?}");
    run
}

#[test]
fn link_local_peers_are_shown_with_their_zone_and_answered_by_its_interface() {
    if !inside("udp_link::link_local_peers_are_shown_with_their_zone_and_answered_by_its_interface")
    {
        return;
    }
    sh(TWO_HOSTS);
    for runtime in RUNTIMES {
        let addr = format!("[::]:{PORT}");
        let mut listening = listen_far(&[&addr, "--echo", "--runtime", runtime]);
        assert_eq!(listening.line(), format!("listening on {addr}"));
        for n in ["0", "1"] {
            let by_zone = format!("[fe80::2%near{n}]:{PORT}");
            let by_option = format!("[fe80::2]:{PORT}");
            let near = format!("near{n}");
            for (to, more) in [
                (&by_zone, &[][..]),
                (&by_zone, &["--bind", "fe80::1"]),
                (&by_option, &["--interface", &near]),
            ] {
                let words = [to, "--data", "x", "--replies", "1", "--wait", "60s"];
                let run = send(&[&words[..], more, &["--runtime", runtime]].concat());
                let lines: Vec<_> = run.out.lines().collect();
                let from = format!("sent 1 byte to {by_zone} from [fe80::1%near{n}]:");
                let port = lines[0].strip_prefix(&from).unwrap_or_else(|| panic!("{run:?}"));
                let port = port.strip_suffix(": \"x\"").unwrap();
                let answer = format!("received 1 byte from {by_zone} at fe80::1 by near{n}: \"x\"");
                assert_eq!(lines[1..], [answer]);
                let peer = format!("[fe80::1%far{n}]:{port}");
                let line = format!("received 1 byte from {peer} at fe80::2 by far{n}: \"x\"");
                assert_eq!(listening.line(), line);
            }
        }
        listening.interrupt();
    }
}

#[test]
fn a_group_is_heard_on_the_interface_on_which_it_is_joined_and_answered_there() {
    if !inside(
        "udp_link::a_group_is_heard_on_the_interface_on_which_it_is_joined_and_answered_there",
    ) {
        return;
    }
    sh(TWO_HOSTS);
    for runtime in RUNTIMES {
        let port = format!(":{PORT}");
        let words = ["--join", "239.255.7.9%far1", "--join", "ff02::1234%far1"];
        let more = ["--echo", "--runtime", runtime];
        let mut listening = listen_far(&[&[&port[..]], &words[..], &more].concat());
        assert_eq!(listening.line(), format!("listening on [::]:{PORT}, and on IPv4"));
        assert_eq!(listening.line(), "joined 239.255.7.9 on far1");
        assert_eq!(listening.line(), "joined ff02::1234 on far1");
        let v6_by = |near: &str| format!("[ff02::1234%{near}]:{PORT}");
        let v4 = format!("239.255.7.9:{PORT}");
        // Nothing on the other link is in the groups.
        let unheard = ["--data", "unheard", "--runtime", runtime];
        send(&[&[&v6_by("near0")[..]], &unheard[..]].concat());
        send(&[&[&v4[..], "--interface", "near0"], &unheard[..]].concat());

        let heard = ["--data", "x", "--replies", "1", "--wait", "60s", "--runtime", runtime];
        let run = send(&[&[&v6_by("near1")[..]], &heard[..]].concat());
        let answer = format!("received 1 byte from [fe80::2%near1]:{PORT} at fe80::1 by near1: ");
        assert!(run.out.lines().nth(1).unwrap().starts_with(&answer), "{run:?}");
        let line = listening.line();
        assert!(line.starts_with("received 1 byte from [fe80::1%far1]:"), "{line}");
        assert!(line.ends_with(" at ff02::1234 by far1: \"x\""), "{line}");

        let run = send(&[&[&v4[..], "--interface", "near1"], &heard[..]].concat());
        let answer = format!("received 1 byte from 169.254.7.2:{PORT} at 169.254.7.1 by near1: ");
        assert!(run.out.lines().nth(1).unwrap().starts_with(&answer), "{run:?}");
        let line = listening.line();
        assert!(line.starts_with("received 1 byte from 169.254.7.1:"), "{line}");
        assert!(line.ends_with(" at 239.255.7.9 by far1: \"x\""), "{line}");
        listening.interrupt();
    }
}

#[test]
fn a_group_of_a_link_that_is_bound_to_is_heard_where_it_is_joined() {
    if !inside("udp_link::a_group_of_a_link_that_is_bound_to_is_heard_where_it_is_joined") {
        return;
    }
    sh(TWO_HOSTS);
    let addr = format!("[ff02::1234]:{PORT}");
    let mut listening = listen_far(&[&addr, "--join", "ff02::1234%far1"]);
    assert_eq!(listening.line(), format!("listening on [ff02::1234%far1]:{PORT}"));
    assert_eq!(listening.line(), "joined ff02::1234 on far1");
    for near in ["near0", "near1"] {
        send(&[&format!("[ff02::1234%{near}]:{PORT}"), "--data", near]);
    }
    let line = listening.line();
    assert!(line.ends_with(" at ff02::1234 by far1: \"near1\""), "{line}");
    listening.interrupt();
    // A group that cannot be joined is reported once.
    let again = ["--join", "ff02::1234%near0", "--join", "ff02::1234%near0"];
    let run = stagger(&[&["udp", "listen", ":0"], &again[..]].concat());
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    let error = "error: cannot join ff02::1234 on near0: Address already in use (os error 98)\n";
    assert_eq!(run.err, error);
}

#[test]
fn of_a_group_only_the_source_that_is_named_is_heard() {
    if !inside("udp_link::of_a_group_only_the_source_that_is_named_is_heard") {
        return;
    }
    sh(TWO_HOSTS);
    for runtime in RUNTIMES {
        let port = format!(":{PORT}");
        let words = ["--join", "232.1.2.3%far0", "--source", "169.254.7.3"];
        let mut listening = listen_far(&[&[&port[..]], &words[..]].concat());
        assert_eq!(listening.line(), format!("listening on 0.0.0.0:{PORT}"));
        assert_eq!(listening.line(), "joined 232.1.2.3 on far0 for 169.254.7.3");
        let addr = format!("232.1.2.3:{PORT}");
        for source in ["169.254.7.1", "169.254.7.3"] {
            let words = [&addr, "--interface", "near0", "--bind", source, "--data", source];
            send(&[&words[..], &["--runtime", runtime]].concat());
        }
        let line = listening.line();
        assert!(line.starts_with("received 11 bytes from 169.254.7.3:"), "{line}");
        listening.interrupt();
    }
}

#[test]
fn hops_and_loopback_say_who_hears_what_is_sent_to_a_group() {
    if !inside("udp_link::hops_and_loopback_say_who_hears_what_is_sent_to_a_group") {
        return;
    }
    sh(TWO_HOSTS);
    for (group, far_group, near_group, to) in [
        ("239.255.7.9", "239.255.7.9%far0", "239.255.7.9%near0", "239.255.7.9"),
        ("ff05::1234", "ff05::1234%far0", "ff05::1234%near0", "[ff05::1234]"),
    ] {
        let port = format!(":{PORT}");
        let mut far = listen_far(&[&port, "--join", far_group]);
        let mut near = listen(&[&port, "--join", near_group]);
        for (listening, name) in [(&mut far, "far0"), (&mut near, "near0")] {
            assert!(listening.line().starts_with("listening on "));
            assert_eq!(listening.line(), format!("joined {group} on {name}"));
        }
        let addr = format!("{to}:{PORT}");
        for runtime in RUNTIMES {
            let words = [&addr, "--interface", "near0", "--runtime", runtime];
            send(&[&words[..], &["--hops", "0", "--data", "here"]].concat());
            send(&[&words[..], &["--no-loopback", "--data", "there"]].concat());
            send(&[&words[..], &["--data", "both"]].concat());
            for (listening, first) in [(&mut near, "here"), (&mut far, "there")] {
                for words in [first, "both"] {
                    let line = listening.line();
                    assert!(line.ends_with(&format!(": {words:?}")), "{words}: {line}");
                }
            }
        }
        near.interrupt();
        far.interrupt();
    }
}

#[test]
fn a_host_is_sent_to_by_the_interface_that_is_chosen() {
    if !inside("udp_link::a_host_is_sent_to_by_the_interface_that_is_chosen") {
        return;
    }
    sh(TWO_HOSTS);
    let mut listening = listen_far(&[&format!(":{PORT}"), "--echo"]);
    listening.line();
    for runtime in RUNTIMES {
        for n in ["0", "1"] {
            // Both links lead to that address.
            let addr = format!("169.254.7.2:{PORT}");
            let near = format!("near{n}");
            let words = [&addr, "--interface", &near, "--data", "x", "--replies", "1"];
            let run = send(&[&words[..], &["--wait", "60s", "--runtime", runtime]].concat());
            assert!(run.out.contains(&format!(" by near{n}: ")), "{run:?}");
            let line = listening.line();
            assert!(line.ends_with(&format!(" at 169.254.7.2 by far{n}: \"x\"")), "{line}");
        }
    }
    listening.interrupt();
}
