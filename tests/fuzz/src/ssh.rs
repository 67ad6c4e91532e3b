//! `ssh_config` and destinations.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use stagger_ssh::Destination;
use stagger_ssh::config::{
    ConfigFiles, Environment, Facts, MemoryFiles, ProxyConfig, Question, Reading, Release, Request,
    read,
};

use crate::assert_one_line;

/// The most bytes of an error: a path of 240 characters, some words, and three texts of 60
/// characters, each escaped.
const LONGEST_MESSAGE: usize = 4500;

/// The most questions of a reading: each command and each name is asked for once.
const MAX_QUESTIONS: usize = 5000;

/// The answers to 256 questions, by the first byte of the input.
fn answer(first: u8, question: usize) -> bool {
    first.rotate_left(u32::try_from(question % 8).unwrap_or(0)) & 1 == 1
}

/// Any bytes are read as a configuration: questions have an end, and what is read holds together.
///
/// The first byte has the answers to questions, the second one the release. After them comes the
/// destination, and after each byte 0xff a file: `~/.ssh/config` first, and then `~/.ssh/a`,
/// `~/.ssh/b` and `~/.ssh/c`.
pub fn ssh(input: &[u8]) {
    let [first, second, rest @ ..] = input else { return };
    let mut parts = rest.splitn(5, |byte| *byte == 0xff);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let destination = match text.parse::<Destination>() {
        Ok(destination) => {
            let printed = destination.to_string();
            assert_eq!(printed.parse::<Destination>().as_ref(), Ok(&destination), "{printed:?}");
            destination
        }
        Err(error) => {
            assert_one_line(&error.to_string(), LONGEST_MESSAGE);
            "web".parse().expect("a name is a destination")
        }
    };
    let names = ["config", "a", "b", "c"];
    let files = names.iter().zip(parts).fold(MemoryFiles::new(), |files, (name, contents)| {
        files.with_file(Path::new("/home/joe/.ssh").join(name), contents)
    });
    let files = files.with_file("/etc/services", "ssh 22/tcp\n").with_home("sue", "/home/sue");
    let release = [Release(9, 2), Release(9, 6), Release(9, 9), Release(10, 1), Release::NEWEST];
    let environment = Environment::new("joe", "/home/joe")
        .with_variable("LAB", "/lab")
        .with_version("OpenSSH_10.0")
        .with_local_addresses([IpAddr::from([192, 0, 2, 7])])
        .with_release(release[usize::from(*second) % release.len()]);
    let mut request = Request::new(destination.clone());
    if second & 128 != 0 {
        request = request.with_files(ConfigFiles::file("/home/joe/.ssh/a"));
    }
    if second & 64 != 0 {
        request = request.with_jumps([destination.clone()]);
    }

    let (mut facts, mut asked) = (Facts::new(), BTreeSet::new());
    let config = loop {
        assert!(asked.len() < MAX_QUESTIONS, "too many questions");
        let yes = answer(*first, asked.len());
        match read(&request, &files, &environment, &facts) {
            Ok(Reading::Done(config)) => break config,
            Ok(Reading::Asks(Question::Exec(exec))) => {
                assert!(asked.insert(format!("exec {}", exec.command())), "asked twice");
                assert!(exec.line() > 0);
                facts = facts.with_exec(exec.command(), yes);
            }
            Ok(Reading::Asks(Question::Resolve(names))) => {
                let name = &names.names()[0];
                assert!(asked.insert(format!("name {name}")), "asked twice");
                facts = match yes {
                    true => facts.with_name(name, "real.example.com"),
                    false => facts.without_name(name),
                };
            }
            Ok(Reading::Asks(other)) => panic!("{other:?}"),
            Err(error) => return assert_one_line(&error.to_string(), LONGEST_MESSAGE),
        }
    };
    assert_eq!(config.alias(), destination.host());
    assert!(config.port() > 0 && config.connection_attempts() > 0);
    if let Some(user) = destination.user() {
        assert_eq!(config.user(), user);
    }
    if let ProxyConfig::Jump(hops) = config.proxy() {
        assert!(!hops.is_empty());
        for hop in hops {
            assert_eq!(hop.to_string().parse::<Destination>().as_ref(), Ok(hop));
        }
    }
    assert!(config.notes().len() <= 1000);
    config.notes().iter().for_each(|note| assert_one_line(&note.to_string(), LONGEST_MESSAGE));
    // The same question has the same answer.
    let again = read(&request, &files, &environment, &facts);
    assert_eq!(again, Ok(Reading::Done(config)));
}
