//! Tokens such as `%h`, and environment variables (ssh_config(5), sections TOKENS and ENVIRONMENT
//! VARIABLES).

use super::Environment;
use super::error::shown;

/// The longest text after expansion: 64 KiB. The bound is ours; it keeps `%h%h%h…` small.
const MAX_EXPANDED: usize = 64 * 1024;

/// The values of the tokens.
pub(super) type Tokens<'a> = &'a dyn Fn(char) -> Option<String>;

/// Replaces tokens.
pub(super) fn percent(text: &str, tokens: Tokens<'_>) -> Result<String, String> {
    expand(text, Some(tokens), None)
}

/// Replaces tokens and `${VARIABLE}`.
pub(super) fn percent_dollar(
    text: &str,
    tokens: Tokens<'_>,
    environment: &Environment,
) -> Result<String, String> {
    expand(text, Some(tokens), Some(environment))
}

/// Replaces `${VARIABLE}`.
pub(super) fn dollar(text: &str, environment: &Environment) -> Result<String, String> {
    expand(text, None, Some(environment))
}

fn expand(
    text: &str,
    tokens: Option<Tokens<'_>>,
    environment: Option<&Environment>,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let (Some(environment), Some(name)) = (environment, rest.strip_prefix("${")) {
            let Some((name, after)) = name.split_once('}') else {
                return Err("a \"${\" has no closing brace".to_owned());
            };
            match environment.variable(name) {
                Some(value) => out.push_str(value),
                None => {
                    return Err(format!("the environment variable {} is not set", shown(name)));
                }
            }
            rest = after;
        } else if let (Some(tokens), Some(after)) = (tokens, rest.strip_prefix('%')) {
            let mut after = after.chars();
            match after.next() {
                Some('%') => out.push('%'),
                Some(token) => match tokens(token) {
                    Some(value) => out.push_str(&value),
                    None => {
                        let token = shown(format!("%{token}"));
                        return Err(format!("{token} is no token here; write \"%%\" for \"%\""));
                    }
                },
                None => return Err("a single \"%\" ends it; write \"%%\"".to_owned()),
            }
            rest = after.as_str();
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
        if out.len() > MAX_EXPANDED {
            return Err("it has more than 64 KiB after its tokens are replaced".to_owned());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_variables_are_replaced_once() {
        let environment = Environment::new("joe", "/home/joe").with_variable("V", "%h${V}");
        let tokens = |token| (token == 'h').then(|| "%%web".to_owned());
        let both = |text| percent_dollar(text, &tokens, &environment);
        assert_eq!(both("a%h%%${V}$V"), Ok("a%%web%%h${V}$V".to_owned()));
        assert_eq!(percent("${V}%%", &tokens), Ok("${V}%".to_owned()));
        assert_eq!(dollar("%h${V}", &environment), Ok("%h%h${V}".to_owned()));
        for (text, error) in [
            ("%x", "\"%x\" is no token here; write \"%%\" for \"%\""),
            ("%", "a single \"%\" ends it; write \"%%\""),
            ("${W}", "the environment variable \"W\" is not set"),
            ("${V", "a \"${\" has no closing brace"),
        ] {
            assert_eq!(both(text), Err(error.to_owned()), "{text}");
        }
        let long = |_| Some("x".repeat(1000));
        let error = "it has more than 64 KiB after its tokens are replaced";
        assert_eq!(percent(&"%h".repeat(100), &long), Err(error.to_owned()));
    }
}
