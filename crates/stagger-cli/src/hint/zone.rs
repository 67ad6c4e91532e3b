//! The network interfaces that a zone can name.

use std::collections::BTreeMap;

use getifaddrs::InterfaceFlags;

use crate::escape::printable;

/// How many interfaces a message lists.
const MAX_LISTED: usize = 8;

/// An interface of this machine.
#[derive(Debug)]
struct Interface {
    name: String,
    is_up: bool,
    /// It has an address that is valid on its link only.
    has_link_local: bool,
}

/// Why a link-local address without a zone is wrong, with the interfaces that can be its zone.
pub(crate) fn missing() -> String {
    missing_among(&interfaces())
}

/// Why a zone or an interface is wrong that is not the name or the number of one of this machine.
pub(crate) fn unknown(name: &str) -> String {
    unknown_among(name, &interfaces())
}

fn missing_among(interfaces: &[Interface]) -> String {
    let choices = [
        |interface: &&Interface| interface.is_up && interface.has_link_local,
        |interface: &&Interface| interface.is_up,
        |_: &&Interface| true,
    ];
    let choices = choices.map(|choice| interfaces.iter().filter(choice).collect::<Vec<_>>());
    let choice = choices.into_iter().find(|choice| !choice.is_empty()).unwrap_or_default();
    format!("a link-local address needs a zone, as in fe80::1%eth0{}", list(&choice))
}

fn unknown_among(name: &str, interfaces: &[Interface]) -> String {
    let what =
        if name.bytes().all(|byte| byte.is_ascii_digit()) { "has the number" } else { "is named" };
    let all: Vec<_> = interfaces.iter().collect();
    format!("no network interface {what} {name:?}{}", list(&all))
}

/// The end of a message, with the interfaces to choose from.
fn list(interfaces: &[&Interface]) -> String {
    let names: Vec<_> =
        interfaces.iter().take(MAX_LISTED).map(|interface| printable(&interface.name)).collect();
    let more = if interfaces.len() > MAX_LISTED { ", …" } else { "" };
    match &names[..] {
        [] => String::new(),
        [name] => format!("; the only one here is {name}"),
        names => format!("; choose from {}{more}", names.join(", ")),
    }
}

/// The interfaces of this machine in the order of their numbers; none if the system does not say.
fn interfaces() -> Vec<Interface> {
    let mut interfaces = BTreeMap::new();
    for found in getifaddrs::getifaddrs().into_iter().flatten() {
        let key = (found.index.unwrap_or(u32::MAX), found.name.clone());
        let interface = interfaces.entry(key).or_insert_with(|| Interface {
            name: found.name.clone(),
            is_up: false,
            has_link_local: false,
        });
        interface.is_up |= found.flags.contains(InterfaceFlags::UP);
        interface.has_link_local |= match found.address.ip_addr() {
            Some(std::net::IpAddr::V6(addr)) => addr.is_unicast_link_local(),
            _ => false,
        };
    }
    interfaces.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, is_up: bool, has_link_local: bool) -> Interface {
        Interface { name: name.to_owned(), is_up, has_link_local }
    }

    #[test]
    fn the_interfaces_with_link_local_addresses_are_listed_if_there_are_any() {
        let needs = "a link-local address needs a zone, as in fe80::1%eth0";
        let (lo, down) = (interface("lo", true, false), interface("down0", false, false));
        assert_eq!(missing_among(&[]), needs);
        let all = [down, lo];
        assert_eq!(missing_among(&all), format!("{needs}; the only one here is lo"));
        let [down, lo] = all;
        assert_eq!(missing_among(&[down]), format!("{needs}; the only one here is down0"));
        let linked = [lo, interface("eth0", true, true), interface("wlan0", true, true)];
        assert_eq!(missing_among(&linked), format!("{needs}; choose from eth0, wlan0"));
    }

    #[test]
    fn a_long_list_is_cut_and_a_name_is_escaped() {
        let many: Vec<_> = (0..9).map(|n| interface(&format!("e{n}"), true, false)).collect();
        let text = unknown_among("nosuch0", &many);
        assert!(
            text.starts_with("no network interface is named \"nosuch0\"; choose from e0, e1, ")
        );
        assert!(text.ends_with(", e7, …"), "{text}");
        let text = unknown_among("77", &[interface("\u{1b}[m", true, false)]);
        assert_eq!(
            text,
            "no network interface has the number \"77\"; the only one here is \\u{1b}[m"
        );
    }

    #[test]
    fn this_machine_has_its_loopback_interface() {
        assert!(interfaces().iter().any(|interface| interface.name.starts_with("lo")));
    }
}
