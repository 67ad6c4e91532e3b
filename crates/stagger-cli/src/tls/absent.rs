//! The names of `tls` in a build without the feature `tls`: no options, and values that cannot
//! exist.

use std::io;
use std::net::TcpListener;

use serde_json::Value;
use stagger::error::SharedError;
use stagger_endpoint::AddrText;

use crate::dial::StreamConnector;
use crate::failure::Failure;
use crate::listen::Door;
use crate::runtime::Runtime;
use crate::usage::UsageError;

pub(crate) const PRESENT: bool = false;
pub(crate) const CONNECT_EXAMPLE: &str = "";
pub(crate) const CONNECT_EXAMPLES: &str = "";
pub(crate) const CONNECT_HELP: &str = "";
pub(crate) const LISTEN_EXAMPLE: &str = "";
pub(crate) const WRONG: &str = "";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectTls {}

impl ConnectTls {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn check_ca(&self) -> Result<(), UsageError> {
        Ok(())
    }
}

#[derive(Debug, Default, clap::Args)]
pub(crate) struct ListenTls {}

#[derive(Clone, Debug)]
pub(crate) enum Client {}

impl Client {
    pub(crate) fn of(_: &ConnectTls) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(crate) fn of_proxy(_: &ConnectTls) -> Result<Self, Failure> {
        Err(Failure::new("this build has no TLS".to_owned()))
    }

    pub(crate) fn over<A>(&self, _: StreamConnector<A>) -> StreamConnector<A> {
        match *self {}
    }

    pub(crate) fn warning(&self) -> Option<&'static str> {
        match *self {}
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Server {}

impl Server {
    pub(crate) fn of(_: &ListenTls) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(crate) fn over<R: Runtime>(&self, _: Door) -> Door {
        match *self {}
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Session {}

impl Session {
    pub(crate) fn protocol(&self) -> String {
        match *self {}
    }

    pub(crate) fn half_closes(&self) -> bool {
        match *self {}
    }

    pub(crate) fn text(&self) -> String {
        match *self {}
    }

    pub(crate) fn json(&self) -> Value {
        match *self {}
    }
}

pub(crate) struct Pair {
    pub(crate) client: Client,
}

impl Pair {
    pub(crate) fn new(_: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn serve(&self, _: TcpListener) {
        match self.client {}
    }
}

pub(crate) fn session_on_tokio(_: &stagger_endpoint::tokio::BoxStream) -> Option<Session> {
    None
}

pub(crate) fn session_on_futures(_: &stagger_endpoint::smol::BoxStream) -> Option<Session> {
    None
}

pub(crate) fn failed_handshake(_: &SharedError) -> Option<(AddrText, String)> {
    None
}

pub(crate) fn proxy_hint(_: &SharedError) -> Option<&'static str> {
    None
}

pub(crate) fn hint(_: &stagger::Error) -> Option<&'static str> {
    None
}
