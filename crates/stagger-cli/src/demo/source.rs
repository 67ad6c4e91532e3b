//! The source of the answers for the demo's name: a script, or a name server.

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

/// The source of the answers.
pub(crate) enum AnswerSource {
    /// A scripted resolver.
    Script(Vec<Line>),
    /// A name server on loopback, over UDP. Dropping it stops the server.
    Server { server: NameServer, late: Late },
}

/// The record that a name server answers late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    pub(crate) record: Record,
    pub(crate) by: Duration,
}

impl AnswerSource {
    /// A name server that has these addresses for a name.
    ///
    /// # Errors
    ///
    /// The system has no free port for it.
    pub(crate) fn server(host: &str, ips: &[IpAddr], late: Late) -> io::Result<Self> {
        let server = NameServer::start()?;
        for record in [Record::A, Record::Aaaa] {
            let reply = Reply::addresses(ips.iter().map(IpAddr::to_string));
            let reply = if record == late.record {
                // The reply is held for ever, so it is late even if the machine stands still.
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
    /// The configuration is wrong.
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
        // Loopback has both families, whatever routes this machine has.
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
