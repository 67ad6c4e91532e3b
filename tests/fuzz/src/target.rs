//! Targets, and their parts.

use std::fmt;
use std::str::FromStr;

use stagger::Target;
use stagger::target::{Host, Name, Service, TargetError, TargetErrorKind};

use crate::assert_one_line;

/// The most bytes of a message: two texts of 100 characters, each escaped with ten bytes at the
/// most, and some words.
const LONGEST_MESSAGE: usize = 2 * 100 * 10 + 200;

/// Any bytes are read as a target, a host, a name and a service: what is printed of them is ASCII
/// and read as the same; what is wrong with them is told in a line.
pub fn target(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let target = read::<Target>(&text);
    let host = read::<Host>(&text);
    let service = read::<Service>(&text);

    if let Some(name) = read::<Name>(&text) {
        assert!((1..=254).contains(&name.ascii().len()), "{name}");
        assert_eq!(name.to_string(), name.ascii());
        let spoken = Name::from_str(name.as_str());
        assert_eq!(spoken.as_ref(), Ok(&name), "{:?}", name.as_str());
        let spoken = spoken.map(|spoken| spoken.as_str().to_owned());
        assert_eq!(spoken.as_deref(), Ok(name.as_str()), "it is normalised twice");
        assert!(name.ascii().parse::<std::net::IpAddr>().is_err(), "{name} is an address");
        // A host may be an address besides, and no address is a name.
        assert_eq!(host, Some(Host::Name(name)));
    }
    if let Some(target) = &target {
        let (host, service) = (target.host().to_string(), target.service().to_string());
        assert_eq!(Target::new(&host, &service).as_ref(), Ok(target), "given apart");
        let literal = target.literal();
        assert!(literal.is_none_or(|addr| Target::from(addr) == *target), "{literal:?}");
    }
    // What is a host by itself is one before a service, if its end is seen there.
    if let (Some(host), false) = (host, text.contains(':') && !text.starts_with('[')) {
        let whole = format!("{text}:443").parse::<Target>();
        match whole {
            Ok(whole) => assert_eq!((whole.host(), whole.port()), (&host, Some(443))),
            Err(error) => assert_eq!(error.kind(), TargetErrorKind::InputTooLong),
        }
    }
    if let Some(service) = service {
        let whole = format!("a:{text}").parse::<Target>();
        match whole {
            Ok(whole) => assert_eq!(whole.service(), &service),
            Err(error) => assert_eq!(error.kind(), TargetErrorKind::InputTooLong),
        }
    }
}

fn read<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = TargetError> + fmt::Display + fmt::Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            assert!(printed.bytes().all(|byte| byte.is_ascii_graphic()), "{printed:?}");
            assert_eq!(printed.parse().as_ref(), Ok(&value), "{printed:?}");
            Some(value)
        }
        Err(error) => {
            assert!(text.starts_with(error.input()));
            assert!(error.kind() == TargetErrorKind::InputTooLong || error.input() == text);
            assert_one_line(&error.to_string(), LONGEST_MESSAGE);
            None
        }
    }
}
