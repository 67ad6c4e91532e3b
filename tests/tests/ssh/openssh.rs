//! What the tests stand on, with OpenSSH alone.

use std::process::Command;
use std::time::{Duration, Instant};

use stagger_tests::namespace::{self, GATEWAYS};
use stagger_tests::process;
use stagger_tests::sshd::Gateways;

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("ssh starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn ssh_logs_in_at_each_machine_through_all_before() {
    let test = concat!(module_path!(), "::ssh_logs_in_at_each_machine_through_all_before");
    namespace::within(test, GATEWAYS, || {
        let Some(lab) = Gateways::start() else { return };
        let before = process::left();
        let config = lab.config("");
        for name in ["gw1", "gw2", "gw3", "gw4"] {
            let (succeeded, text) = output(&mut Gateways::ssh(&config, &[name, "id", "-un"]));
            assert!(succeeded && text == "joe\n", "{name}: {text}");
        }
        assert_eq!([1, 2, 3, 4].map(|number| lab.logins(number)), [4, 3, 2, 1]);
        process::return_to(&before);
    });
}

#[test]
fn ssh_does_not_get_past_the_silent_address() {
    let test = concat!(module_path!(), "::ssh_does_not_get_past_the_silent_address");
    namespace::within(test, GATEWAYS, || {
        let Some(lab) = Gateways::start() else { return };
        let config = lab.config("Host slow\nHostName slow.test\nHostKeyAlias gw1.test\n");
        let start = Instant::now();
        let mut command = Gateways::ssh(&config, &["-oConnectTimeout=1", "slow", "true"]);
        let (succeeded, text) = output(&mut command);
        assert!(succeeded, "{text}");
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!(lab.logins(1), 1);
    });
}

#[test]
fn a_login_without_forwarding_is_refused_each_channel() {
    let test = concat!(module_path!(), "::a_login_without_forwarding_is_refused_each_channel");
    namespace::within(test, GATEWAYS, || {
        let Some(lab) = Gateways::start() else { return };
        let config = lab.config("");
        let mut command = Gateways::ssh(&config, &["-p2022", "-W", "gw2.test:22", "gw1"]);
        let (succeeded, text) = output(&mut command);
        assert!(!succeeded && text.contains("administratively prohibited"), "{text}");
    });
}
