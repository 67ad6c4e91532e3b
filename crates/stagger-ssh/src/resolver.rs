//! Resolvers that read the configuration.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_lite::{StreamExt as _, stream};
use stagger::resolve::{Query, Record};
use stagger::target::Service;
use stagger::{Answer, Resolver, Target};

use crate::setup::Setup;
use crate::{Destination, SshAlias, SshError, SshErrorKind, SshHost};

/// Looks up the host of a target in the configuration. [`Ssh::resolver`](crate::Ssh::resolver)
/// makes it.
///
/// The service `ssh` means the port of the configuration. A port by number is like `-p` of ssh(1).
/// A target cannot name every alias: use [`SshAlias`] for `prod/db`, and for `user@alias`. An
/// unusable configuration ends a race.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger_ssh::Ssh;
/// use stagger_ssh::config::ConfigFiles;
///
/// # futures_lite::future::block_on(async {
/// # let file = std::env::temp_dir().join(format!("stagger-ssh-resolver-{}", std::process::id()));
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = server.local_addr()?.port();
/// std::fs::write(&file, format!("Host web\n HostName 127.0.0.1\n Port {port}\n"))?;
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::file(&file));
///
/// let dialer = Dialer::new(ssh.resolver(), ssh.connector(), stagger_smol::Timer);
/// let stream = dialer.connect("web:ssh").await?;
/// assert_eq!(stream.tcp().unwrap().peer_addr()?.port(), port);
/// # std::fs::remove_file(&file)?;
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct SshResolver<S>(pub(crate) Setup<S>);

impl<S: Send + 'static> Resolver for SshResolver<S> {
    type Address = SshHost;
    type Error = SshError;
    type Answers = SshAnswers;

    fn resolve(&self, query: &Query) -> SshAnswers {
        let (setup, target) = (self.0.clone(), query.target().clone());
        let answer = stream::once_future(async move {
            let found = match destination_of(&target) {
                Ok(destination) => setup.resolve(&SshAlias::from(destination)).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(host) => Answer::found(Record::Addresses, [host]),
                Err(error) => {
                    let is_final = error.is_final();
                    Answer::failed(Record::Addresses, error).with_final(is_final)
                }
            }
        });
        // HTTPS records are answered negatively, so that no race waits for them.
        let https = query.https().then(|| Answer::negative(Record::Https));
        SshAnswers(Box::pin(stream::iter(https).chain(answer)))
    }
}

/// The answers of an [`SshResolver`].
///
/// # Cancel safety
///
/// Dropping it abandons the lookup, and kills a command of `Match exec`.
///
/// # Examples
///
/// See [`SshResolver`].
#[must_use = "streams do nothing unless polled"]
pub struct SshAnswers(Pin<Box<dyn Stream<Item = Answer<SshHost, SshError>> + Send>>);

impl Stream for SshAnswers {
    type Item = Answer<SshHost, SshError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// A resolver that returns the target itself as an alias, for an
/// [`SshConnector`](crate::SshConnector) that looks it up. [`Ssh::connect`](crate::Ssh::connect)
/// uses it.
///
/// # Examples
///
/// See [`SshConnector`](crate::SshConnector).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByAlias;

impl Resolver for ByAlias {
    type Address = SshAlias;
    type Error = SshError;
    type Answers = ByAliasAnswers;

    fn resolve(&self, query: &Query) -> ByAliasAnswers {
        let https = query.https().then(|| Answer::negative(Record::Https));
        let answer = match destination_of(query.target()) {
            Ok(destination) => Answer::found(Record::Addresses, [SshAlias::from(destination)]),
            Err(error) => Answer::failed(Record::Addresses, error).with_final(true),
        };
        ByAliasAnswers([Some(answer), https])
    }
}

/// The answers of [`ByAlias`].
///
/// # Examples
///
/// See [`SshConnector`](crate::SshConnector).
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ByAliasAnswers([Option<Answer<SshAlias, SshError>>; 2]);

impl Stream for ByAliasAnswers {
    type Item = Answer<SshAlias, SshError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let [answer, https] = &mut self.0;
        Poll::Ready(https.take().or_else(|| answer.take()))
    }
}

/// The host as an alias. The service `ssh` is the port of the configuration.
fn destination_of(target: &Target) -> Result<Destination, SshError> {
    let port = match target.service() {
        Service::Name(name) if name.eq_ignore_ascii_case("ssh") => None,
        Service::Port(port) => Some(*port),
        service => {
            let text = format!("its service must be ssh or a port, not {service}");
            return Err(SshError::new(SshErrorKind::Config, target, text));
        }
    };
    let destination = Destination { user: None, host: target.host().to_string(), port };
    // A target may have characters that a shell would run in a `ProxyCommand`.
    destination.checked().map_err(|error| error.at(target))
}

impl<S> Clone for SshResolver<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for SshResolver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshResolver").finish_non_exhaustive()
    }
}

impl fmt::Debug for SshAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAnswers").finish_non_exhaustive()
    }
}
