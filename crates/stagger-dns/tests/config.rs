//! `Config` agrees with the `resolv-conf` crate on files that both should take.

use proptest::collection::vec;
use proptest::prelude::*;
use stagger_dns::{Config, Environment};

fn line() -> impl Strategy<Value = String> {
    let domain = "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}";
    let option = prop_oneof![
        (0..=15_u32).prop_map(|n| format!("ndots:{n}")),
        (1..=30_u32).prop_map(|n| format!("timeout:{n}")),
        (1..=5_u32).prop_map(|n| format!("attempts:{n}")),
        Just("rotate".to_owned()),
        Just("use-vc".to_owned()),
        Just("edns0".to_owned()),
        Just("trust-ad".to_owned()),
    ];
    prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| format!("nameserver {ip}")),
        // One bit is set, so that none is a v4-mapped address.
        any::<u128>()
            .prop_map(|bits| std::net::Ipv6Addr::from_bits(bits | 1 << 127))
            .prop_map(|ip| format!("nameserver  {ip}\t")),
        domain.prop_map(|name| format!("domain {name}")),
        vec(domain, 1..4).prop_map(|names| format!("search {}", names.join("  "))),
        vec(option, 1..4).prop_map(|options| format!("options\t{}", options.join(" "))),
        Just("# nameserver 192.0.2.1".to_owned()),
        Just("; search no".to_owned()),
        Just(String::new()),
    ]
}

proptest! {
    #[test]
    fn what_resolv_conf_reads_is_read_the_same(lines in vec(line(), 0..15)) {
        let file = lines.join("\n");
        let ours = Config::parse(file.as_bytes(), &Environment::new()).value;
        let theirs = resolv_conf::Config::parse(&file).unwrap();

        let servers: Vec<_> = ours.servers().iter().map(|server| server.ip()).collect();
        let mut their_servers: Vec<std::net::IpAddr> = Vec::new();
        for ip in theirs.nameservers.iter().map(|ip| ip.clone().into()) {
            // A server on two lines is one server here.
            if !their_servers.contains(&ip) {
                their_servers.push(ip);
            }
        }
        if their_servers.is_empty() {
            their_servers.push([127, 0, 0, 1].into());
        }
        prop_assert_eq!(servers, their_servers);
        let search: Vec<_> = theirs.get_last_search_or_domain().cloned().collect();
        prop_assert_eq!(ours.search(), search);
        prop_assert_eq!(
            (ours.ndots(), ours.timeout().as_secs(), ours.attempts()),
            (theirs.ndots, theirs.timeout.into(), theirs.attempts)
        );
        prop_assert_eq!(
            (ours.rotate(), ours.use_vc()),
            (theirs.rotate, theirs.use_vc)
        );
    }
}
