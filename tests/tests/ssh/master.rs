//! Masters of OpenSSH.

use std::process::Command;
use std::time::{Duration, Instant};

use stagger_ssh::SshErrorKind;
use stagger_tests::process;
use stagger_tests::ssh::{Setup, SshAdapter as _, SshRuntime, Way, connect_through};
use stagger_tests::sshd::Gateways;

use crate::on::{banner, fail, reach_through};

on_runtimes! {
    GATEWAYS {
        a_master_of_a_finished_connect_stays_as_long_as_control_persist,
        a_master_that_runs_is_used_whoever_started_it,
        without_a_master_that_runs_and_without_a_start_a_connect_fails,
        a_hundred_connects_at_once_go_through_one_master,
        a_master_that_was_killed_is_replaced,
    }
}

fn a_master_of_a_finished_connect_stays_as_long_as_control_persist<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let before = process::left();
    let setup = Setup::new(Way::Control, lab.config("Host gw1\nControlPersist 3\n"));
    reach_through(&runtime, &setup, "gw1", "gw2.test:22");
    let ended = Instant::now();
    let masters = process::left();
    assert!(masters.len() > before.len(), "the master stays: {masters:?}");
    reach_through(&runtime, &setup, "gw1", "gw2.test:22");
    assert_eq!(lab.logins(1), 1);
    process::return_to(&before);
    // A master counts whole seconds.
    assert!(ended.elapsed() >= Duration::from_secs(2));
}

fn a_master_that_runs_is_used_whoever_started_it<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let lines = "Host gw1\nControlPath DIRECTORY/%r@%n\n";
    let config = lab.config(lines);
    let status = Gateways::ssh(&config, &["-MNf", "gw1"]).status();
    assert!(status.is_ok_and(|status| status.success()));
    let runtime = R::new();
    for way in [Way::Control, Way::OnlyRunning] {
        let setup = Setup::new(way, &config);
        reach_through(&runtime, &setup, "gw1", "gw2.test:22");
        assert_eq!(lab.logins(1), 1);
    }
    let setup = Setup::new(Way::Control, &config);
    reach_through(&runtime, &setup, "gw2", "gw3.test:22");
    assert_eq!([1, 2].map(|number| lab.logins(number)), [1, 1]);
}

fn without_a_master_that_runs_and_without_a_start_a_connect_fails<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let before = process::left();
    let config = lab.config("Host gw1\nControlPath DIRECTORY/none\n");
    let setup = Setup::new(Way::OnlyRunning, config);
    let connect = connect_through::<R>(&setup, "gw1", "gw2.test:22");
    let failure = fail::<R>(&runtime, connect);
    assert_eq!(failure.kind, SshErrorKind::Control, "{failure:?}");
    assert!(failure.text.starts_with("SSH host gw1"), "{failure:?}");
    assert_eq!(lab.logins(1), 0);
    process::return_to(&before);
}

fn a_hundred_connects_at_once_go_through_one_master<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let setup = Setup::new(Way::Control, lab.config(""));
    // First without a master: all of them want one.
    for _ in 0..2 {
        let connects: Vec<_> = (0..100)
            .map(|_| {
                let connect = connect_through::<R>(&setup, "gw2", "gw3.test:22");
                async move {
                    let mut stream = connect.await.unwrap_or_else(|error| panic!("{error}"));
                    let banner = R::Adapter::read_banner(&mut stream).await;
                    (stream, banner.unwrap_or_else(|error| panic!("{error}")))
                }
            })
            .collect();
        let streams = runtime.run_all(connects);
        assert!(streams.iter().all(|(_, banner)| banner.starts_with("SSH-2.0-")));
        assert_eq!([1, 2].map(|number| lab.logins(number)), [1, 1]);
    }
}

fn a_master_that_was_killed_is_replaced<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let before = process::left();
    let setup = Setup::new(Way::Control, lab.config(""));
    reach_through(&runtime, &setup, "gw1", "gw2.test:22");
    // A process that is killed leaves its socket behind.
    let masters = process::left().into_keys().filter(|id| !before.contains_key(id));
    for master in masters {
        let killed = Command::new("kill").args(["-9", &master.to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    }
    process::return_to(&before);
    let connect = connect_through::<R>(&setup, "gw1", "gw2.test:22");
    assert!(banner::<R>(&runtime, connect).starts_with("SSH-2.0-"));
    assert_eq!(lab.logins(1), 2);
}
