//! ureq with Happy Eyeballs: the traits `Connector` and `Transport`, which block.
//!
//! Traps:
//!
//! - ureq's own `TcpTransport` is not public, so a transport is written again.
//! - The traits are in `ureq::unversioned`: a minor version may change them.
//! - ureq resolves the name before it calls the connector. `Unresolved` skips that.
//! - Chain `RustlsConnector` behind `Dialed` for `https`. TLS is then after the race.
//! - The connector blocks, and a runtime of tokio of its own runs the dial. Inside an async
//!   program, call ureq through `spawn_blocking`.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use lab::{Row, Server, Situation};
use tokio::runtime::{Builder, Runtime};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Error};

/// The glue: the connector.
#[derive(Debug)]
struct Dialed(stagger_tokio::Dialer, Runtime);

impl<In: Transport> Connector<In> for Dialed {
    type Out = Stream;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<In>,
    ) -> Result<Option<Stream>, Error> {
        let dial = self.0.connect(details.uri);
        let dial = async { tokio::time::timeout(*details.timeout.after, dial).await };
        let stream = match self.1.block_on(dial) {
            Ok(Ok(stream)) => stream.into_std()?,
            Ok(Err(error)) => return Err(Error::Io(error.into())),
            Err(_) => return Err(Error::Timeout(details.timeout.reason)),
        };
        stream.set_nonblocking(false)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Stream { stream, buffers }))
    }
}

/// The glue: the transport.
#[derive(Debug)]
struct Stream {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for Stream {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(limit(timeout))?;
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output).map_err(|error| late(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(limit(timeout))?;
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input).map_err(|error| late(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// A connection that has something to read between two requests is closed or broken.
    fn is_open(&mut self) -> bool {
        let is_open = || {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            io::Result::Ok(peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
        };
        is_open().unwrap_or(false)
    }
}

fn limit(timeout: NextTimeout) -> Option<Duration> {
    timeout.not_zero().map(|limit| *limit)
}

fn late(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => error.into(),
    }
}

/// The glue: a resolver that leaves the name to the dialer. ureq wants an address, and uses none.
#[derive(Debug)]
struct Unresolved;

impl Resolver for Unresolved {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addrs = self.empty();
        addrs.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        Ok(addrs)
    }
}

fn agent() -> lab::Result<Agent> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let connector = Dialed(stagger_tokio::dialer(), runtime);
    Ok(Agent::with_parts(Config::default(), connector, Unresolved))
}

fn answers(agent: &Agent, host: &str) -> lab::Result {
    for _ in 0..2 {
        let mut response = agent.get(format!("http://{host}/")).call()?;
        assert_eq!(response.status(), 200);
        assert_eq!(response.body_mut().read_to_string()?, "hello\n");
    }
    Ok(())
}

/// Runs a blocking function on a thread of tokio's.
async fn blocking(body: impl FnOnce() -> lab::Result + Send + 'static) -> lab::Result {
    tokio::task::spawn_blocking(body).await?
}

fn main() {
    lab::run(async || {
        let server = Server::nginx();
        let row = Row::new("ureq")
            .with_own(async |host| {
                blocking(move || answers(&Agent::new_with_defaults(), host)).await
            })
            .with_ours(async |host| blocking(move || answers(&agent()?, host)).await)
            .with_stuck(Situation::Stalled);
        row.print(server.port()).await;
        Ok(())
    });
}
