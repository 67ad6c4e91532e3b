//! The ways to a host and through it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stagger::Policy;
use stagger::sort::SourceAddress;
use stagger_net::nat64::Nat64;
use stagger_tests::Adapter;
use stagger_tests::namespace::shell;
use stagger_tests::ssh::{GREETING_WAYS, Setup, SshRuntime, Way};
use stagger_tests::sshd::{Gateways, dial_command, echo};

use crate::on::{echo_through, reach, reach_through};

on_runtimes! {
    GATEWAYS {
        a_host_without_hops_is_reached_without_a_login,
        a_host_and_a_target_behind_one_and_two_others_are_reached,
        a_silent_address_of_the_first_host_costs_one_attempt_delay,
        a_proxy_command_leads_to_a_host,
        hosts_by_a_dial_by_a_command_and_by_jumps_form_one_chain,
        a_host_and_a_target_are_reached_over_ipv6,
        a_first_host_with_ipv4_alone_is_reached_through_a_nat64,
        the_configuration_of_the_user_is_the_default,
        large_data_goes_both_ways_and_each_end_ends_alone,
    }
}

/// Starts everything, and does this with each backend and a new runtime.
fn with_each_way<R: SshRuntime>(body: impl Fn(&R, &Gateways, Way)) {
    for way in GREETING_WAYS {
        let Some(lab) = Gateways::start() else { return };
        body(&R::new(), &lab, way);
    }
}

fn a_host_without_hops_is_reached_without_a_login<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let setup = Setup::new(way, lab.config("Host other\nHostName gw1.test\nPort 2022\n"));
        for destination in ["gw1", "joe@gw1", "ssh://gw1:2022", "other", "10.77.0.2", "gw1.test"] {
            reach(runtime, &setup, destination);
        }
        assert_eq!(lab.logins(1), 0);
    });
}

fn a_host_and_a_target_behind_one_and_two_others_are_reached<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let lines = "Host chain\nHostName gw3.test\nProxyJump gw1,gw2\n";
        let setup = Setup::new(way, lab.config(lines));
        reach_through(runtime, &setup, "gw1", "gw2.test:22");
        reach_through(runtime, &setup, "gw1", "10.77.1.2:2022");
        reach(runtime, &setup, "gw2");
        reach_through(runtime, &setup, "gw2", "gw3.test:22");
        reach(runtime, &setup, "gw3");
        reach(runtime, &setup, "chain");
        let logins = [1, 2, 3].map(|number| lab.logins(number));
        // A master serves all. The chain names gw2 in another way, and so it may have its own.
        match way {
            Way::Greeting => assert_eq!(logins, [6, 3, 0]),
            _ => assert!(logins[0] == 1 && matches!(logins[1], 1 | 2) && logins[2] == 0),
        }
    });
}

fn a_silent_address_of_the_first_host_costs_one_attempt_delay<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let lines = "Host slow\nHostName slow.test\nHostKeyAlias gw1.test\n\
            Host behind\nHostName gw2.test\nProxyJump slow\n";
        let Some(dial_command) = dial_command() else { return };
        let setup =
            Setup { dial_command: Some(dial_command), ..Setup::new(way, lab.config(lines)) };
        let start = Instant::now();
        reach_through(runtime, &setup, "behind", "gw3.test:22");
        assert!(start.elapsed() >= Policy::ATTEMPT_DELAY);
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!([1, 2].map(|number| lab.logins(number)), [1, 1]);
    });
}

fn a_proxy_command_leads_to_a_host<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let file = lab.config("");
        let lines = format!(
            "Host command\nHostName gw2.test\nProxyCommand ssh -F {} -W %h:%p gw1\n",
            file.display()
        );
        let setup = Setup::new(way, lab.config(&lines));
        reach(runtime, &setup, "command");
        reach_through(runtime, &setup, "command", "gw3.test:22");
        assert_eq!([1, 2].map(|number| lab.logins(number)), [2, 1]);
    });
}

fn hosts_by_a_dial_by_a_command_and_by_jumps_form_one_chain<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let Some(dial_command) = dial_command() else { return };
        // gw1 by the command of ours, gw2 by a jump, gw3 by a command of OpenSSH, gw4 by a jump.
        let first = format!(
            "Host first\nHostName slow.test\nHostKeyAlias gw1.test\n\
             ProxyCommand {dial_command}\n\
             Host second\nHostName gw2.test\nProxyJump first\n"
        );
        let file = lab.config(&first);
        let lines = format!(
            "{first}Host third\nHostName gw3.test\nProxyCommand ssh -F {} -W %h:%p second\n\
             Host fourth\nHostName gw4.test\nProxyJump third\n",
            file.display()
        );
        let setup = Setup::new(way, lab.config(&lines));
        reach_through(runtime, &setup, "fourth", "127.0.0.1:22");
        assert_eq!([1, 2, 3, 4].map(|number| lab.logins(number)), [1, 1, 1, 1]);
    });
}

fn a_host_and_a_target_are_reached_over_ipv6<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let lines = "Host six\nHostName six.test\nHostKeyAlias gw1.test\n";
        let setup = Setup::new(way, lab.config(lines));
        reach(runtime, &setup, "six");
        for target in ["[2001:db8:77:1::2]:22", "six.test:22", "[::1]:22"] {
            reach_through(runtime, &setup, "six", target);
        }
    });
}

fn a_first_host_with_ipv4_alone_is_reached_through_a_nat64<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    // 10.77.0.2 in the prefix 2001:db8:77::/96.
    shell("ip -n gw1 address add 2001:db8:77::a4d:2/64 dev far0 nodad");
    let nat64 = Nat64::new(<R::Adapter as Adapter>::Timer::default());
    // IPv4 has no route, as far as the NAT64 knows.
    let nat64 = nat64.with_prefix("2001:db8:77::/96".parse().unwrap()).unwrap().with_sources(
        |to: &SocketAddr| {
            to.is_ipv6().then(|| SourceAddress::new("2001:db8:77::1".parse().unwrap()))
        },
    );
    let from = |text: &str| lab.log(1).matches(&format!(" from {text} port ")).count();
    for (target, way) in [("gw1", Way::Control), ("10.77.0.2", Way::Command)] {
        let mut setup = Setup::new(way, lab.config(""));
        setup.nat64 = Some(nat64.clone());
        reach(&runtime, &setup, target);
    }
    assert_eq!(from("10.77.0.1"), 0, "{}", lab.log(1));
    // The masters of both hosts are behind the same dial.
    let mut setup = Setup::new(Way::Control, lab.config(""));
    setup.nat64 = Some(nat64);
    reach_through(&runtime, &setup, "gw2", "gw3.test:22");
    reach_through(&runtime, &setup, "gw1", "gw2.test:22");
    assert!(lab.log(1).contains("Accepted publickey for joe from 2001:db8:77::1"));
    assert_eq!((lab.logins(1), from("10.77.0.1")), (1, 0), "{}", lab.log(1));
}

fn the_configuration_of_the_user_is_the_default<R: SshRuntime>() {
    with_each_way(|runtime: &R, lab, way| {
        let setup = Setup { config: None, ..Setup::new(way, "") };
        reach_through(runtime, &setup, "gw2", "gw3.test:22");
        assert_eq!([1, 2].map(|number| lab.logins(number)), [1, 1]);
    });
}

fn large_data_goes_both_ways_and_each_end_ends_alone<R: SshRuntime>() {
    echo(3);
    with_each_way(|runtime: &R, lab, way| {
        // The client speaks first.
        let way = if way == Way::Greeting { Way::Command } else { way };
        let setup = Setup::new(way, lab.config(""));
        let message = |length: usize| (0..length).map(|byte| (byte % 251) as u8).collect();
        for length in [0, 1, 100_000, 16 << 20] {
            echo_through(runtime, &setup, "gw2", "gw3.test:7", message(length));
        }
    });
}
