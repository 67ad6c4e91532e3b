//! The order of addresses, compared with `getaddrinfo`, in its own network.
//!
//! Each resolver runs in its own process of the command, because `getaddrinfo` reads `gai.conf`
//! once.

use std::fs;
use std::path::Path;

use crate::namespace::{Temporary, inside, replace, sh};
use crate::run::stagger;
use crate::skip::skip;

/// A network with a subnet of each family, a default route, a unique local prefix and 6to4.
const NETWORK: &str = "
    ip link add out0 type veth peer name out1
    ip link set out0 up
    ip link set out1 up
    ip address add 192.0.2.7/24 dev out0
    ip address add 2001:db8:7::7/64 dev out0 nodad
    ip address add fd00:7::7/64 dev out0 nodad
    ip route add default via 192.0.2.1
    ip -6 route add default via 2001:db8:7::1";

/// Addresses of every kind: near and far, of each label, and some without a route.
const HOSTS: &str = "\
198.51.100.1 all.test
2001:db8:1::1 all.test
fd00:9::1 all.test
2002:c000:201::1 all.test
192.0.2.99 all.test
fe80::1 all.test
10.1.1.1 all.test
127.0.0.9 all.test
2001:0:1::1 all.test
::1 all.test
192.0.2.8 all.test
2001:db8:7::9 all.test
169.254.3.3 all.test
fd00:7::9 all.test
127.0.0.2 all.test
2001:db8:7:0:1::9 all.test
203.0.113.9 all.test
fec0::1 all.test
";

/// Files: some change the order, and some are ignored in part.
const FILES: [&str; 32] = [
    "",
    "# precedence ::ffff:0:0/96 100\n",
    "precedence ::ffff:0:0/96 100\n",
    "  precedence\t::ffff:0:0/96   100 # IPv4 first\r\n",
    "precedence ::ffff:0:0/96 100",
    "precedence ::ffff:0:0/96 2147483647\n",
    "precedence ::ffff:0:0/96 2147483648\n",
    "precedence ::ffff:0:0/96 -1\n",
    "precedence ::ffff:0:0/96 +100\nprecedence ::ffff:0:0/96 1\n",
    "precedence ::ffff:0:0/96 1\nprecedence ::ffff:0:0/96 100\n",
    "precedence ::ffff:0:0/96\n",
    "precedence ::ffff:0:0/96 0x64\n",
    "precedence ::ffff:0:0/ 100\n",
    "PRECEDENCE ::ffff:0:0/96 100\n",
    "precedence 192.0.2.0/24 100\n",
    "precedence ::ffff:192.0.2.1/120 100\n",
    "precedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 40\n",
    "precedence ::/0 40\nlabel ::/0 1\n",
    "precedence ::/0 10\n",
    "precedence fd00::/8 60\nprecedence 2002::/16 50\n",
    "label 2001:db8::/32 9\n",
    "label fc00::/7 1\nlabel fd00:9::/32 1\n",
    "label ::/0 1\nlabel ::ffff:0:0/96 2\nlabel ::ffff:192.0.2.0/120 3\n",
    "label 2001:db8:1::/48 2147483647\nlabel ::1/128 0\n",
    "scopev4 192.0.2.0/24 2\n",
    "scopev4 ::ffff:192.0.2.0/120 2\nscopev4 ::ffff:0:0/96 14\n",
    "scopev4 198.51.100.1/32 5\nscopev4 127.0.0.0/8 14\n",
    "scopev4 10.0.0.0/8 5\nscopev4 10.1.1.0/24 14\nscopev4 10.0.0.0/33 1\n",
    "scopev4 0.0.0.0/0 2\n",
    "reload yes\nprecedence ::ffff:0:0/96 100\n",
    "garbage\n\x01\x02 \x7f\nlabel\nprecedence\nscopev4\nreload\nlabel x 1\n",
    "precedence ::ffff:0:0/96 100\0 is cut\nlabel ::/0 1\n",
];

/// Sets up the network and the hosts above. Lookups read only the hosts file, the switch and
/// `gai.conf`. `None` outside the namespaces, and without a `gai.conf`.
fn machine(test: &str) -> Option<[Temporary; 3]> {
    if !inside(test) {
        return None;
    }
    if !Path::new("/etc/gai.conf").exists() || !cfg!(target_env = "gnu") {
        skip("there is no gai.conf");
        return None;
    }
    sh(NETWORK);
    let hosts = replace("/etc/hosts", HOSTS);
    let switch = replace("/etc/nsswitch.conf", "hosts: files\n");
    Some([hosts, switch, replace("/etc/gai.conf", "")])
}

#[test]
fn both_resolvers_sort_by_gai_conf_in_one_order() {
    let Some([_hosts, _switch, file]) =
        machine("order::both_resolvers_sort_by_gai_conf_in_one_order")
    else {
        return;
    };
    let mut orders = Vec::new();
    for text in FILES {
        fs::write(file.path(), text).unwrap();
        let resolve = |resolver: &str| {
            let args = ["resolve", "all.test:80", "--order", "resolver", "--resolver", resolver];
            let run = stagger(&args);
            assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{text:?}: {run:?}");
            run.out
        };
        let (system, dns) = (resolve("system"), resolve("dns"));
        // The address without a zone is skipped.
        assert_eq!(system.lines().count(), HOSTS.lines().count() - 1);
        assert_eq!(dns, system, "{text:?}");
        orders.push(system);
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 12, "the files make {} orders", orders.len());
}

/// In these files two families are never equal. Otherwise the comparison is not an order, and
/// sorting twice may differ.
const EXPLAINED: [&str; 6] = [
    "",
    "precedence ::ffff:0:0/96 100\n",
    "precedence fd00::/8 60\nprecedence 2002::/16 50\nprecedence ::ffff:0:0/96 10\n",
    "label 2001:db8::/32 9\n",
    "scopev4 192.0.2.0/24 2\n",
    "garbage\n",
];

#[test]
fn the_order_that_is_explained_is_the_one_of_gai_conf() {
    let Some([_hosts, _switch, file]) =
        machine("order::the_order_that_is_explained_is_the_one_of_gai_conf")
    else {
        return;
    };
    for text in EXPLAINED {
        fs::write(file.path(), text).unwrap();
        let system = stagger(&["resolve", "all.test:80", "--order", "resolver"]).out;
        for (order, note) in [("resolver", false), ("alternate", true)] {
            let words = ["resolve", "all.test:80", "--explain", "--json", "--order", order];
            let object = stagger(&words).json();
            let placed = object["order"]["addresses"].as_array().unwrap();
            let sorted: Vec<_> =
                placed.iter().map(|placed| placed["address"].as_str().unwrap()).collect();
            assert_eq!(sorted, system.lines().collect::<Vec<_>>(), "{text:?}");
            let is_noted = object["order"]["note"].is_string();
            assert_eq!(is_noted, note, "{text:?}: {object}");
        }
    }
}
