//! The proxies that the environment names.

use std::env;
use std::error::Error as StdError;
use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;

use stagger::Target;

use crate::no_proxy::NoProxy;
use crate::request::port;
use crate::{ProxyUrl, ProxyUrlError};

/// The proxies of the environment variables `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and
/// `NO_PROXY`, as curl reads them.
///
/// It is a plain value, made from any variables. [`Router`](crate::Router) connects by it.
///
/// # Which proxy
///
/// The proxy for a scheme and a target is the first of these that is set and not empty:
///
/// 1. none, if `no_proxy` or else `NO_PROXY` contains the target;
/// 2. for `https` and `wss`: `https_proxy`, `HTTPS_PROXY`; for `http` and `ws`: `http_proxy`;
/// 3. `all_proxy`, `ALL_PROXY`;
/// 4. none.
///
/// `HTTP_PROXY` in upper case is ignored, because a CGI server sets it from a header of the client
/// ("httpoxy", CVE-2016-5385). A value is a [`ProxyUrl`].
///
/// # The list of exceptions
///
/// `NO_PROXY` is a list with commas or blanks between its entries. Only if the whole value is `*`,
/// no target has a proxy.
///
/// - A name matches itself and all names below it, in any letter case. A dot at either end of the
///   entry or of the target does not count. `*` within an entry is no wildcard.
/// - An address matches itself, and a network (`10.0.0.0/8`, `2001:db8::/32`) its addresses. Names
///   are not resolved for this.
///
/// # Differences from curl
///
/// These rules were compared with curl 7.88.1. Later versions of curl end the list at a blank
/// without a comma.
///
/// | what | curl | here |
/// | --- | --- | --- |
/// | an IPv6 address or network in the list | compared as text | compared as an address |
/// | `[::1]` in the list | matches nothing | matches `::1` |
/// | `host:port` in the list | matches nothing | matches this port of the host |
/// | `0.0.0.0/0`, `::/0` in the list | matches this one address | matches every address of the family |
/// | a network that is not one, such as `10.0.0.0/33` | ignored | an error |
/// | a value that is not the URL of a proxy | an error when it is used | an error when it is read |
/// | a path after the port of a proxy | ignored | an error |
/// | `socks4://`, `socks4a://` | SOCKS4 | an error |
/// | `socks5://` | resolves the target's name here | the proxy resolves it |
/// | other schemes, such as `ftp_proxy` | read | not read; `all_proxy` is used |
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger_proxy::Environment;
///
/// let environment = Environment::from_vars([
///     ("https_proxy", "http://proxy.example:3128"),
///     ("NO_PROXY", "localhost, .corp.example, 10.0.0.0/8"),
/// ])?;
/// let proxy = |target: &str| {
///     let target = Target::parse(target).unwrap();
///     environment.proxy(Some("https"), &target).map(|proxy| proxy.to_string())
/// };
/// assert_eq!(proxy("example.com:443").as_deref(), Some("http://proxy.example:3128"));
/// assert_eq!(proxy("git.corp.example:443"), None);
/// assert_eq!(proxy("10.1.2.3:443"), None);
/// # Ok::<_, stagger_proxy::EnvironmentError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    http: Option<ProxyUrl>,
    https: Option<ProxyUrl>,
    all: Option<ProxyUrl>,
    no_proxy: NoProxy,
}

impl Environment {
    /// Creates an environment without proxies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the variables of this process. Later changes of them have no effect.
    ///
    /// # Errors
    ///
    /// Returns which variable cannot be used, and why.
    ///
    /// # Examples
    ///
    /// ```
    /// let environment = stagger_proxy::Environment::from_env()?;
    /// # let _ = environment;
    /// # Ok::<_, stagger_proxy::EnvironmentError>(())
    /// ```
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::from_vars(env::vars_os())
    }

    /// Reads any variables. Of two variables with the same name the first counts.
    ///
    /// # Errors
    ///
    /// Returns which variable cannot be used, and why.
    pub fn from_vars<K, V>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, EnvironmentError>
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let mut found: [Option<String>; NAMES.len()] = Default::default();
        for (name, value) in variables {
            let (name, value) = (name.as_ref(), value.as_ref());
            let Some(index) = NAMES.iter().position(|known| name == *known) else { continue };
            if value.is_empty() || found[index].is_some() {
                continue;
            }
            let Some(text) = value.to_str() else {
                return Err(EnvironmentError { variable: NAMES[index], why: Why::NotText });
            };
            found[index] = Some(text.to_owned());
        }
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let index = NAMES.iter().position(|known| known == name)?;
                Some((*name, found[index].as_deref()?))
            })
        };
        let proxy = |names: &[&'static str]| match first(names) {
            None => Ok(None),
            Some((variable, text)) => match ProxyUrl::parse(text) {
                Ok(url) => Ok(Some(url)),
                Err(error) => Err(EnvironmentError { variable, why: Why::Proxy(error) }),
            },
        };
        let no_proxy = match first(&["no_proxy", "NO_PROXY"]) {
            None => NoProxy::default(),
            Some((variable, text)) => NoProxy::parse(text).map_err(|bad| EnvironmentError {
                variable,
                why: Why::Entry { span: bad.span, reason: bad.reason },
            })?,
        };
        Ok(Self {
            http: proxy(&["http_proxy"])?,
            https: proxy(&["https_proxy", "HTTPS_PROXY"])?,
            all: proxy(&["all_proxy", "ALL_PROXY"])?,
            no_proxy,
        })
    }

    /// The proxy for a target, or `None` if the target is to be reached directly. Without a scheme
    /// only `all_proxy` counts.
    pub fn proxy(&self, scheme: Option<&str>, target: &Target) -> Option<&ProxyUrl> {
        let own = match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("http" | "ws") => self.http.as_ref(),
            Some("https" | "wss") => self.https.as_ref(),
            _ => None,
        };
        let proxy = own.or(self.all.as_ref())?;
        let service = || port(&target.service().to_string());
        let is_exempt = self.no_proxy.contains(target, target.port().or_else(service));
        (!is_exempt).then_some(proxy)
    }
}

/// The variables that are read.
const NAMES: [&str; 7] =
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// Which variable of the environment cannot be used, and why. It contains no part of a value.
///
/// If the value is not the URL of a proxy, the [`source`](StdError::source) says what is wrong
/// with it.
///
/// # Examples
///
/// ```
/// use stagger_proxy::{Environment, EnvironmentErrorKind};
///
/// let error = Environment::from_vars([("NO_PROXY", "localhost,10.0.0.0/33")]).unwrap_err();
/// assert_eq!((error.variable(), error.kind()), ("NO_PROXY", EnvironmentErrorKind::NoProxy));
/// assert_eq!(
///     error.to_string(),
///     "the environment variable NO_PROXY has a bad entry, byte 10 to 21: the number of bits is \
///      not within 0 to 32 for IPv4, or to 128 for IPv6",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentError {
    variable: &'static str,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    NotText,
    Proxy(ProxyUrlError),
    Entry { span: Range<usize>, reason: &'static str },
}

/// What is wrong with a variable of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvironmentErrorKind {
    /// The value is not UTF-8.
    NotText,
    /// The value is not the URL of a proxy.
    Proxy,
    /// The value is not a list of exceptions.
    NoProxy,
}

impl EnvironmentError {
    /// The name of the variable.
    pub fn variable(&self) -> &str {
        self.variable
    }

    /// The kind of the error.
    pub fn kind(&self) -> EnvironmentErrorKind {
        match self.why {
            Why::NotText => EnvironmentErrorKind::NotText,
            Why::Proxy(_) => EnvironmentErrorKind::Proxy,
            Why::Entry { .. } => EnvironmentErrorKind::NoProxy,
        }
    }
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable {} ", self.variable)?;
        match &self.why {
            Why::NotText => f.write_str("is not UTF-8"),
            Why::Proxy(_) => f.write_str("is not the URL of a proxy"),
            Why::Entry { span: Range { start, end }, reason } => {
                write!(f, "has a bad entry, byte {start} to {end}: {reason}")
            }
        }
    }
}

impl StdError for EnvironmentError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.why {
            Why::Proxy(error) => Some(error),
            Why::NotText | Why::Entry { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nonsense_names_its_variable_and_shows_no_secret() {
        use EnvironmentErrorKind as Kind;

        for (name, value, kind) in [
            ("http_proxy", "ftp://a:secret@proxy", Kind::Proxy),
            ("https_proxy", "socks4://a:secret@proxy", Kind::Proxy),
            ("HTTPS_PROXY", "http://a:secret@", Kind::Proxy),
            ("all_proxy", "a:secret@proxy:x", Kind::Proxy),
            ("ALL_PROXY", "a:secret@proxy/secret", Kind::Proxy),
            ("no_proxy", "a,secret/8", Kind::NoProxy),
            ("NO_PROXY", "secret:x", Kind::NoProxy),
        ] {
            let error = Environment::from_vars([(name, value)]).unwrap_err();
            assert_eq!((error.variable(), error.kind()), (name, kind));
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(name) && !shown.contains("secret"), "{shown}");
            assert_eq!(error.source().is_some(), kind == Kind::Proxy);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_an_error_of_its_own() {
        use std::os::unix::ffi::OsStrExt as _;

        let value = OsStr::from_bytes(b"\xff");
        let error = Environment::from_vars([("all_proxy", value)]).unwrap_err();
        assert_eq!(error.kind(), EnvironmentErrorKind::NotText);
        assert!(Environment::from_vars([("HTTP_PROXY", value)]).is_ok(), "it is not read");
    }

    #[test]
    fn a_service_name_has_its_port_in_the_list() {
        let variables = [("all_proxy", "proxy"), ("no_proxy", "example.com:443")];
        let environment = Environment::from_vars(variables).unwrap();
        let proxy = |target| environment.proxy(None, &Target::parse(target).unwrap()).is_some();
        assert!(!proxy("example.com:https") && proxy("example.com:http"));
    }
}
