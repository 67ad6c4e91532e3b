//! A table of machines and names: `DnsResolver::system` finds what `getaddrinfo` of glibc finds,
//! address by address and in order.
//!
//! Each row is a set of files, environment variables and a host name. The test writes the files to
//! `/etc` of a mount namespace, and resolves each name twice, each time in a new process. A row
//! that differs on purpose says why, and asserts both results.
//!
//! Two addresses of different families have no order where they come in two answers, so there the
//! table compares the order within each family, and which family leads.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod config;
mod hosts;
mod row;
mod search;
mod sort;
mod special;
mod switch;
mod why;
mod zone;

use stagger_tests::namespace::{self, LOOPBACK};

use row::{Row, agree};

/// An interface `aside0` that leads everywhere, with addresses of both families: 192.0.2.9 and
/// 2001:db8::9 (documentation), and fd00:7::9 (unique local).
const BOTH: &str = "ip link set lo up && \
    ip link add aside0 index 77 type veth peer name beyond0 && \
    ip link set aside0 addrgenmode none && ip link set beyond0 addrgenmode none && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 192.0.2.9/24 dev aside0 && \
    ip address add fd00:7::9/64 dev aside0 nodad && \
    ip address add 2001:db8::9/64 dev aside0 nodad && \
    ip route add default via 192.0.2.1 && \
    ip route add default via 2001:db8::1 dev aside0";

/// The same without a global address of IPv6.
const UNIQUE_LOCAL: &str = "ip link set lo up && \
    ip link add aside0 index 77 type veth peer name beyond0 && \
    ip link set aside0 addrgenmode none && ip link set beyond0 addrgenmode none && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 10.0.0.9/8 dev aside0 && \
    ip address add fd00:7::9/64 dev aside0 nodad && \
    ip route add default via 10.0.0.1 && \
    ip route add default via fd00:7::1 dev aside0";

/// An interface with an address of IPv4, and no IPv6 except loopback's.
const IPV4: &str = "ip link set lo up && \
    ip link add aside0 index 77 type veth peer name beyond0 && \
    ip link set aside0 addrgenmode none && ip link set beyond0 addrgenmode none && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 192.0.2.9/24 dev aside0 && \
    ip route add default via 192.0.2.1";

/// An interface with an address of IPv4, and one of IPv6 that is deprecated (RFC 4862 §5.5.4).
const DEPRECATED: &str = "ip link set lo up && \
    ip link add aside0 index 77 type veth peer name beyond0 && \
    ip link set aside0 addrgenmode none && ip link set beyond0 addrgenmode none && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 192.0.2.9/24 dev aside0 && \
    ip address add 2001:db8::9/64 dev aside0 nodad preferred_lft 0 && \
    ip route add default via 192.0.2.1 && \
    ip route add default via 2001:db8::1 dev aside0";

/// An interface with an address of IPv6, and no IPv4 except loopback's.
const IPV6: &str = "ip link set lo up && \
    ip link add aside0 index 77 type veth peer name beyond0 && \
    ip link set aside0 addrgenmode none && ip link set beyond0 addrgenmode none && \
    ip link set aside0 up && ip link set beyond0 up && \
    ip address add 2001:db8::9/64 dev aside0 nodad && \
    ip route add default via 2001:db8::1 dev aside0";

/// Makes a test of rows, on a machine with these interfaces.
macro_rules! table {
    ($(fn $name:ident() { $setup:ident, $rows:expr })*) => {
        $(
            #[test]
            fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                let rows: &[Row] = &$rows;
                namespace::within(test, $setup, || agree(rows));
            }
        )*
    };
}

table! {
    fn resolv_conf_means_what_it_means_to_getaddrinfo() { BOTH, config::ROWS }
    fn a_search_list_leads_to_the_name_that_getaddrinfo_finds() { BOTH, search::ROWS }
    fn a_hosts_file_has_the_names_that_getaddrinfo_finds_in_it() { BOTH, hosts::ROWS }
    fn nsswitch_conf_means_what_it_means_to_getaddrinfo() { BOTH, switch::ROWS }
    fn special_names_are_as_for_getaddrinfo_except_where_an_rfc_says_more() { BOTH, special::ROWS }
    fn addresses_have_the_order_of_getaddrinfo() { BOTH, sort::ROWS }
    fn addresses_have_the_order_of_getaddrinfo_where_ipv6_is_local() { UNIQUE_LOCAL, sort::LOCAL }
    fn addresses_have_the_order_of_getaddrinfo_where_ipv6_is_deprecated() { DEPRECATED, sort::DEPRECATED }
    fn addresses_have_the_order_of_getaddrinfo_where_there_is_no_ipv6() { IPV4, sort::WITHOUT_IPV6 }
    fn addresses_have_the_order_of_getaddrinfo_where_there_is_no_ipv4() { IPV6, sort::WITHOUT_IPV4 }
    fn addresses_have_the_order_of_getaddrinfo_where_there_is_no_route() { LOOPBACK, sort::NOWHERE }
}
