//! Shows datagrams: as lines, as JSON, or only their bytes.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use stagger::address::Family;
use stagger_net::Interface;
use stagger_net::udp::Datagram;

use super::addr::{interface_name, named};
use super::group::Group;
use crate::args::UdpOutputArgs;
use crate::console::{Console, Exit};
use crate::escape::quoted_bytes;
use crate::failure::Failure;
use crate::json::printed;
use stagger::text::with_causes;

/// Shows each event.
pub(super) struct Shown<'c> {
    console: RefCell<&'c mut Console>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Json,
    Raw,
}

impl<'c> Shown<'c> {
    pub(super) fn new(console: &'c mut Console, args: &UdpOutputArgs) -> Self {
        let form = match (args.json, args.raw) {
            (true, _) => Form::Json,
            (_, true) => Form::Raw,
            _ => Form::Lines,
        };
        Self { console: RefCell::new(console), form }
    }

    /// Whether nothing more can be shown, as on a full disk. The console reports that in the end.
    pub(super) fn is_lost(&self) -> bool {
        self.console.borrow().has_failed()
    }

    /// The socket can receive. With raw bytes, standard error has the port.
    ///
    /// `missing` is a family that the machine lacks, if the socket was to have both.
    pub(super) fn listening(
        &self,
        local: SocketAddr,
        both: bool,
        missing: Option<(Family, &io::Error)>,
    ) {
        let over_ipv4_too = both && missing.is_none();
        let line = || {
            let too = if over_ipv4_too { ", and on IPv4" } else { "" };
            let missing = missing.map(|(family, error)| {
                format!("\nnot listening on {family}: {}", with_causes(error))
            });
            format!("listening on {}{too}{}", named(local), missing.unwrap_or_default())
        };
        if self.form == Form::Raw {
            return self.console.borrow_mut().complain(&(line() + "\n"));
        }
        self.tell(line, || {
            let mut told = json!({
                "event": "listening",
                "local": local.to_string(),
                "over_ipv4_too": over_ipv4_too,
            });
            if let Some((family, error)) = missing {
                let (family, error) = (family.to_string(), with_causes(error));
                told["missing"] = json!({ "family": family, "error": error });
            }
            told
        });
    }

    /// A group was joined.
    pub(super) fn joined(&self, group: &Group) {
        self.tell(
            || format!("joined {group}"),
            || {
                json!({
                    "event": "joined",
                    "group": group.addr.to_string(),
                    "interface": group.interface,
                    "sources": group.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            },
        );
    }

    /// A datagram was sent.
    pub(super) fn sent(&self, bytes: &[u8], peer: SocketAddr, local: Option<SocketAddr>) {
        self.tell(
            || {
                let from = local.map(|local| format!(" from {}", named(local)));
                let (count, data) = (count(bytes.len()), quoted_bytes(bytes));
                format!("sent {count} to {}{}: {data}", named(peer), from.unwrap_or_default())
            },
            || {
                json!({
                    "event": "sent",
                    "length": bytes.len(),
                    "peer": peer.to_string(),
                    "local": local.map(|local| local.to_string()),
                    "text": text(bytes),
                    "hex": hex(bytes),
                })
            },
        );
    }

    /// A datagram was received.
    pub(super) fn received(&self, datagram: &Datagram, bytes: &[u8]) {
        if self.form == Form::Raw {
            return self.console.borrow_mut().write(bytes);
        }
        let arrival = datagram.arrival;
        self.tell(
            || {
                let cut = if datagram.truncated { " (cut short)" } else { "" };
                let came = arrival.map(|arrival| {
                    let name = interface_name(arrival.interface());
                    format!(" at {} by {name}", arrival.destination())
                });
                let (count, data) = (count(bytes.len()), quoted_bytes(bytes));
                let (peer, came) = (named(datagram.peer), came.unwrap_or_default());
                format!("received {count}{cut} from {peer}{came}: {data}")
            },
            || {
                let name = |index| Interface::from(index).name().ok().flatten();
                json!({
                    "event": "received",
                    "length": bytes.len(),
                    "truncated": datagram.truncated,
                    "peer": datagram.peer.to_string(),
                    "destination": arrival.map(|arrival| arrival.destination().to_string()),
                    "interface": arrival.map(|arrival| arrival.interface()),
                    "interface_name": arrival.and_then(|arrival| name(arrival.interface())),
                    "text": text(bytes),
                    "hex": hex(bytes),
                })
            },
        );
    }

    /// Something failed. The command may go on.
    pub(super) fn error(&self, error: &str) {
        if self.form == Form::Json {
            let object = json!({"event": "error", "error": error});
            self.console.borrow_mut().print(&(printed(&object) + "\n"));
        } else {
            self.console.borrow_mut().error(error);
        }
    }

    /// Shows why the command fails, if it does, and returns the exit code.
    pub(super) fn end(&self, ended: Result<(), Failure>) -> Exit {
        match ended {
            Ok(()) => Exit::Success,
            Err(Failure { message, exit }) => {
                self.error(&message);
                exit
            }
        }
    }

    fn tell(&self, line: impl FnOnce() -> String, object: impl FnOnce() -> Value) {
        let text = match self.form {
            Form::Lines => line(),
            Form::Json => printed(&object()),
            Form::Raw => return,
        };
        self.console.borrow_mut().print(&(text + "\n"));
    }
}

fn count(bytes: usize) -> String {
    format!("{bytes} {}", if bytes == 1 { "byte" } else { "bytes" })
}

/// The bytes as text, if they are UTF-8.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Two digits for each byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_and_told_exactly() {
        assert_eq!(
            (count(0), count(1), count(2)),
            ("0 bytes".into(), "1 byte".into(), "2 bytes".into())
        );
        assert_eq!(hex(b"\x00\xffa"), "00ff61");
        assert_eq!((text("é".as_bytes()), text(b"\xff")), (Some("é"), None));
    }
}
