//! Wrong values on the command line that clap accepts.

use std::fmt;

use stagger::target::TargetError;

use crate::escape::quoted;

/// What is wrong with a command line: one line that quotes what was typed, once and escaped.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    /// The value of an option is wrong, for this reason.
    pub(crate) fn new(option: &str, value: &str, reason: impl fmt::Display) -> Self {
        Self(format!("bad {option} {}: {reason}", quoted(value)))
    }

    /// The value of an option is wrong, for this reason. It is not shown: it may have a secret.
    pub(crate) fn unquoted(option: &str, reason: impl fmt::Display) -> Self {
        Self(format!("bad {option}: {reason}"))
    }

    /// The value of an option is not a target. The library quotes the value: it hides passwords.
    /// `reason` stands in for the library's own.
    pub(crate) fn of_target(option: &str, error: &TargetError, reason: Option<&str>) -> Self {
        let own = error.reason();
        let reason = reason.map_or_else(|| own.to_string(), str::to_owned);
        Self(format!("bad {option} {}: {reason}", error.quoted()))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that may repeat arguments, without the logins in them: all before the last `@` of an
/// argument, if it has a colon there.
pub(crate) fn without_logins(text: String, args: impl IntoIterator<Item = String>) -> String {
    args.into_iter().fold(text, |text, arg| match arg.rsplit_once('@') {
        Some((login, rest)) if login.contains(':') => text.replace(&arg, &format!("…@{rest}")),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use stagger::Target;

    use super::*;

    #[test]
    fn the_value_that_the_library_quotes_is_kept_and_the_reason_can_be_replaced() {
        for (text, shown) in [
            ("https://bob:secret@example.com/", r#""https://…@example.com/""#),
            ("a\": b\\:x y", r#""a\": b\\:x y""#),
        ] {
            let error = Target::parse(text).unwrap_err();
            let replaced = UsageError::of_target("address", &error, Some("no")).to_string();
            assert_eq!(replaced, format!("bad address {shown}: no"));
            let own = UsageError::of_target("address", &error, None).to_string();
            assert!(own.starts_with(&format!("bad address {shown}: ")), "{own}");
            assert_eq!(own.matches(shown).count(), 1, "{own}");
        }
    }

    #[test]
    fn an_argument_that_is_repeated_loses_its_login() {
        let args = ["stagger", "a@b", "x", "http://bob:se@cret@h:80"].map(str::to_owned);
        let text = "unexpected 'http://bob:se@cret@h:80' after 'a@b' and 'x'".to_owned();
        assert_eq!(without_logins(text, args), "unexpected '…@h:80' after 'a@b' and 'x'");
    }

    #[test]
    fn a_text_that_was_cut_is_shown_with_its_mark() {
        let error = Target::parse(&"a".repeat(5000)).unwrap_err();
        let error = UsageError::of_target("target", &error, Some("no")).to_string();
        assert!(error.ends_with("a\"…: no"), "{error}");
    }
}
