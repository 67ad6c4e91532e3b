//! What a scheme reads of its hop. The file is long because each kind of value has its method and
//! its docs.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use stagger::Target;
use stagger::boxed::BoxError;

use crate::error::{EndpointError, EndpointErrorKind as Kind};
use crate::near::nearest;
use crate::schemes::Table;
use crate::shown::{Shown, is_secret};
use crate::{Hop, Login};

/// A scheme may be made of at most this many others in a row: 8. The number is ours. It stops a
/// scheme that is made of itself.
const MAX_DEPTH: usize = 8;

/// What a scheme reads of its hop, and the layer below it.
///
/// A scheme reads only what it knows. [`Schemes`](crate::Schemes) refuses everything that is left
/// over: a login, text after the scheme, an option, or a hop before this one. So a scheme without
/// options reads none, and `x?timeout=5s` is then an error that says so.
///
/// `L` is the layer: a [`ClientEndpoint`](crate::ClientEndpoint) or a
/// [`ServerEndpoint`](crate::ServerEndpoint).
///
/// # Errors
///
/// Each error names the place in the text. [`error`](Self::error) makes one for the whole hop. An
/// error of another type that a scheme returns becomes the source of one for the whole hop.
///
/// # Examples
///
/// A scheme that reads a target and options of each kind:
///
/// ```
/// use std::time::Duration;
///
/// use stagger::connect::endpoint_fn;
/// use stagger_endpoint::{ClientEndpoint, Schemes};
///
/// let schemes = Schemes::<String>::new().with_client("job", |hop| {
///     let target = hop.target()?;
///     let wait = hop.take_duration("wait", Duration::ZERO..=Duration::from_secs(60))?;
///     let tries = hop.take_number("tries", 1..=9)?.unwrap_or(3);
///     let is_quiet = hop.take_bool("quiet")?.unwrap_or(false);
///     let tags = hop.take_list("tags")?.unwrap_or_default();
///     let level = hop.take("level", |text| text.parse::<i8>())?;
///     let job = format!("{target} {wait:?} {tries} {is_quiet} {tags:?} {level:?}");
///     Ok(ClientEndpoint::new(endpoint_fn(move || {
///         let job = job.clone();
///         async { Ok::<_, std::io::Error>(job) }
///     })))
/// });
///
/// let endpoint = schemes.client("job:a:80?wait=5s&quiet=yes&tags=x,y&level=-1")?;
/// let job = futures_lite::future::block_on(stagger::Endpoint::connect(&endpoint))?;
/// assert_eq!(job, r#"a:80 Some(5s) 3 true ["x", "y"] Some(-1)"#);
///
/// let error = schemes.client("job:a:80?wait=5m").unwrap_err();
/// assert_eq!(error.reason(), r#"the option wait cannot be "5m": it must be from 0s to 1m"#);
/// assert_eq!(
///     error.pointed().to_string(),
///     "job:a:80?wait=5m\n              ^^"
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct HopReader<'a, L> {
    hop: &'a Hop,
    shown: &'a Shown,
    table: &'a Table<L>,
    below: Option<L>,
    /// Whether the scheme has read its login and its rest.
    read: (bool, bool),
    /// For each option, whether it was taken.
    taken: Vec<bool>,
    /// The options that the scheme has asked for.
    known: Vec<String>,
    depth: usize,
}

impl<'a, L> HopReader<'a, L> {
    pub(crate) fn new(
        hop: &'a Hop,
        shown: &'a Shown,
        table: &'a Table<L>,
        below: Option<L>,
    ) -> Self {
        let taken = vec![false; hop.options.len()];
        Self { hop, shown, table, below, read: (false, false), taken, known: Vec::new(), depth: 0 }
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.hop.scheme
    }

    /// The layer that the hops before this one make.
    ///
    /// # Errors
    ///
    /// Fails if this is the first hop, or if the layer was read before.
    pub fn below(&mut self) -> Result<L, EndpointError> {
        self.below.take().ok_or_else(|| {
            let scheme = self.scheme();
            let reason = format!("{scheme} needs a hop before it, as in tcp:HOST:PORT | {scheme}");
            self.fail(Kind::NeedsBelow, self.hop.places.hop.clone(), reason)
        })
    }

    /// Whether there is a layer below, which was not read yet.
    pub fn has_below(&self) -> bool {
        self.below.is_some()
    }

    /// The login, if there is one.
    pub fn login(&mut self) -> Option<&'a Login> {
        self.read.0 = true;
        self.hop.login.as_ref()
    }

    /// What follows the scheme and the login, as it is written. Empty if nothing follows.
    pub fn rest(&mut self) -> &'a str {
        self.read.1 = true;
        &self.hop.rest
    }

    /// Whether something follows the scheme.
    pub fn has_rest(&self) -> bool {
        !self.hop.rest.is_empty()
    }

    /// What follows the scheme, decoded, as a host and a service: see [`Target::parse`].
    ///
    /// # Errors
    ///
    /// Fails if it is missing or not a target.
    pub fn target(&mut self) -> Result<Target, EndpointError> {
        let rest = self.some_rest("HOST:PORT")?;
        if rest.starts_with("//") {
            let scheme = self.scheme();
            let reason = format!("no slashes are before the host: write {scheme}:HOST:PORT");
            return Err(self.rest_error(reason));
        }
        // Its reason never quotes the text.
        self.hop.target().map_err(|error| self.rest_error(error.reason()))
    }

    /// What follows the scheme as text, decoded.
    ///
    /// # Errors
    ///
    /// Fails if it is missing or not UTF-8.
    pub fn text(&mut self) -> Result<String, EndpointError> {
        self.some_rest("TEXT")?;
        let text = String::from_utf8(self.hop.text());
        text.map_err(|_| self.rest_error("the bytes are not UTF-8"))
    }

    /// What follows the scheme as text, decoded. The form is for the error if it is missing.
    #[cfg(all(unix, feature = "ssh", feature = "net"))]
    pub(crate) fn text_as(&mut self, form: &str) -> Result<String, EndpointError> {
        self.some_rest(form)?;
        self.text()
    }

    /// What follows the scheme as a number.
    ///
    /// # Errors
    ///
    /// Fails if it is missing, not a number, or out of range.
    pub fn number(&mut self, range: RangeInclusive<u32>) -> Result<u32, EndpointError> {
        let rest = self.some_rest("NUMBER")?;
        number(rest, &range).map_err(|reason| self.rest_error(reason))
    }

    /// What follows the scheme as a path, decoded. On Unix a path need not be UTF-8.
    ///
    /// # Errors
    ///
    /// Fails if it is missing, or cannot be a path.
    pub fn path(&mut self) -> Result<PathBuf, EndpointError> {
        self.some_rest("PATH")?;
        path_of(self.hop.text()).ok_or_else(|| self.rest_error("the bytes are not UTF-8"))
    }

    /// What follows the scheme as bytes, decoded.
    ///
    /// # Errors
    ///
    /// Fails if it is missing.
    pub fn bytes(&mut self) -> Result<Vec<u8>, EndpointError> {
        self.some_rest("TEXT")?;
        Ok(self.hop.text())
    }

    /// What follows the scheme, as it is written. The form is for the error if it is missing.
    pub(crate) fn some_rest(&mut self, form: &str) -> Result<&'a str, EndpointError> {
        match self.rest() {
            "" => {
                let scheme = self.scheme();
                let reason = format!("{scheme} needs more: write {scheme}:{form}");
                Err(self.fail(Kind::MissingRest, self.hop.places.hop.clone(), reason))
            }
            rest => Ok(rest),
        }
    }

    /// Takes an option as text.
    ///
    /// # Errors
    ///
    /// Fails if it is not UTF-8.
    pub fn take_text(&mut self, key: &str) -> Result<Option<String>, EndpointError> {
        self.take(key, |text| Ok::<_, String>(text.to_owned()))
    }

    /// Takes an option as a list with commas. An empty item is an error.
    ///
    /// # Errors
    ///
    /// Fails if an item is empty.
    pub fn take_list(&mut self, key: &str) -> Result<Option<Vec<String>>, EndpointError> {
        self.take(key, |text| {
            let items: Vec<_> = text.split(',').map(str::to_owned).collect();
            match items.iter().any(String::is_empty) {
                true => Err("an item of the list is empty"),
                false => Ok(items),
            }
        })
    }

    /// Takes an option as a duration: a number and a unit, such as `250ms`, `30s` or `5m`.
    ///
    /// # Errors
    ///
    /// Fails if it is not a duration, or out of range.
    pub fn take_duration(
        &mut self,
        key: &str,
        range: RangeInclusive<Duration>,
    ) -> Result<Option<Duration>, EndpointError> {
        self.take(key, |text| duration(text, &range))
    }

    /// Takes an option as a number.
    ///
    /// # Errors
    ///
    /// Fails if it is not a number, or out of range.
    pub fn take_number(
        &mut self,
        key: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, EndpointError> {
        self.take(key, |text| number(text, &range))
    }

    /// Takes an option that is `yes` or `no`.
    ///
    /// # Errors
    ///
    /// Fails if it is something else.
    pub fn take_bool(&mut self, key: &str) -> Result<Option<bool>, EndpointError> {
        self.take(key, |text| match text {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err("write yes or no"),
        })
    }

    /// Takes an option as a path. On Unix a path need not be UTF-8.
    ///
    /// # Errors
    ///
    /// Fails if it is empty, or cannot be a path.
    pub fn take_path(&mut self, key: &str) -> Result<Option<PathBuf>, EndpointError> {
        let Some(index) = self.take_index(key) else { return Ok(None) };
        let value = self.hop.options[index].value.clone();
        if value.is_empty() {
            return Err(self.option_error(key, "write the path of a file"));
        }
        let path = path_of(value);
        path.map(Some).ok_or_else(|| self.option_error(key, "the bytes are not UTF-8"))
    }

    /// Takes an option, and reads it with a function.
    ///
    /// # Errors
    ///
    /// Fails if the text is not UTF-8, or if the function fails. The function's error follows the
    /// name and the value of the option, so it only says what is wrong.
    pub fn take<T, E: fmt::Display>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, EndpointError> {
        let Some(index) = self.take_index(key) else { return Ok(None) };
        let option = &self.hop.options[index];
        let text = std::str::from_utf8(&option.value);
        let text = text.map_err(|_| self.option_error(key, "the bytes are not UTF-8"))?;
        read(text).map(Some).map_err(|error| self.option_error(key, error))
    }

    /// The error of an option that the scheme needs and that is not there.
    pub fn missing(&self, key: &str) -> EndpointError {
        let scheme = self.scheme();
        let reason = format!("{scheme} needs the option {key}: write {scheme}?{key}=VALUE");
        self.fail(Kind::MissingOption, self.hop.places.hop.clone(), reason)
    }

    /// An error of an option that was taken. The reason says what is wrong with its value.
    pub fn option_error(&self, key: &str, reason: impl fmt::Display) -> EndpointError {
        let Some(option) = self.hop.options.iter().find(|option| *option.key == *key) else {
            return self.missing(key);
        };
        let (value, place) = (&option.value, option.value_place.clone());
        let reason = match (value.is_empty(), is_secret(key)) {
            (true, _) => format!("the option {key} is empty: {reason}"),
            // A reason may quote the value.
            (false, true) => format!("the option {key} cannot be used"),
            (false, false) => {
                let value = self.shown.quoted(&place);
                format!("the option {key} cannot be {value}: {reason}")
            }
        };
        let place = if value.is_empty() { option.place.clone() } else { place };
        self.fail(Kind::InvalidOption, place, reason)
    }

    /// An error of what follows the scheme.
    pub fn rest_error(&self, reason: impl fmt::Display) -> EndpointError {
        let place = self.hop.places.rest.clone();
        if place.is_empty() {
            return self.fail(Kind::InvalidRest, self.hop.places.hop.clone(), reason.to_string());
        }
        let rest = self.shown.quoted(&place);
        self.fail(
            Kind::InvalidRest,
            place,
            format!("{} cannot use {rest}: {reason}", self.scheme()),
        )
    }

    /// An error of what follows the scheme, with a reason that quotes it.
    #[cfg(all(unix, feature = "net"))]
    pub(crate) fn bare_rest_error(&self, reason: impl fmt::Display) -> EndpointError {
        self.fail(Kind::InvalidRest, self.hop.places.rest.clone(), reason.to_string())
    }

    /// An error of the login. The reason must not quote it.
    pub fn login_error(&self, reason: impl fmt::Display) -> EndpointError {
        self.fail(Kind::InvalidLogin, self.hop.places.login.clone(), reason.to_string())
    }

    /// An error of the whole hop.
    pub fn error(&self, reason: impl fmt::Display) -> EndpointError {
        self.fail(Kind::Failed, self.hop.places.hop.clone(), reason.to_string())
    }

    /// Makes the layer of another scheme from this same hop: its rest, its options, and the layer
    /// below. So `tls:host:443` is made from `tcp:host:443`.
    ///
    /// # Errors
    ///
    /// Fails if the table has no such scheme, if that scheme fails, or if schemes are made of each
    /// other without an end.
    pub fn make_as(&mut self, scheme: &str) -> Result<L, BoxError> {
        let make = match self.table.get(scheme) {
            Some(make) if self.depth < MAX_DEPTH => make.clone(),
            _ => {
                return Err(self
                    .error(format!("there is no scheme {scheme} to make it of"))
                    .into());
            }
        };
        self.depth += 1;
        let made = make(self);
        self.depth -= 1;
        made
    }

    /// Refuses the options of the hop, because of this. The reason follows the name and the value.
    #[cfg(feature = "net")]
    pub(crate) fn refuse_options(&self, reason: &str) -> Result<(), EndpointError> {
        match self.hop.options.first() {
            Some(option) => Err(self.option_error(&option.key, reason)),
            None => Ok(()),
        }
    }

    /// Refuses what the scheme did not read.
    pub(crate) fn finish(self) -> Result<(), EndpointError> {
        let Self { hop, .. } = self;
        let scheme = self.scheme();
        if self.below.is_some() {
            return Err(self.takes_no_below());
        }
        if hop.login.is_some() && !self.read.0 {
            let reason =
                format!("{scheme} takes no user; an '@' that is part of a name is written %40");
            return Err(self.fail(Kind::UnexpectedLogin, hop.places.login.clone(), reason));
        }
        if !hop.rest.is_empty() && !self.read.1 {
            let reason = format!("nothing may follow {scheme} here except options after '?'");
            return Err(self.fail(Kind::UnexpectedRest, hop.places.rest.clone(), reason));
        }
        match self.taken.iter().position(|taken| !taken) {
            Some(index) => Err(self.unknown_option(index)),
            None => Ok(()),
        }
    }

    /// The error of an option that the scheme did not take.
    fn unknown_option(&self, index: usize) -> EndpointError {
        let scheme = self.scheme();
        let option = &self.hop.options[index];
        let key_place = option.place.start..option.place.start + option.key.len();
        let key = &option.key;
        let hint = match (self.near_option(key), self.known.is_empty()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, true) => "it has none".to_owned(),
            (None, false) => {
                let mut known = self.known.clone();
                known.sort_unstable();
                format!("it has {}", known.join(", "))
            }
        };
        let reason = format!("{scheme} has no option {key}; {hint}");
        self.fail(Kind::UnknownOption, key_place, reason)
    }

    /// The option that was meant by this key, if it is not in the hop itself.
    fn near_option(&self, key: &str) -> Option<&str> {
        let is_absent = |known: &&str| self.hop.options.iter().all(|option| *option.key != **known);
        nearest(key, self.known.iter().map(String::as_str).filter(is_absent))
    }

    fn slip(&self) -> Option<EndpointError> {
        let is_slip = |&index: &usize| {
            !self.taken[index] && self.near_option(&self.hop.options[index].key).is_some()
        };
        (0..self.taken.len()).find(is_slip).map(|index| self.unknown_option(index))
    }

    /// An error that a scheme returned, with its place. A missing option may be there with a
    /// slip in its name: the error is then of that option.
    pub(crate) fn located(&self, error: BoxError) -> EndpointError {
        match error.downcast::<EndpointError>() {
            Ok(error) if error.kind() == Kind::MissingOption => self.slip().unwrap_or(*error),
            Ok(error) => *error,
            Err(error) => self.error(format!("cannot make {}", self.scheme())).with_source(error),
        }
    }

    fn take_index(&mut self, key: &str) -> Option<usize> {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
        let index = self.hop.options.iter().position(|option| *option.key == *key)?;
        self.taken[index] = true;
        Some(index)
    }

    /// An error of the whole hop, of this kind.
    #[cfg(all(unix, feature = "ssh", feature = "net"))]
    pub(crate) fn hop_error(&self, kind: Kind, reason: &str) -> EndpointError {
        self.fail(kind, self.hop.places.hop.clone(), reason)
    }

    /// The error of a scheme that must be the first hop.
    pub(crate) fn takes_no_below(&self) -> EndpointError {
        let scheme = self.scheme();
        let reason = format!("{scheme} must be the first hop: it does not run over another one");
        self.fail(Kind::TakesNoBelow, self.hop.places.hop.clone(), reason)
    }

    /// The error of a scheme that follows a relay directly.
    #[cfg(any(feature = "proxy", feature = "tls"))]
    pub(crate) fn needs_target(&self) -> EndpointError {
        let scheme = self.scheme();
        let reason = format!(
            "{scheme} cannot follow the hop before it: write a target between, as in \
             tcp:HOST:PORT | {scheme}"
        );
        self.fail(Kind::NeedsBelow, self.hop.places.hop.clone(), reason)
    }

    fn fail(&self, kind: Kind, place: Range<usize>, reason: impl Into<String>) -> EndpointError {
        EndpointError::new(kind, self.shown, place, reason)
    }
}

pub(crate) fn duration(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        let is_number =
            !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        match is_number {
            true => format!("the unit is missing, as in {text}s or {text}ms"),
            false => "write a number and a unit, as in 250ms or 30s".to_owned(),
        }
    })?;
    let [least, most] = [range.start(), range.end()].map(|end| humantime::format_duration(*end));
    match range.contains(&duration) {
        true => Ok(duration),
        false => Err(format!("it must be from {least} to {most}")),
    }
}

/// A path from its bytes. They are UTF-8 on systems other than Unix.
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;

        Some(std::ffi::OsString::from_vec(bytes).into())
    }
    #[cfg(not(unix))]
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

fn number(text: &str, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && range.contains(number));
    number.ok_or_else(|| format!("write a number from {} to {}", range.start(), range.end()))
}

impl<L> fmt::Debug for HopReader<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopReader").field("hop", self.hop).finish_non_exhaustive()
    }
}
