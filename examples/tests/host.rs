//! The examples between two hosts: two networks of the test's own, with two links between them.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::env;
use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use stagger_net::Interface;
use stagger_tests::namespace::{TWO_HOSTS, far, shell, within};

macro_rules! name {
    ($name:ident) => {
        concat!(module_path!(), "::", stringify!($name))
    };
}

/// An example that runs; killed when this is dropped.
struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    fn near(name: &str, args: &[&str]) -> Self {
        // Examples are built with the tests of their package, beside their directory.
        let test = env::current_exe().unwrap();
        let program = test.ancestors().nth(2).unwrap().join("examples").join(name);
        let mut command = Command::new(&program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn();
        let hint = "with --test alone it is not built";
        let mut child =
            child.unwrap_or_else(|error| panic!("{}: {error}; {hint}", program.display()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// One that is on the other host.
    fn far(name: &str, args: &[&str]) -> Self {
        // It inherits the network of the thread that starts it.
        far(|| Self::near(name, args))
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says something").unwrap()
    }

    fn input(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// Ends its input, and with that itself.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_echo_server_serves_the_other_host_over_both_families() {
    within(name!(each_echo_server_serves_the_other_host_over_both_families), TWO_HOSTS, || {
        for runtime in ["tokio", "smol", "async_std"] {
            let mut server = Example::near(&format!("echo_server_{runtime}"), &["4716"]);
            // It listens on every one by the time that it says so of the first.
            let first = server.line();
            assert!(first.starts_with("listening on "), "{first:?}");
            for host in ["169.254.7.1", "fe80::1%far0", "fe80::1%far1"] {
                let echoed = far(|| -> io::Result<String> {
                    // What has a zone by name is looked up, and libc knows it.
                    let mut stream = TcpStream::connect((host, 4716))?;
                    stream.write_all(runtime.as_bytes())?;
                    stream.shutdown(Shutdown::Write)?;
                    io::read_to_string(stream)
                });
                assert_eq!(echoed.unwrap(), runtime, "{host}");
            }
        }
    });
}

#[test]
fn two_members_of_a_chat_hear_each_other() {
    within(name!(two_members_of_a_chat_hear_each_other), TWO_HOSTS, || {
        let mut ann = Example::near("multicast_chat", &["near1", "Ann"]);
        let mut bob = Example::far("multicast_chat", &["far1", "Bob"]);
        // On another link, where nobody else is.
        let mut cy = Example::far("multicast_chat", &["far0", "Cy"]);
        for (member, name) in [(&mut ann, "Ann"), (&mut bob, "Bob"), (&mut cy, "Cy")] {
            assert_eq!(member.line(), format!("{name} is here"));
        }
        for (line, says) in [
            ("hello", "169.254.7.1 says \"Ann: hello\""),
            (
                "is it \u{1b}[1mloud\u{1b}[0m?",
                "169.254.7.1 says \"Ann: is it \\u{1b}[1mloud\\u{1b}[0m?\"",
            ),
        ] {
            writeln!(ann.input(), "{line}").unwrap();
            assert_eq!((&*ann.line(), &*bob.line()), (says, says));
        }
        // Neither of the others hears him, not even Bob, who is on the same host.
        writeln!(cy.input(), "anybody?").unwrap();
        let says = cy.line();
        assert!(says.ends_with(" says \"Cy: anybody?\""), "{says:?}");
        writeln!(bob.input(), "I hear you").unwrap();
        let says = "169.254.7.2 says \"Bob: I hear you\"";
        assert_eq!((&*ann.line(), &*bob.line()), (says, says));
        ann.end();
        bob.end();
        cy.end();
    });
}

#[test]
fn a_chat_without_a_name_is_no_chat_and_says_what_is_missing() {
    for args in [&["lo"][..], &["lo", "Ann", "Bob"]] {
        let mut member = Example::near("multicast_chat", args);
        assert!(member.lines.next().is_none());
        assert_eq!(member.child.wait().unwrap().code(), Some(2));
    }
}

#[test]
fn hosts_discover_each_other_on_every_link_and_the_nameless_only_itself() {
    let name = name!(hosts_discover_each_other_on_every_link_and_the_nameless_only_itself);
    within(name, TWO_HOSTS, || {
        // So that both far ends have one address, and it is the same.
        shell("ip -n far address del fe80::3/64 dev far0");
        let far_ends = ["far0", "far1"].map(|end| {
            let interface = end.parse::<Interface>().unwrap();
            (end, far(|| interface.index()).unwrap())
        });
        let mut bob = Example::far("discovery", &["Bob"]);
        let asked = far_ends.iter().map(|(_, index)| index).collect::<BTreeSet<_>>();
        assert_eq!(bob.line(), format!("asked by the interfaces {asked:?}"));

        let mut nameless = Example::near("discovery", &[]);
        assert_eq!(nameless.line(), "asked by the interfaces {77, 78}");
        let mut heard: Vec<_> = nameless.lines.by_ref().map(Result::unwrap).collect();
        heard.sort_unstable();
        let said = ["answers", "asks"].map(|does| {
            [("near0", 77), ("near1", 78)].map(|(end, index)| {
                format!("\"this machine\" {does} from fe80::1%{end}, which is [fe80::1%{index}]:")
            })
        });
        let said = said.as_flattened();
        assert_eq!(heard.len(), said.len(), "{heard:?}");
        for (line, start) in heard.iter().zip(said) {
            assert!(line.starts_with(start), "{line:?}");
        }
        nameless.end();

        let mut ann = Example::near("discovery", &["Ann"]);
        assert_eq!(ann.line(), "asked by the interfaces {77, 78}");
        let mut answers = [ann.line(), ann.line()];
        answers.sort_unstable();
        for (answer, (end, index)) in answers.iter().zip([("near0", 77), ("near1", 78)]) {
            let start = format!("\"Bob\" answers from fe80::2%{end}, which is [fe80::2%{index}]:");
            assert!(answer.starts_with(&start), "{answer:?}");
        }
        // He has heard nothing of the nameless one.
        let mut questions = [bob.line(), bob.line()];
        questions.sort_unstable();
        for (question, (end, index)) in questions.iter().zip(far_ends) {
            let start = format!("\"Ann\" asks from fe80::1%{end}, which is [fe80::1%{index}]:");
            assert!(question.starts_with(&start), "{question:?}");
        }
    });
}
