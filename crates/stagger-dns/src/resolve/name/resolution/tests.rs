use std::net::IpAddr;
use std::time::{Duration, Instant};

use stagger::Target;

use super::*;
use crate::config::environment::Environment;
use crate::config::watched_file::WatchedFile;
use crate::dns_error::DnsError;
use crate::lookup::FoundAddresses;
use crate::question::name_of;

/// A resolution that gets the results of its sources from a script, and prints its steps.
struct Script(NameResolution);

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
        Self(NameResolution::new(Query::new(target).with_families(families), 80, true))
    }

    /// Checks the answers, and the step that follows them.
    #[track_caller]
    fn does(&mut self, expected: &[&str]) -> &mut Self {
        let mut lines = Vec::new();
        let step = loop {
            match self.0.next() {
                Instruction::Run(step) => break step,
                Instruction::Answer(answer) => lines.push(line(&answer)),
            }
        };
        if step == ResolutionStep::BeginLookups {
            let questions = self.0.begin_lookups().map(|question| question.to_string());
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
        let found = FoundAddresses::new(addresses, Duration::from_secs(60));
        assert!(self.0.lookups_ended([(record, Ok(found))].into_iter()));
        self
    }

    /// The lookups of these records have failed for these reasons.
    fn fails<const N: usize>(&mut self, failures: [(Record, Cause); N]) -> &mut Self {
        let question = |record| Question::new(name_of("a.example").unwrap(), record);
        let outcomes = failures
            .into_iter()
            .map(|(record, cause)| (record, Err(DnsError::new(&question(record), cause))));
        assert!(self.0.lookups_ended(outcomes));
        self
    }
}

fn line(answer: &DnsAnswer) -> String {
    let provisional = if answer.is_provisional() { "provisional " } else { "" };
    let record = answer.record();
    let result = match answer.error() {
        Some(error) => format!("{:?}", error.kind()),
        None => {
            let addresses: Vec<_> = answer.addresses().map(ToString::to_string).collect();
            if addresses.is_empty() { "none".to_owned() } else { addresses.join(" ") }
        }
    };
    format!("{provisional}{record} {result}")
}

fn unreadable() -> FileError {
    // A directory is not a file.
    let file = WatchedFile::switch(std::env::temp_dir());
    futures_lite::future::block_on(file.get(Instant::now())).unwrap_err()
}

use Cause::{Circle, NoAddress, NotFound};
use Record::{A, Aaaa};

#[test]
fn the_hosts_file_answers_for_both_families_and_nothing_else_is_done() {
    let mut script = Script::before("a.example", Families::Any);
    script.does(&["ReadSwitch"]);
    script.0.switch(Ok(&Switch::default()));
    script.does(&["ReadHosts"]).hosts("192.0.2.9 a.example\n2001:db8::9 a.example\n");
    script.does(&["all 192.0.2.9:80 [2001:db8::9]:80", "Done"]);
}

#[test]
fn servers_that_are_last_are_heard_family_by_family() {
    let mut script = Script::new("files dns", "a.example");
    script.does(&["ReadHosts"]).hosts("192.0.2.9 b.example\n").does(&["ReadConfig"]).config("");
    script.does(&["begin a.example (AAAA), a.example (A)"]).does(&["AwaitLookups"]);
    script.fails([(Aaaa, NoAddress)]).does(&["AAAA none", "AwaitLookups"]);
    script.finds(A, &["192.0.2.1"]).does(&["A 192.0.2.1:80", "Done"]);
}

#[test]
fn servers_that_are_first_are_held_back_until_what_follows_is_known() {
    let mut script = Script::new("dns files", "a.example");
    script.does(&["ReadConfig"]).config("").does(&["begin a.example (AAAA), a.example (A)"]);
    // This half may change what the switch requires, so it waits.
    script.fails([(Aaaa, NoAddress)]).does(&["AwaitLookups"]);
    script.finds(A, &["192.0.2.1"]).does(&["AAAA none", "A 192.0.2.1:80", "Done"]);

    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    // An address is the success that ends the lookup. Later results are returned when they come.
    script.finds(Aaaa, &["2001:db8::1"]).does(&["AAAA [2001:db8::1]:80", "AwaitLookups"]);
    script.fails([(A, NoAddress)]).does(&["A none", "Done"]);
}

#[test]
fn a_name_that_a_does_not_have_is_left_to_the_hosts_file_without_waiting_for_aaaa() {
    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.fails([(A, NotFound)]).does(&["ReadHosts"]).hosts("");
    script.does(&["AAAA NotFound", "A NotFound", "Done"]);
}

#[test]
fn a_failure_of_servers_is_provisional_if_the_hosts_file_has_the_name() {
    let mut script = Script::new("dns files", "a.example");
    script.config("").does(&["begin a.example (AAAA), a.example (A)"]);
    script.fails([(Aaaa, Circle), (A, NoAddress)]).does(&["ReadHosts"]);
    script.hosts("192.0.2.9 a.example\n");
    script.does(&["provisional AAAA Malformed", "all 192.0.2.9:80", "Done"]);
}

#[test]
fn the_search_list_is_walked_before_a_result_counts() {
    let mut script = Script::new("dns files", "a");
    script.config("search x.test\n").does(&["begin a.x.test (AAAA), a.x.test (A)"]);
    script.fails([(A, NotFound)]).does(&["begin a (AAAA), a (A)"]);
    script.fails([(Aaaa, NotFound), (A, NotFound)]).does(&["ReadHosts"]);
}

#[test]
fn without_aaaa_the_lookup_of_a_is_for_both_families_and_is_made_once() {
    let mut script = Script::new("dns", "a.example");
    script.config("options no-aaaa\n").does(&["begin a.example (A)"]);
    script.finds(A, &["192.0.2.1"]).does(&["AAAA none", "A 192.0.2.1:80", "Done"]);

    // The same if only IPv6 has a route.
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
    script.does(&["provisional A Other", "ReadHosts"]);
    script.0.hosts(Err(unreadable()));
    script.does(&["provisional A Other", "ReadConfig"]);
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
    script.finds(A, &["192.0.2.1"]).does(&["ReadHosts"]).hosts("").does(&["all NotFound", "Done"]);
}

#[test]
fn localhost_is_told_at_once_and_what_is_known_of_the_hosts_file_adds_to_it() {
    let mut script = Script::before("localhost", Families::Any);
    script.does(&["PeekHosts"]).0.localhost(None);
    script.does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);

    let mut script = Script::before("localhost", Families::Ipv4);
    let file = b"127.0.0.1 localhost\n::2 localhost\n127.0.1.1 localhost\n";
    let hosts = Hosts::parse(file, &Environment::new()).value;
    script.0.localhost(Some(&hosts));
    script.does(&["A 127.0.0.1:80 127.0.1.1:80", "Done"]);
}

#[test]
fn a_name_below_localhost_is_left_to_the_hosts_file_and_never_to_servers() {
    for sources in ["files dns", "dns files", "dns [NOTFOUND=return] files"] {
        let mut script = Script::new(sources, "a.localhost");
        script
            .does(&["ReadHosts"])
            .hosts("192.0.2.9 a.localhost\n")
            .does(&["all 192.0.2.9:80", "Done"]);
        let mut script = Script::new(sources, "a.localhost");
        script.does(&["ReadHosts"]).hosts("").does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);
    }
    Script::new("dns", "a.localhost").does(&["AAAA [::1]:80", "A 127.0.0.1:80", "Done"]);
}

#[test]
fn what_is_fixed_by_decree_takes_the_place_of_servers() {
    for sources in ["files dns", "files"] {
        let mut script = Script::new(sources, "a.invalid");
        script.does(&["ReadHosts"]).hosts("").does(&["AAAA NotFound", "A NotFound", "Done"]);
    }
    let mut script = Script::new("dns files", "a.invalid");
    script.does(&["ReadHosts"]).hosts("192.0.2.9 a.invalid\n").does(&["all 192.0.2.9:80", "Done"]);
}
