//! The groups that are joined.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::IpAddr;

use stagger_net::{Register, UdpSocket};

use super::addr::{family, interface, interface_name};
use crate::address::check_zone_is_bare;
use crate::usage::UsageError;
use stagger::text::with_causes;

const JOIN: &str = "--join";
const SOURCE: &str = "--source";

/// A group on an interface: all that is sent to it, or only what some hosts send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) addr: IpAddr,
    /// 0 leaves the choice to the system.
    pub(super) interface: u32,
    /// All senders if it is empty.
    pub(super) sources: Vec<IpAddr>,
}

impl Group {
    /// Reads groups. Each is joined for the sources of its family.
    ///
    /// # Errors
    ///
    /// A text that is not a group or not a source, an unknown interface, and a group or a source
    /// without the other of its family.
    pub(super) fn read(groups: &[String], sources: &[String]) -> Result<Vec<Self>, UsageError> {
        let all = sources.iter().map(|text| source(text)).collect::<Result<Vec<_>, _>>()?;
        let mut joined = Vec::new();
        for text in groups {
            let (addr, interface) = group(text)?;
            let sources = all.iter().filter(|source| source.is_ipv4() == addr.is_ipv4());
            let sources: Vec<_> = sources.copied().collect();
            if sources.is_empty() && !all.is_empty() {
                let family = family(addr);
                let reason = format!("an {family} group, but no {SOURCE} is an {family} address");
                return Err(UsageError::new(JOIN, text, reason));
            }
            joined.push(Self { addr, interface, sources });
        }
        for (text, source) in sources.iter().zip(&all) {
            if !joined.iter().any(|group| group.sources.contains(source)) {
                let family = family(*source);
                let reason = format!("an {family} address, but no {JOIN} is an {family} group");
                return Err(UsageError::new(SOURCE, text, reason));
            }
        }
        Ok(joined)
    }

    /// Joins the group.
    ///
    /// # Errors
    ///
    /// The system's error, in a line with the group.
    pub(super) fn join<R>(&self, socket: &UdpSocket<R>) -> Result<(), String>
    where
        R: Register<std::net::UdpSocket>,
    {
        let joined = match &self.sources[..] {
            [] => socket.join_multicast(self.addr, self.interface),
            sources => sources.iter().try_for_each(|source| self.join_source(socket, *source)),
        };
        joined.map_err(|error| self.unjoined(&error))
    }

    fn unjoined(&self, error: &io::Error) -> String {
        // The step repeats the group. With several sources it says which of them failed.
        match error.source().filter(|_| self.sources.len() <= 1) {
            Some(cause) => format!("cannot join {self}: {}", with_causes(cause)),
            None => format!("cannot join {self}: {}", with_causes(error)),
        }
    }

    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn join_source<R>(&self, socket: &UdpSocket<R>, source: IpAddr) -> io::Result<()>
    where
        R: Register<std::net::UdpSocket>,
    {
        socket.join_multicast_source(self.addr, source, self.interface)
    }

    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    fn join_source<R>(&self, _: &UdpSocket<R>, _: IpAddr) -> io::Result<()>
    where
        R: Register<std::net::UdpSocket>,
    {
        let reason = "only Linux and Android can join a group for one source";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        if self.interface != 0 {
            write!(f, " on {}", interface_name(self.interface))?;
        }
        for (place, source) in self.sources.iter().enumerate() {
            write!(f, "{} {source}", if place == 0 { " for" } else { " and" })?;
        }
        Ok(())
    }
}

/// Reads a group and the number of its interface.
fn group(text: &str) -> Result<(IpAddr, u32), UsageError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let (addr, name) = match bare.split_once('%') {
        Some((addr, name)) => (addr, Some(name)),
        None => (bare, None),
    };
    let addr = addr.parse::<IpAddr>().map_err(|_| {
        let reason = "not a multicast group; write one as in 239.255.7.9%eth0 or ff02::1%eth0";
        UsageError::new(JOIN, text, reason)
    })?;
    let addr = addr.to_canonical();
    if !addr.is_multicast() {
        return Err(UsageError::new(JOIN, text, "the address of a host, not of a multicast group"));
    }
    check_zone_is_bare(JOIN, text)?;
    let index = name.map_or(Ok(0), |name| interface(JOIN, text, name))?;
    Ok((addr, index))
}

/// Reads the address of a host.
fn source(text: &str) -> Result<IpAddr, UsageError> {
    match text.parse::<IpAddr>().map(|addr| addr.to_canonical()) {
        Ok(addr) if addr.is_multicast() => {
            Err(UsageError::new(SOURCE, text, "the address of a multicast group, not of a host"))
        }
        Ok(addr) => Ok(addr),
        Err(_) => {
            Err(UsageError::new(SOURCE, text, "not an IP address; write one as in 192.0.2.7"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(groups: &[&str], sources: &[&str]) -> Result<Vec<String>, String> {
        let [groups, sources] = [groups, sources]
            .map(|texts| texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let read = Group::read(&groups, &sources).map_err(|error| error.to_string())?;
        Ok(read.iter().map(ToString::to_string).collect())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_group_has_an_interface_by_name_or_number_or_none_and_the_sources_of_its_family() {
        for (group, shown) in [
            ("239.255.7.9", "239.255.7.9"),
            ("239.255.7.9%lo", "239.255.7.9 on lo"),
            ("ff02::1%1", "ff02::1 on lo"),
            ("[ff02::1%lo]", "ff02::1 on lo"),
        ] {
            assert_eq!(read(&[group], &[]).unwrap(), [shown]);
        }
        let both = read(&["232.1.2.3", "ff3e::1%lo"], &["192.0.2.7", "2001:db8::7", "192.0.2.8"]);
        let shown = ["232.1.2.3 for 192.0.2.7 and 192.0.2.8", "ff3e::1 on lo for 2001:db8::7"];
        assert_eq!(both.unwrap(), shown);
    }

    #[test]
    fn what_is_no_group_or_no_source_of_its_family_is_refused_and_quoted() {
        for (groups, sources, error) in [
            (&["host"][..], &[][..], "bad --join \"host\": not a multicast group"),
            (&["ff02::1%25lo"], &[], "bad --join \"ff02::1%25lo\": the zone follows \"%25\""),
            (&["192.0.2.7"], &[], "bad --join \"192.0.2.7\": the address of a host"),
            (&["ff02::1%"], &[], "bad --join \"ff02::1%\": "),
            (&["232.1.2.3"], &["host"], "bad --source \"host\": not an IP address"),
            (
                &["232.1.2.3"],
                &["232.1.2.4"],
                "bad --source \"232.1.2.4\": the address of a multicast group",
            ),
            (
                &["232.1.2.3"],
                &["::1"],
                "bad --join \"232.1.2.3\": an IPv4 group, but no --source is an IPv4 address",
            ),
            (
                &["232.1.2.3"],
                &["192.0.2.7", "::1"],
                "bad --source \"::1\": an IPv6 address, but no --join",
            ),
        ] {
            let found = read(groups, sources).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
