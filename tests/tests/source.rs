//! What the system says of source addresses and connectivity, in networks made for each test.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;

use stagger::address::Family;
use stagger::sort::{Placed, Rule, Sorter, SourceAddresses as _};
use stagger_net::system::{Connectivity, SystemSourceAddresses, network_key};
use stagger_tests::namespace::{LOOPBACK, etc, shell, within};

macro_rules! name {
    ($name:ident) => {
        concat!(module_path!(), "::", stringify!($name))
    };
}

fn connectivity() -> (bool, bool) {
    let now = Connectivity::now();
    (now.ipv4, now.ipv6)
}

/// The family that the routes prefer, in both ways of asking.
fn preferred() -> Option<Family> {
    let preferred = Connectivity::now().preferred();
    assert_eq!(Connectivity::preferred_now(), preferred);
    preferred
}

fn sort(found: [&str; 2]) -> Vec<Placed> {
    let found = found.map(|text| text.parse::<SocketAddr>().unwrap());
    Sorter::new().sort(found, &SystemSourceAddresses::new())
}

#[test]
fn a_family_is_connected_when_it_has_an_address_that_leads_out() {
    let setup = format!(
        "{LOOPBACK} && ip link add out0 type veth peer name out1 && \
         ip link set out0 up && ip link set out1 up"
    );
    within(name!(a_family_is_connected_when_it_has_an_address_that_leads_out), &setup, || {
        // Loopback, and the link-local address that the interface gives itself.
        assert_eq!(connectivity(), (false, false));
        shell("ip address add 169.254.7.7/16 dev out0");
        assert_eq!(connectivity(), (false, false));
        shell("ip address add 192.0.2.7/24 dev out0");
        assert_eq!(connectivity(), (true, false));
        shell("ip address add fd00:7::7/64 dev out0 nodad");
        assert_eq!(connectivity(), (true, true));
        shell("ip -6 route add default via fd00:7::1");
        assert_eq!(connectivity(), (true, true));
        shell("ip address flush dev out0 && ip address add 2001:db8:7::7/64 dev out0 nodad");
        assert_eq!(connectivity(), (false, true));
        shell("ip link set out0 down");
        assert_eq!(connectivity(), (false, false));
    });
}

#[test]
fn the_preferred_family_follows_the_default_routes() {
    let setup = format!(
        "{LOOPBACK} && ip link add out0 type veth peer name out1 && \
         ip link set out0 up && ip link set out1 up && \
         ip address add 192.0.2.7/24 dev out0 && ip address add fd00:7::7/64 dev out0 nodad"
    );
    within(name!(the_preferred_family_follows_the_default_routes), &setup, || {
        assert_eq!((connectivity(), preferred()), ((true, true), None));
        shell("ip route add default via 192.0.2.1");
        assert_eq!((connectivity(), preferred()), ((true, true), Some(Family::Ipv4)));
        shell("ip -6 route add default via fd00:7::1");
        assert_eq!(preferred(), Some(Family::Ipv6));
        shell("ip route del default");
        assert_eq!(preferred(), Some(Family::Ipv6));
    });
}

#[test]
fn a_source_has_its_prefix_and_says_whether_it_is_deprecated() {
    let setup = format!(
        "{LOOPBACK} && ip link add out0 type veth peer name out1 && \
         ip link set out0 up && ip link set out1 up && \
         ip address add 192.0.2.7/20 dev out0 && \
         ip address add 2001:db8:7::7/56 dev out0 nodad && \
         ip address add 2001:db8:8::8/64 dev out0 nodad preferred_lft 0"
    );
    within(name!(a_source_has_its_prefix_and_says_whether_it_is_deprecated), &setup, || {
        let sources = SystemSourceAddresses::new();
        for (destination, addr, prefix_length, deprecated) in [
            ("192.0.2.9:80", "192.0.2.7", 20, false),
            ("[2001:db8:7::9]:80", "2001:db8:7::7", 56, false),
        ] {
            let source = sources.source(&destination.parse().unwrap()).unwrap();
            assert_eq!(source.addr.to_string(), addr);
            assert_eq!(source.prefix_length, Some(prefix_length));
            assert_eq!(source.deprecated, Some(deprecated));
        }
        assert_eq!(sources.source(&"198.51.100.1:80".parse().unwrap()), None);
        // The kernel itself avoids a deprecated source, unless there is no other.
        shell("ip address del 2001:db8:7::7/56 dev out0");
        let sources = SystemSourceAddresses::new();
        let source = sources.source(&"[2001:db8:8::9]:80".parse().unwrap()).unwrap();
        assert_eq!(source.addr.to_string(), "2001:db8:8::8");
        assert_eq!(source.deprecated, Some(true));
    });
}

#[test]
fn destinations_are_sorted_by_the_system_s_own_sources() {
    let setup = format!(
        "{LOOPBACK} && ip link add out0 type veth peer name out1 && \
         ip link set out0 up && ip link set out1 up && \
         ip address add 192.0.2.7/24 dev out0 && ip route add default via 192.0.2.1"
    );
    within(name!(destinations_are_sorted_by_the_system_s_own_sources), &setup, || {
        let found = ["[2001:db8::1]:443", "198.51.100.1:443"];
        let placed = sort(found);
        assert!(placed[0].address.is_ipv4());
        assert_eq!((placed[1].source, placed[1].rule), (None, Some(Rule::Unusable)));

        shell("ip address add 2001:db8:7::7/64 dev out0 nodad");
        shell("ip -6 route add default via 2001:db8:7::1");
        let placed = sort(found);
        assert!(placed[0].address.is_ipv6());
        assert_eq!(placed[1].rule, Some(Rule::Precedence));

        shell("ip address change 2001:db8:7::7/64 dev out0 preferred_lft 0 valid_lft forever");
        let placed = sort(found);
        assert!(placed[0].address.is_ipv4());
        assert_eq!(placed[1].rule, Some(Rule::Deprecated));
    });
}

#[test]
fn a_mapped_destination_has_an_ipv4_source_where_no_ipv6_socket_takes_it() {
    let name = name!(a_mapped_destination_has_an_ipv4_source_where_no_ipv6_socket_takes_it);
    let setup = format!("{LOOPBACK} && echo 1 > /proc/sys/net/ipv6/bindv6only");
    within(name, &setup, || {
        let found = ["[::ffff:127.0.0.1]:443", "127.0.0.1:443"];
        let sources = sort(found).into_iter().map(|placed| placed.source.unwrap().addr.to_string());
        assert_eq!(sources.collect::<Vec<_>>(), ["127.0.0.1"; 2]);
    });
}

#[test]
fn a_network_is_told_by_its_routes_their_interfaces_and_the_name_servers() {
    let setup = format!(
        "{LOOPBACK} && ip link add out0 type veth peer name out1 && \
         ip link set out0 up && ip link set out1 up"
    );
    let name = name!(a_network_is_told_by_its_routes_their_interfaces_and_the_name_servers);
    within(name, &setup, || {
        let at = "nameserver 192.0.2.1\noptions timeout:1\n";
        let etc = etc(&[("resolv.conf", at)]);
        let mut seen = Vec::new();
        let mut differs = |change: &str| {
            shell(change);
            let network = network_key();
            assert!(!seen.contains(&network), "{change}: it was there before");
            seen.push(network);
        };
        let stays = |change: &str| {
            let before = network_key();
            shell(change);
            assert_eq!(network_key(), before, "{change}");
        };
        differs("true");
        // Without a default route the address says nothing.
        stays("ip address add 192.0.2.7/24 dev out0");
        differs("ip route add default via 192.0.2.1");
        stays("ip address add 2001:db8:7::7/64 dev out0 nodad");
        differs("ip -6 route add default via 2001:db8:7::1");
        // A host takes another address of its network now and then (RFC 8981).
        stays(
            "ip address add 2001:db8:7::8/64 dev out0 nodad && \
             ip address del 2001:db8:7::7/64 dev out0 && \
             ip -6 route replace default via 2001:db8:7::1",
        );
        differs(
            "ip address add 2001:db8:8::8/64 dev out0 nodad && \
             ip address del 2001:db8:7::8/64 dev out0 && \
             ip -6 route replace default via 2001:db8:8::1",
        );
        differs(
            "ip address replace 198.51.100.7/24 dev out0 && \
             ip address del 192.0.2.7/24 dev out0 && \
             ip route replace default via 198.51.100.1",
        );
        differs(
            "ip address flush dev out0 && ip address add 198.51.100.7/24 dev out1 && \
             ip address add 2001:db8:8::8/64 dev out1 nodad && \
             ip route replace default via 198.51.100.1 && \
             ip -6 route replace default via 2001:db8:8::1",
        );
        stays("printf 'options timeout:2\\n nameserver 192.0.2.1\\n' > /etc/resolv.conf");
        differs("echo 'nameserver 192.0.2.2' > /etc/resolv.conf");
        differs("echo > /etc/resolv.conf");
        stays("rm /etc/resolv.conf");
        drop(etc);
    });
}
