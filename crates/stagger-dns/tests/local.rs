//! Names below `.local`, and those of a pod of Kubernetes.

mod support;

use std::io;

use hickory_proto::op::ResponseCode::NXDomain;
use stagger::error::LookupErrorKind;
use stagger::resolve::Families;
use stagger_dns::{Config, Environment, Hosts, Switch};
use support::{Asked, Replies, Scene, after, config, line};

const MULTICAST: &str = "files mdns4_minimal [NOTFOUND=return] dns";

/// Servers that have an address for every name below `local`.
fn known(asked: &Asked) -> Replies {
    match asked.is_aaaa() {
        true => after(10, asked.nothing(NXDomain)),
        false => after(10, asked.found(&["192.0.2.1"])),
    }
}

/// A resolver with this switch.
fn switched(config: Config, sources: &str, script: impl Fn(&Asked) -> Replies + 'static) -> Scene {
    let mut scene = Scene::new(config, script);
    let hosts = Hosts::parse(b"192.0.2.9 listed.local\n", &Environment::new()).value;
    let switch = Switch::parse(format!("hosts: {sources}\n").as_bytes()).value;
    scene.resolver = scene.resolver.with_hosts(hosts).with_switch(switch);
    scene
}

fn search(domains: &[&str]) -> Config {
    config(1).with_search(domains).unwrap()
}

#[test]
fn a_name_below_local_is_asked_for_as_the_machine_does() {
    let corp = || config(1).with_unicast_domains(["corp.local"]).unwrap();
    for (config, sources, name, is_asked) in [
        // No source for multicast DNS is before the servers.
        (config(1), "files dns", "printer.local", true),
        (config(1), "dns mdns4_minimal files", "printer.local", true),
        (config(1), "files mdns4 [NOTFOUND=return] dns", "printer.local.", true),
        (config(1), MULTICAST, "printer.local", false),
        (config(1), MULTICAST, "a.printer.LOCAL.", false),
        (config(1), "mdns_minimal dns", "printer.local", false),
        (config(1), "files mdns6_minimal [NOTFOUND=return] resolve dns", "printer.local", false),
        // The name ends in a domain of a list.
        (search(&["cluster.local"]), MULTICAST, "db.prod.cluster.local", true),
        (search(&["local"]), MULTICAST, "printer.local", true),
        (search(&["xprinter.local", "example"]), MULTICAST, "printer.local", false),
        (corp(), MULTICAST, "db.corp.local", true),
        (corp(), MULTICAST, "db.xcorp.local", false),
        // The name is not below that domain.
        (config(1), MULTICAST, "printer.local.example", true),
        (config(1), MULTICAST, "local", true),
        (search(&["corp.local"]), MULTICAST, "db", true),
    ] {
        let scene = switched(config, sources, known);
        let answer_lines = scene.resolve(&format!("{name}:80"), Families::Ipv4);
        let expected = if is_asked { "10 A 192.0.2.1:80" } else { "0 A Refused" };
        assert_eq!((sources, name, line(&answer_lines[0])), (sources, name, expected.to_owned()));
        assert_eq!((answer_lines.len(), scene.servers.log().is_empty()), (1, !is_asked));
    }
}

#[test]
fn a_name_that_is_left_to_multicast_dns_is_an_error_that_says_why_and_what_to_do() {
    let scene = switched(search(&["example"]), MULTICAST, known);
    let error = scene.error("printer.local");
    assert_eq!(error.kind(), LookupErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "the lookup was refused: names below .local are left to multicast DNS, because \
         nsswitch.conf has an mdns source before dns: to ask name servers, add the domain to the \
         search list"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Unsupported);
    // The hosts file is still asked, before or after.
    for sources in [MULTICAST, "mdns4_minimal dns files"] {
        let scene = switched(config(1), sources, known);
        let lines = scene.lines("listed.local:80");
        assert_eq!(lines.last().unwrap(), "0 all 192.0.2.9:80");
        assert!(scene.servers.log().is_empty());
    }
}

/// The servers of a cluster, and of the public Internet.
fn cluster(asked: &Asked) -> Replies {
    let address = match asked.name.as_str() {
        "db.default.svc.cluster.local." => "10.96.0.1",
        "db.prod.svc.cluster.local." => "10.96.0.2",
        "alt.prod.svc.cluster.local." => "10.96.0.3",
        "www.example.com." => "192.0.2.80",
        _ => return after(10, asked.nothing(NXDomain)),
    };
    match asked.is_aaaa() {
        true => after(10, asked.nothing(hickory_proto::op::ResponseCode::NoError)),
        false => after(10, asked.found(&[address])),
    }
}

#[test]
fn the_names_of_a_pod_of_kubernetes_are_found_where_getaddrinfo_finds_them() {
    let file = b"nameserver 192.0.2.1\nsearch default.svc.cluster.local svc.cluster.local \
                 cluster.local\noptions ndots:5\n";
    let config = Config::parse(file, &Environment::new()).value;
    for sources in ["files dns", MULTICAST] {
        for (name, questions, address) in [
            ("db", 1, Some("10.96.0.1")),
            ("db.prod", 2, Some("10.96.0.2")),
            ("db.prod.svc", 3, Some("10.96.0.2")),
            ("db.prod.svc.cluster.local", 4, Some("10.96.0.2")),
            ("db.prod.svc.cluster.local.", 1, Some("10.96.0.2")),
            ("www.example.com", 4, Some("192.0.2.80")),
            ("www.example.com.", 1, Some("192.0.2.80")),
            ("none", 4, None),
            ("none.prod", 4, None),
        ] {
            let scene = switched(config.clone(), sources, cluster);
            let answer_lines = scene.resolve(&format!("{name}:80"), Families::Ipv4);
            let found: Vec<_> =
                answer_lines[0].1.addresses().map(|addr| addr.ip().to_string()).collect();
            assert_eq!(found, Vec::from_iter(address), "{sources} {name}");
            assert_eq!((name, scene.servers.log().len()), (name, questions));
        }
    }
}
