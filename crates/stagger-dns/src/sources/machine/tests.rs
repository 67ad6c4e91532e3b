use std::net::IpAddr;
use std::time::{Duration, Instant};

use stagger::Target;

use super::*;
use crate::error::DnsError;
use crate::lookup::Found;
use crate::question::name_of;
use crate::{Environment, Watched};

/// A machine that is told what the sources say, and says what it does as lines.
struct Script(Machine);

impl Script {
    /// A lookup of both families of `name`, after the switch was read.
    fn new(sources: &str, name: &str) -> Self {
        let mut script = Self::before(name, Families::Any);
        let switch = Switch::parse(format!("hosts: {sources}\n").as_bytes()).value;
        script.0.switch(Ok(&switch));
        script
    }

    fn before(name: &str, families: Families) -> Self {
        let target = Target::parse(&format!("{name}:80")).unwrap();
        Self(Machine::new(Query::new(target).with_families(families), 80, true))
    }

    /// All that is told, and the step that follows.
    #[track_caller]
    fn does(&mut self, expected: &[&str]) -> &mut Self {
        let mut lines = Vec::new();
        let step = loop {
            match self.0.next() {
                Next::Do(step) => break step,
                Next::Tell(answer) => lines.push(line(&answer)),
            }
        };
        if step == Step::Begin {
            let questions = self.0.begin().map(|question| question.to_string());
            lines.push(format!("begin {}", questions.collect::<Vec<_>>().join(", ")));
        } else {
            lines.push(format!("{step:?}"));
        }
        assert_eq!(lines, expected);
        self
    }

    fn hosts(&mut self, file: &str) -> &mut Self {
        self.0.hosts(Ok(&Hosts::parse(file.as_bytes(), &Environment::new()).value));
        self
    }

    fn config(&mut self, file: &str) -> &mut Self {
        let config = Config::parse(file.as_bytes(), &Environment::new()).value;
        self.0.config(&config, self.0.families());
        self
    }

    /// The lookup of a record of the current name has found these addresses.
    fn finds(&mut self, record: Record, addresses: &[&str]) -> &mut Self {
        let addresses = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect();
        let found = Found::new(addresses, Duration::from_secs(60));
        assert!(self.0.hear([(record, Ok(found))].into_iter()));
        self
    }

    /// The lookups of these records have failed for these reasons.
    fn fails<const N: usize>(&mut self, failures: [(Record, Cause); N]) -> &mut Self {
        let question = |record| Question::new(name_of("a.example").unwrap(), record);
        let outcomes = failures
            .into_iter()
            .map(|(record, cause)| (record, Err(DnsError::new(&question(record), cause))));
        assert!(self.0.hear(outcomes));
        self
    }
}

fn line(answer: &DnsAnswer) -> String {
    let provisional = if answer.is_provisional() { "provisional " } else { "" };
    let record = answer.record();
    let said = match answer.error() {
        Some(error) => format!("{:?}", error.kind()),
        None => {
            let addresses: Vec<_> = answer.addresses().map(ToString::to_string).collect();
            if addresses.is_empty() { "none".to_owned() } else { addresses.join(" ") }
        }
    };
    format!("{provisional}{record} {said}")
}

fn unreadable() -> FileError {
    // A directory is no file.
    let file = Watched::switch(std::env::temp_dir());
    futures_lite::future::block_on(file.get(Instant::now())).unwrap_err()
}

use Cause::{Circle, NoAddress, NotFound};
use Record::{A, Aaaa};

#[test]
fn the_hosts_file_answers_for_both_families_and_nothing_else_is_done() {
    let mut script = Script::before("a.example", Families::Any);
    script.does(&["Switch"]);
    script.0.switch(Ok(&Switch::default()));
    script.does(&["Hosts"]).hosts("192.0.2.9 a.example\n2001:db8::9 a.example\n");
    script.does(&["all 192.0.2.9:80 [2001:db8::9]:80", "Done"]);
}

#[test]
fn servers_that_are_last_are_heard_family_by_family() {
    let mut script = Script::new("files dns", "a.example");
    script.does(&["Hosts"]).hosts("192.0.2.9 b.example\n").does(&["Config"]).config("");
    script.does(&["begin a.example (AAAA), a.example (A)"]).does(&["Hear"]);
    script.fails([(Aaaa, NoAddress)]).does(&["AAAA none", "Hear"]);
    script.finds(A, &["192.0.2.1"]).does(&["A 192.0.2.1:80", "Done"]);
}

#[test]
fn servers_that_are_first_are_held_back_until_what_follows_is_known() {
    let mut script = Script::new("dns files", "a.example");
    script.does(&["Config"]).config("").does(&["begin a.example (AAAA), a.example (A)"]);
    // This half may change what the switch says, and waits.
    script.fails([(Aaaa, NoAddress)]).does(&["Hear"]);
    script.finds(A, &["192.0.2.1"]).does(&["AAAA none", "A 192.0.2.1:80", "Done"]);

    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    // An address is the success that ends the lookup. What still comes is told as it comes.
    script.finds(Aaaa, &["2001:db8::1"]).does(&["AAAA [2001:db8::1]:80", "Hear"]);
    script.fails([(A, NoAddress)]).does(&["A none", "Done"]);
}

#[test]
fn a_name_that_a_does_not_have_is_left_to_the_hosts_file_without_waiting_for_aaaa() {
    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.fails([(A, NotFound)]).does(&["Hosts"]).hosts("");
    script.does(&["AAAA NotFound", "A NotFound", "Done"]);
}

#[test]
fn a_failure_of_servers_is_provisional_if_the_hosts_file_has_the_name() {
    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.fails([(Aaaa, Circle), (A, NoAddress)]).does(&["Hosts"]);
    script.hosts("192.0.2.9 a.example\n");
    script.does(&["provisional AAAA Malformed", "all 192.0.2.9:80", "Done"]);
}

#[test]
fn the_search_list_is_walked_before_a_result_counts() {
    let mut script = Script::new("dns files", "a");
    script.config("search x.test\n").does(&["begin a.x.test (AAAA), a.x.test (A)"]);
    script.fails([(A, NotFound)]).does(&["begin a (AAAA), a (A)"]);
    script.fails([(Aaaa, NotFound), (A, NotFound)]).does(&["Hosts"]);
}

#[test]
fn without_aaaa_the_lookup_of_a_is_for_both_families_and_is_made_once() {
    let mut script = Script::new("dns", "a.example");
    script.config("options no-aaaa\n").does(&["begin a.example (A)"]);
    script.finds(A, &["192.0.2.1"]).does(&["AAAA none", "A 192.0.2.1:80", "Done"]);

    // Also where IPv6 alone leads anywhere.
    let config = Config::new().with_no_aaaa(true);
    let mut script = Script::new("dns", "a.example");
    script.0.config(&config, Families::Ipv6);
    script.does(&["begin a.example (A)"]).finds(A, &["192.0.2.1"]);
    script.does(&["AAAA none", "A 192.0.2.1:80", "Done"]);
}

#[test]
fn without_queries_for_top_level_domains_a_name_that_comes_first_is_asked_for_all_the_same() {
    let mut script = Script::new("dns", "a");
    script.config("search x.test\noptions no-tld-query ndots:0\n");
    script.does(&["begin a (AAAA), a (A)"]);
    let mut script = Script::new("dns", "a");
    script.config("search x.test .\noptions no-tld-query\n");
    script.does(&["begin a.x.test (AAAA), a.x.test (A)"]).fails([(A, NotFound)]);
    script.does(&["begin a (AAAA), a (A)"]);
}

#[test]
fn a_file_that_can_not_be_read_is_provisional_unless_nothing_follows() {
    let mut script = Script::before("a.example", Families::Ipv4);
    script.0.switch(Err(unreadable()));
    script.does(&["provisional A Other", "Hosts"]);
    script.0.hosts(Err(unreadable()));
    script.does(&["provisional A Other", "Config"]);
    script.0.config_failed(unreadable());
    script.does(&["A Other", "Done"]);

    let mut script = Script::new("dns [UNAVAIL=return] files", "a.example");
    script.0.config_failed(unreadable());
    script.does(&["all Other", "Done"]);
}

#[test]
fn a_success_that_is_to_be_merged_is_lost_with_what_still_runs() {
    let mut script = Script::new("dns [SUCCESS=merge] files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.finds(A, &["192.0.2.1"]).does(&["all Other", "Done"]);
}

#[test]
fn a_success_that_is_replaced_is_forgotten_with_what_still_runs() {
    let mut script = Script::new("dns [SUCCESS=continue] files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.finds(A, &["192.0.2.1"]).does(&["Hosts"]).hosts("").does(&["all NotFound", "Done"]);
}

#[test]
fn localhost_is_told_at_once_and_what_is_known_of_the_hosts_file_adds_to_it() {
    let mut script = Script::before("localhost", Families::Any);
    script.does(&["Peek"]).0.this_machine(None);
    script.does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);

    let mut script = Script::before("localhost", Families::Ipv4);
    let file = b"127.0.0.1 localhost\n::2 localhost\n127.0.1.1 localhost\n";
    let hosts = Hosts::parse(file, &Environment::new()).value;
    script.0.this_machine(Some(&hosts));
    script.does(&["A 127.0.0.1:80 127.0.1.1:80", "Done"]);
}

#[test]
fn a_name_below_localhost_is_left_to_the_hosts_file_and_never_to_servers() {
    for sources in ["files dns", "dns files", "dns [NOTFOUND=return] files"] {
        let mut script = Script::new(sources, "a.localhost");
        script
            .does(&["Hosts"])
            .hosts("192.0.2.9 a.localhost\n")
            .does(&["all 192.0.2.9:80", "Done"]);
        let mut script = Script::new(sources, "a.localhost");
        script.does(&["Hosts"]).hosts("").does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);
    }
    Script::new("dns", "a.localhost").does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);
}

#[test]
fn what_is_fixed_by_decree_takes_the_place_of_servers() {
    for sources in ["files dns", "files"] {
        let mut script = Script::new(sources, "a.invalid");
        script.does(&["Hosts"]).hosts("").does(&["AAAA NotFound", "A NotFound", "Done"]);
    }
    let mut script = Script::new("dns files", "a.invalid");
    script.does(&["Hosts"]).hosts("192.0.2.9 a.invalid\n").does(&["all 192.0.2.9:80", "Done"]);
}
