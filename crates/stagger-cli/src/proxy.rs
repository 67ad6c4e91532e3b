//! `--proxy`: the proxies on the way to the target.

mod hint;

use std::future::{Ready, ready};

use stagger::address::Address;
use stagger::boxed::{BoxError, LocalBoxConnector};
use stagger::connect::connector_fn;
use stagger::error::SharedError;
use stagger::resolve::ByName;
use stagger::text::with_causes;
use stagger::{Candidate, Connector as _, Dialer, Policy, Resolver, Target, Timer};
use stagger_proxy::futures::{Proxy, Through};
use stagger_proxy::{Environment, Protocol, ProxyUrl, ProxyUrlError};

pub(crate) use self::hint::hint;
use crate::args::ConnectArgs;
use crate::dial::StreamConnector;
use crate::failure::Failure;
use crate::stream::{BoxStream, Proxied};
use crate::usage::UsageError;
use crate::{target, tls};

const PROXY: &str = "--proxy";

/// The word in place of a URL that reads the environment.
const ENV: &str = "env";

/// The most proxies: 8. The number is ours: each is a race inside another.
const MAX_PROXIES: usize = 8;

/// The proxies on the way to the target, the outermost first.
#[derive(Debug)]
pub(crate) struct Chain {
    proxies: Vec<ProxyUrl>,
    /// The client of the proxies with TLS, if there are any.
    tls: Option<tls::Client>,
}

impl Chain {
    /// Reads the proxies, and checks that they can be asked for the target.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, and a machine without root certificates. No error has a
    /// part of a URL, because it may be of a password.
    pub(crate) fn of(args: &ConnectArgs, target: &Target) -> Result<Self, Failure> {
        let proxies = match &args.proxy[..] {
            [word] if word == ENV => of_environment(args.tls.is_on(), target)?,
            texts => texts
                .iter()
                .enumerate()
                .map(|(index, text)| url(texts.len(), index, text))
                .collect::<Result<Vec<_>, _>>()?,
        };
        if proxies.len() > MAX_PROXIES {
            let reason = format!("there are more than {MAX_PROXIES}");
            return Err(UsageError::unquoted(PROXY, reason).into());
        }
        // From an SSH host other addresses are reached than from here.
        if let Some(first) = proxies.first().filter(|_| args.ssh.host().is_none()) {
            target::check(PROXY, first.target(), args.target.family)?;
        }
        let targets = proxies.iter().skip(1).map(ProxyUrl::target).chain([target]);
        for (proxy, target) in proxies.iter().zip(targets) {
            check(proxy, target)?;
        }
        let tls = match proxies.iter().any(ProxyUrl::is_tls) {
            true => Some(tls::Client::of_proxy(&args.tls)?),
            false => None,
        };
        if tls.is_none() {
            args.tls.check_ca()?;
        }
        Ok(Self { proxies, tls })
    }

    /// One SOCKS5 proxy without a login.
    pub(crate) fn socks5(proxy: Target) -> Self {
        Self { proxies: vec![ProxyUrl::new(Protocol::Socks5, proxy)], tls: None }
    }

    /// The target of the first proxy, if there is one.
    pub(crate) fn first(&self) -> Option<&Target> {
        self.proxies.first().map(ProxyUrl::target)
    }

    /// The proxies without their logins.
    pub(crate) fn names(&self) -> Vec<String> {
        self.proxies.iter().map(ToString::to_string).collect()
    }

    /// A connector of targets through all proxies. The dialer reaches the first.
    pub(crate) fn over<N, T>(
        &self,
        dialer: Dialer<N, StreamConnector<N::Address>, T>,
    ) -> StreamConnector<Target>
    where
        N: Resolver<Address: Address + 'static, Error: Into<BoxError>> + Clone + 'static,
        T: Timer<Sleep: 'static> + Clone + 'static,
    {
        let (first, rest) = self.proxies.split_first().expect("there is a proxy");
        let timer = dialer.timer().clone();
        let mut connector = self.through(dialer, first);
        for proxy in rest {
            let dialer = Dialer::new(ByName, connector, timer.clone());
            let policy = Policy::new().without_timeout();
            connector = self.through(dialer.with_policy(policy), proxy);
        }
        LocalBoxConnector::new(connector.map(|stream| Proxied::from(stream).into()))
    }

    /// A connector of targets through one proxy, which the dialer reaches.
    fn through<N, T>(
        &self,
        dialer: Dialer<N, StreamConnector<N::Address>, T>,
        proxy: &ProxyUrl,
    ) -> StreamConnector<Target>
    where
        N: Resolver<Address: Address + 'static, Error: Into<BoxError>> + Clone + 'static,
        T: Timer<Sleep: 'static> + Clone + 'static,
    {
        match self.tls.as_ref().filter(|_| proxy.is_tls()) {
            Some(tls) => {
                let dialer = dialer.map_connector(|connector| tls.over(connector));
                StreamConnector::erased(Through::new(dialer, proxy).with_inner_tls())
            }
            None => StreamConnector::erased(Through::new(dialer, proxy)),
        }
    }
}

/// The proxy of one `--proxy`.
fn url(count: usize, index: usize, text: &str) -> Result<ProxyUrl, UsageError> {
    let place = match count {
        1 => PROXY.to_owned(),
        _ => format!("{PROXY} number {}", index + 1),
    };
    if text == ENV {
        return Err(UsageError::unquoted(&place, "env must be the only --proxy"));
    }
    ProxyUrl::parse(text).map_err(|error| unread(&place, text, &error))
}

/// What is wrong with a URL, and where. The text may have a password, so only the scheme is shown.
fn unread(place: &str, text: &str, error: &ProxyUrlError) -> UsageError {
    let (span, reason) = (error.span(), error.reason());
    let at = match span.len() {
        0 | 1 => format!("byte {}", span.start),
        _ => format!("bytes {} to {}", span.start, span.end - 1),
    };
    let shape = match text.contains("://") {
        true => "",
        false => "; write a URL, as in socks5h://proxy.example:1080",
    };
    UsageError::unquoted(place, format!("{reason} ({at}){shape}"))
}

/// The proxy that the environment has for a target, if it has one.
fn of_environment(over_tls: bool, target: &Target) -> Result<Vec<ProxyUrl>, Failure> {
    let environment = Environment::from_env()
        .map_err(|error| UsageError::unquoted("--proxy env", with_causes(&error)))?;
    let service = target.service().to_string();
    let scheme = match &service[..] {
        _ if over_tls => Some("https"),
        "https" | "443" => Some("https"),
        "http" | "80" => Some("http"),
        _ => None,
    };
    Ok(environment.proxy(scheme, target).cloned().into_iter().collect())
}

/// Checks that a proxy can be asked for a target, before anything is dialed.
fn check(proxy: &ProxyUrl, target: &Target) -> Result<(), UsageError> {
    if proxy.is_tls() && !tls::PRESENT {
        return Err(UsageError::new(PROXY, &proxy.to_string(), "this build has no TLS"));
    }
    let never = connector_fn(|_: Target| -> Ready<Result<BoxStream, SharedError>> {
        ready(Err(SharedError::new("nothing is dialed")))
    });
    let asked = Proxy::from_url(never, proxy).with_inner_tls();
    asked
        .accepts(&Candidate::new(target.clone()))
        .map_err(|error| UsageError::unquoted("target", error))
}
