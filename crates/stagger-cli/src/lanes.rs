//! When the system is asked for each address family separately.

use stagger::Policy;
use stagger_net::lookup::Lanes;

use crate::duration;
use crate::usage::UsageError;

const OPTION: &str = "--lanes";

/// Reads the value of `--lanes`, if there is one.
///
/// # Errors
///
/// A text that is neither one of the words nor a duration in range.
pub(crate) fn lanes(text: Option<&str>) -> Result<Lanes, UsageError> {
    let Some(text) = text else {
        return Ok(Lanes::default());
    };
    match text {
        "late" => Ok(Lanes::default()),
        "at-once" => Ok(Lanes::at_once()),
        "never" => Ok(Lanes::never()),
        _ => {
            let delay = duration::parse(text).ok_or_else(|| {
                let reason = "write late, at-once, never, or a duration such as 100ms";
                UsageError::new(OPTION, text, reason)
            })?;
            let delay = duration::check(OPTION, text, delay, Policy::RESOLUTION_DELAY_RANGE)?;
            Lanes::when_late(delay).map_err(|error| UsageError::new(OPTION, text, error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lanes_are_a_word_or_a_duration_and_late_unless_said() {
        let lanes = |text| lanes(Some(text)).unwrap();
        assert_eq!(super::lanes(None).unwrap(), Lanes::default());
        assert_eq!(lanes("late"), Lanes::default());
        assert_eq!(lanes("at-once"), Lanes::at_once());
        assert_eq!(lanes("never"), Lanes::never());
        assert_eq!(lanes("100ms"), Lanes::when_late(Duration::from_millis(100)).unwrap());
    }

    #[test]
    fn what_is_neither_a_word_nor_a_duration_in_range_is_refused_and_quoted() {
        for (text, fault) in [
            ("", "write late, at-once, never, or a duration such as 100ms"),
            ("Late", "write late, at-once"),
            ("50", "write late, at-once"),
            ("3s", "must be from 0s to 2s"),
        ] {
            let error = lanes(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad --lanes {text:?}: ")), "{error}");
            assert!(error.contains(fault), "{error}");
        }
    }
}
