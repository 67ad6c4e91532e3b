//! Every setting can be read back.

mod support;

use stagger::sort::Sorter;
use stagger_dns::resolve::Numeric;
use stagger_dns::{Config, DnsResolver, Environment, Hosts, ServerPolicy, Switch, WatchedFile};
use stagger_testkit::Clock;

use support::{Servers, config, silence};

fn resolver() -> DnsResolver<Servers, Clock> {
    let clock = Clock::new();
    let servers = Servers::new(&clock, |_| silence());
    DnsResolver::new(config(1), servers, clock)
}

#[test]
fn a_resolver_reads_back_the_values_that_it_was_given() {
    let hosts = Hosts::parse(b"192.0.2.1 a", &Environment::new()).value;
    let switch: Switch = "dns files".parse().unwrap();
    let policy = ServerPolicy::new().with_failures_remembered(false);
    let resolver = resolver();
    assert_eq!((resolver.cache_capacity(), resolver.lingering()), (1024, false));
    assert_eq!((resolver.only_connected(), resolver.route_preference()), (false, false));
    assert_eq!((resolver.hosts(), resolver.sorter()), (None, None));
    assert_eq!(resolver.server_policy(), ServerPolicy::new());
    assert_eq!(resolver.switch(), Some(&Switch::default()));

    let resolver = resolver
        .with_literals(Numeric)
        .with_config(config(2))
        .with_hosts(hosts.clone())
        .with_switch(switch.clone())
        .with_cache_capacity(7)
        .with_lingering(true)
        .with_server_policy(policy)
        .with_only_connected(true)
        .with_route_preference(true)
        .with_sorter(Sorter::glibc());
    let Numeric = resolver.literals();
    assert_eq!(resolver.config(), Some(&config(2)));
    assert_eq!(resolver.hosts(), Some(&hosts));
    assert_eq!(resolver.switch(), Some(&switch));
    assert_eq!((resolver.cache_capacity(), resolver.lingering()), (7, true));
    assert_eq!(resolver.server_policy(), policy);
    assert_eq!((resolver.only_connected(), resolver.route_preference()), (true, true));
    assert_eq!(resolver.sorter(), Some(&Sorter::glibc()));

    let resolver = resolver.without_hosts().without_sorter();
    assert_eq!((resolver.hosts(), resolver.sorter()), (None, None));
}

#[test]
fn a_resolver_reads_back_the_files_that_it_was_given() {
    let resolver = resolver();
    assert!(resolver.config_file().is_none() && resolver.hosts_file().is_none());
    assert!(resolver.switch_file().is_none() && resolver.address_policy_file().is_none());

    let resolver = resolver
        .with_config_file(WatchedFile::config("/a", Environment::new()))
        .with_hosts_file(WatchedFile::hosts("/b", Environment::new()))
        .with_switch_file(WatchedFile::switch("/c"))
        .with_address_policy_file(WatchedFile::address_policy("/d"));
    assert_eq!(resolver.config_file().unwrap().path().to_str(), Some("/a"));
    assert_eq!(resolver.hosts_file().unwrap().path().to_str(), Some("/b"));
    assert_eq!(resolver.switch_file().unwrap().path().to_str(), Some("/c"));
    assert_eq!(resolver.address_policy_file().unwrap().path().to_str(), Some("/d"));
    // A file takes the place of a value, and a value that of a file.
    assert_eq!((resolver.config(), resolver.switch()), (None, None));
    assert!(resolver.with_config(Config::new()).config_file().is_none());
}

#[test]
fn an_environment_reads_back_its_values_and_unsets_them() {
    let environment = Environment::new()
        .with_host_name("www.example.com")
        .with_local_domain("example.org")
        .with_res_options("ndots:2");
    assert_eq!(environment.host_name(), Some("www.example.com"));
    assert_eq!(environment.local_domain(), Some("example.org"));
    assert_eq!(environment.res_options(), Some("ndots:2"));

    let environment = environment.without_host_name().without_local_domain().without_res_options();
    assert_eq!(environment.host_name(), None);
    assert_eq!(environment.local_domain(), None);
    assert_eq!(environment.res_options(), None);
}
