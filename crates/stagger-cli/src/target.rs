//! The target on the command line, and what to write instead of a wrong one.

use std::net::{IpAddr, SocketAddr};

use stagger::Target;
use stagger::target::{Host, TargetError, TargetErrorKind, Zone};
use stagger_net::Interface;

use crate::address::{check_zone, unwanted};
use crate::args::{FamilyName, TargetArgs};
use crate::hint;
use crate::usage::UsageError;

const TARGET: &str = "target";

/// Reads the target, from one word or from two.
///
/// # Errors
///
/// A text that is not a target, and an IP address that no connection can be made to: of a family
/// that is not wanted, without the zone that it needs, or with an unknown zone.
pub(crate) fn target(args: &TargetArgs) -> Result<Target, UsageError> {
    let target = parsed(args)?;
    check(TARGET, &target, args.family)?;
    Ok(target)
}

/// Reads the target of a proxy, which need not be reachable from this machine.
///
/// # Errors
///
/// A text that is not a target.
pub(crate) fn distant(args: &TargetArgs) -> Result<Target, UsageError> {
    parsed(args)
}

/// Checks that this machine can connect to a target, as far as that is known without the network.
///
/// # Errors
///
/// An IP address of a family that is not wanted, without the zone that it needs, or with an
/// unknown zone.
pub(crate) fn check(option: &str, target: &Target, families: FamilyName) -> Result<(), UsageError> {
    let text = target.to_string();
    let (ip, zone) = match target.host() {
        Host::Ipv4(addr) => (IpAddr::from(*addr), None),
        Host::Ipv6 { addr, zone, .. } => (IpAddr::from(*addr), zone.as_ref()),
        Host::Name(_) => return Ok(()),
    };
    if let Some(reason) = unwanted(ip, families) {
        return Err(UsageError::new(option, &text, reason));
    }
    match zone {
        None => check_zone(option, &text, SocketAddr::new(ip, 0)),
        Some(Zone::Name(name)) => check_zone_name(option, &text, name),
        Some(_) => Ok(()),
    }
}

/// The target as a text, even if it is wrong.
pub(crate) fn text(args: &TargetArgs) -> String {
    match (parsed(args), &args.service) {
        (Ok(target), _) => target.to_string(),
        (Err(_), None) => without_login(given(args)),
        (Err(_), Some(service)) => format!("{} {service}", without_login(given(args))),
    }
}

/// A text that is no target, without what may be a password in it.
fn without_login(text: &str) -> String {
    match Target::parse(text) {
        Err(error) if text.contains('@') => {
            let quoted = error.quoted().to_string();
            quoted.trim_matches('"').to_owned()
        }
        _ => text.to_owned(),
    }
}

/// The first word. The command line ensures that there is one.
fn given(args: &TargetArgs) -> &str {
    args.target.as_deref().unwrap_or_default()
}

fn parsed(args: &TargetArgs) -> Result<Target, UsageError> {
    let text = given(args);
    let Some(service) = &args.service else {
        return Target::parse(text)
            .map_err(|error| UsageError::of_target(TARGET, &error, hint(&error, None).as_deref()));
    };
    Target::new(text, service).map_err(|error| match Target::parse(text) {
        Ok(whole) => {
            let reason = format!("the target {whole} has a service already; write one of the two");
            UsageError::new("service", service, reason)
        }
        Err(_) => UsageError::of_target(TARGET, &error, hint(&error, Some(service)).as_deref()),
    })
}

/// Refuses a zone that is not an interface of this machine.
fn check_zone_name(option: &str, text: &str, name: &str) -> Result<(), UsageError> {
    let interface = name.parse::<Interface>().map(|interface| interface.index());
    match interface {
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
            Err(UsageError::new(option, text, hint::zone::unknown(name)))
        }
        // Any other fault is the lookup's to find.
        _ => Ok(()),
    }
}

/// What is wrong with a text, and what to write instead, where this says more than the library.
fn hint(error: &TargetError, service: Option<&str>) -> Option<String> {
    let text = error.input();
    let instead = || hint::url::target(text, service).map(|target| hint::url::typed(&target));
    match error.kind() {
        TargetErrorKind::Url => Some(match instead() {
            Some(target) => format!("this is a URL; write {target}"),
            None => "this is a URL; write its host and its port, as in example.com:443".to_owned(),
        }),
        TargetErrorKind::MissingService
        | TargetErrorKind::InvalidService
        | TargetErrorKind::ForbiddenCharacter
            if hint::url::has_path(text) =>
        {
            Some(match instead() {
                Some(target) => format!("a target has no path; write {target}"),
                None => "a target has no path; write a host and a service, as in \
                         example.com:https"
                    .to_owned(),
            })
        }
        TargetErrorKind::MissingService => {
            let whole = |service| Target::new(text, service).ok();
            Some(match (whole("https"), whole("443")) {
                (Some(name), Some(port)) => {
                    let [name, port] = [name, port].map(|target| hint::url::typed(&target));
                    format!(
                        "the service is missing; write it after a colon, as in {name} or {port}"
                    )
                }
                _ => "the service is missing; write it after a colon, as in example.com:https"
                    .to_owned(),
            })
        }
        TargetErrorKind::EmptyService => {
            Some("nothing follows the colon; write a service or a port there".to_owned())
        }
        TargetErrorKind::InvalidIpv6 if service.is_some() && text.ends_with(':') => {
            Some("a colon ends the host; leave it out before a service".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn read(words: &[&str]) -> Result<String, String> {
        let args = Args::try_parse_from([&["stagger", "resolve"], words].concat()).unwrap();
        let Command::Resolve(args) = args.command else { panic!("{args:?}") };
        target(&args.target).map(|target| target.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_target_is_one_word_or_two() {
        for words in [&["example.com:https"][..], &["example.com", "https"]] {
            assert_eq!(read(words).unwrap(), "example.com:https");
        }
        assert_eq!(read(&["::1", "80"]).unwrap(), "[::1]:80");
    }

    #[test]
    fn a_wrong_target_is_quoted_once_and_the_message_says_what_to_write() {
        for (words, shown, instead) in [
            (&["https://example.com/"][..], "https://example.com/", "write example.com:https"),
            (&["https://example.com/", "80"], "https://example.com/", "write example.com:80"),
            (&["https://a:b@[::1]:8443/x"], "https://…@[::1]:8443/x", "write '[::1]:8443'"),
            (&["mail://"], "mail://", "write its host and its port, as in example.com:443"),
            (&["example.com/x"], "example.com/x", "as in example.com:https"),
            (&["localhost:80/"], "localhost:80/", "write localhost:80"),
            (&["//localhost:80"], "//localhost:80", "write localhost:80"),
            (&["localhost"], "localhost", "as in localhost:https or localhost:443"),
            (&["localhost:"], "localhost:", "write a service or a port there"),
            (&["localhost:", "80"], "localhost:", "leave it out before a service"),
            (&["[fe80::1]:80"], "[fe80::1]:80", "needs a zone, as in fe80::1%eth0"),
            (&["fe80::1", "80"], "[fe80::1]:80", "needs a zone, as in fe80::1%eth0"),
        ] {
            let error = read(words).unwrap_err();
            let start = format!("bad target {shown:?}: ");
            let reason = error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}"));
            assert!(reason.contains(instead), "{error}");
            assert!(!reason.contains("a:b"), "{error}");
        }
    }

    #[test]
    fn a_service_is_given_once() {
        let error = read(&["localhost:80", "443"]).unwrap_err();
        assert_eq!(
            error,
            "bad service \"443\": the target localhost:80 has a service already; write one of the \
             two"
        );
    }

    #[test]
    fn an_address_of_a_family_that_is_not_wanted_is_refused() {
        let error = read(&["[::1]:80", "--family", "v4"]).unwrap_err();
        assert_eq!(
            error,
            "bad target \"[::1]:80\": an IPv6 address, but --family v4 allows only IPv4"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_is_an_interface_of_this_machine() {
        assert_eq!(read(&["[fe80::1%lo]:80"]).unwrap(), "[fe80::1%lo]:80");
        let error = read(&["[fe80::1%nosuch0]:80"]).unwrap_err();
        let start =
            "bad target \"[fe80::1%nosuch0]:80\": no network interface is named \"nosuch0\"; ";
        assert!(error.starts_with(start), "{error}");
    }
}
