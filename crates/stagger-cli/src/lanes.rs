//! When each address family is asked for apart.

use stagger_net::lookup::Lanes;

use crate::usage::UsageError;

const OPTION: &str = "--lanes";

/// Reads what `--lanes` says, if it says something.
///
/// # Errors
///
/// A text that is neither one of the words nor a duration, or a duration out of range.
pub(crate) fn lanes(text: Option<&str>) -> Result<Lanes, UsageError> {
    let Some(text) = text else {
        return Ok(Lanes::default());
    };
    match text {
        "late" => Ok(Lanes::default()),
        "at-once" => Ok(Lanes::at_once()),
        "never" => Ok(Lanes::never()),
        _ => {
            let delay = humantime::parse_duration(text).map_err(|_| {
                let reason = "neither late, at-once or never, nor a duration such as 100ms";
                UsageError::new(OPTION, text, reason)
            })?;
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
            ("", "neither late, at-once or never, nor a duration"),
            ("Late", "neither late"),
            ("50", "neither late"),
            ("3s", "3s is not within 0ns to 2s"),
        ] {
            let error = lanes(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad --lanes {text:?}: ")), "{error}");
            assert!(error.contains(fault), "{error}");
        }
    }
}
