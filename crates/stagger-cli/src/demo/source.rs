//! Who says where the demo's name leads: a script, or a name server.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stagger::boxed::LocalBoxResolver;
use stagger::error::SharedError;
use stagger_dns::Config;
use stagger_testkit::dns::{NameServer, Record, Reply};

use super::script::{self, Line};
use crate::resolver::over_dns;
use crate::runtime::Runtime;

/// Who says where the name leads.
pub(crate) enum AnswerSource {
    /// A resolver in the place of one.
    Script(Vec<Line>),
    /// A name server on loopback, which is asked over UDP. It is gone when this is dropped.
    Server { server: NameServer, late: Late },
}

/// The record that a name server is late with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    pub(crate) record: Record,
    pub(crate) by: Duration,
}

impl AnswerSource {
    /// A name server that knows a name by these addresses.
    ///
    /// # Errors
    ///
    /// The system's, when there is no port for it.
    pub(crate) fn server(host: &str, ips: &[IpAddr], late: Late) -> io::Result<Self> {
        let server = NameServer::start()?;
        for record in [Record::A, Record::Aaaa] {
            let reply = Reply::addresses(ips.iter().map(IpAddr::to_string));
            let reply = if record == late.record {
                // Nobody lets it go, so it is late too on a machine that stands still for so long.
                reply.after(late.by).held()
            } else {
                reply
            };
            server.on(host, record, reply);
        }
        Ok(Self::Server { server, late })
    }

    /// The resolver, on a runtime.
    ///
    /// # Errors
    ///
    /// The server can't be asked.
    pub(crate) fn resolver<R>(&self) -> io::Result<LocalBoxResolver<SocketAddr, SharedError>>
    where
        R: Runtime,
    {
        let server = match self {
            Self::Script(lines) => {
                let scripted = script::resolver(lines.clone(), R::timer());
                return Ok(LocalBoxResolver::erased(scripted));
            }
            Self::Server { server, .. } => server.addr(),
        };
        let config = Config::new().with_servers([server]).map_err(io::Error::other)?;
        // Loopback has its families whichever lead out of this machine.
        Ok(LocalBoxResolver::erased(
            over_dns::<R>(config).with_only_connected(false).with_route_preference(false),
        ))
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prompt, late) = match self.record {
            Record::A => ("AAAA", "A"),
            _ => ("A", "AAAA"),
        };
        write!(f, "{prompt} at once and {late} {} s late", self.by.as_secs())
    }
}
