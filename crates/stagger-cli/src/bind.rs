//! The addresses to connect from.

use stagger::resolve::Families;
use stagger_net::TcpOptions;

use crate::address::{address, unwanted};
use crate::usage::UsageError;

const OPTION: &str = "--bind";

/// Socket options with these bind addresses, of which each must be of a family that is wanted.
///
/// # Errors
///
/// A text that is no address, an address of a family that is not wanted, or a second one of a
/// family.
pub(crate) fn options(texts: &[String], families: Families) -> Result<TcpOptions, UsageError> {
    let mut options = TcpOptions::new();
    for text in texts {
        let addr = address(OPTION, text, 0)?;
        if let Some(reason) = unwanted(addr.ip(), families) {
            return Err(UsageError::new(OPTION, text, reason));
        }
        options =
            options.with_bind_addr(addr).map_err(|error| UsageError::new(OPTION, text, error))?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_a_family_and_only_of_a_family_that_is_wanted() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(options(&texts(&["192.0.2.7", "::1"]), Families::Any).is_ok());
        let second = options(&texts(&["192.0.2.7", "192.0.2.8"]), Families::Any).unwrap_err();
        assert_eq!(
            second.to_string(),
            "bad --bind \"192.0.2.8\": a second bind address of one family: \
             192.0.2.8:0 after 192.0.2.7:0"
        );
        let unwanted = options(&texts(&["::1"]), Families::Ipv4).unwrap_err();
        assert_eq!(
            unwanted.to_string(),
            "bad --bind \"::1\": an IPv6 address, and --family wants only the other"
        );
    }
}
