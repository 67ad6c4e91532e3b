//! The names of `tls` in a build without the feature `tls`: no options, and values that cannot
//! exist.

use std::io;
use std::net::TcpListener;

use serde_json::Value;

use crate::failure::Failure;
use crate::listen::Door;
use crate::runtime::{Runtime, StreamConnector};

pub(crate) const PRESENT: bool = false;
pub(crate) const CONNECT_EXAMPLE: &str = "";
pub(crate) const CONNECT_EXAMPLES: &str = "";
pub(crate) const CONNECT_HELP: &str = "";
pub(crate) const LISTEN_EXAMPLE: &str = "";
pub(crate) const WRONG: &str = "";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectTls {}

#[derive(Debug, Default, clap::Args)]
pub(crate) struct ListenTls {}

#[derive(Clone, Debug)]
pub(crate) enum Client {}

impl Client {
    pub(crate) fn of(_: &ConnectTls) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(crate) fn over(&self, _: StreamConnector) -> StreamConnector {
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

pub(crate) fn hint(_: &stagger::Error) -> Option<&'static str> {
    None
}
