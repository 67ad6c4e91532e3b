//! The exchange with a proxy as a plain value: bytes in, bytes out.

mod http;
mod socks5;

use crate::error::{Fault, ProxyErrorKind};
use crate::request::Request;
use crate::{Login, Protocol};

use self::http::Http;
use self::socks5::Socks5;

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// Write these bytes.
    Write(&'a [u8]),
    /// Read at most this many bytes. More would belong to the server behind the proxy.
    Read(usize),
    /// The proxy has connected.
    Done,
}

/// One exchange in progress. It has no `Debug`, because its bytes contain the login.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    talk: Talk,
    output: Vec<u8>,
    // How many bytes of the output are written.
    written: usize,
    // The answer that is being read.
    input: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
enum Talk {
    Socks5(Socks5),
    Http(Http),
    Done,
}

/// What a protocol makes of the bytes of an answer.
enum Reading {
    /// The answer is not complete.
    More,
    /// The answer is complete. This is sent next, and another answer follows.
    Send(Vec<u8>),
    /// The answer is complete, and another follows.
    Again,
    /// The proxy has connected.
    Done,
}

impl Machine {
    pub(crate) fn new(protocol: Protocol, request: Request, login: Option<Login>) -> Self {
        let (talk, output) = match protocol {
            Protocol::Socks5 => {
                let (talk, greeting) = Socks5::new(request, login);
                (Talk::Socks5(talk), greeting)
            }
            Protocol::Http => {
                let (talk, head) = Http::new(&request, login.as_ref());
                (Talk::Http(talk), head)
            }
        };
        Self { talk, output, written: 0, input: Vec::new() }
    }

    pub(crate) fn next(&self) -> Next<'_> {
        match &self.output[self.written..] {
            [] => match &self.talk {
                Talk::Socks5(talk) => Next::Read(talk.missing(&self.input)),
                Talk::Http(talk) => Next::Read(talk.missing(&self.input)),
                Talk::Done => Next::Done,
            },
            rest => Next::Write(rest),
        }
    }

    /// These many bytes of [`Next::Write`] were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.written += count;
    }

    /// These bytes were read.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.input.extend_from_slice(bytes);
        let reading = match &mut self.talk {
            Talk::Socks5(talk) => talk.read(&self.input)?,
            Talk::Http(talk) => talk.read(&self.input)?,
            Talk::Done => Reading::Done,
        };
        match reading {
            Reading::More => {}
            Reading::Again => self.input.clear(),
            Reading::Send(output) => {
                self.input.clear();
                self.output = output;
                self.written = 0;
            }
            Reading::Done => self.talk = Talk::Done,
        }
        Ok(())
    }

    /// The failure of a proxy that closed the connection now.
    pub(crate) fn closed(&self) -> Fault {
        let text = match (self.input.is_empty(), self.step()) {
            (true, step) => format!("the proxy closed the connection during {step}"),
            (false, step) => format!("the proxy closed the connection in its answer to {step}"),
        };
        Fault::new(ProxyErrorKind::Closed, text)
    }

    /// The current step, for a person.
    pub(crate) fn step(&self) -> &'static str {
        match &self.talk {
            Talk::Socks5(talk) => talk.step(),
            Talk::Http(_) | Talk::Done => "the request",
        }
    }
}

/// The failure of an answer that is not of the expected protocol, by its first byte.
fn stranger(first: u8, expected: Protocol) -> Fault {
    let text = match (first, expected) {
        (b'H', Protocol::Socks5) => "the proxy answered with HTTP: use it as an HTTP proxy".into(),
        (5, Protocol::Http) => "the proxy answered with SOCKS5: use it as a SOCKS5 proxy".into(),
        (0 | 4, _) => "the proxy answered with SOCKS4, which is not supported".into(),
        // An alert or a handshake of TLS (RFC 8446 §5.1).
        (0x15 | 0x16, _) => "the proxy answered with TLS: it needs TLS on the way to it".into(),
        _ => format!("the proxy did not answer with {expected}"),
    };
    Fault::new(ProxyErrorKind::WrongProtocol, text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs an exchange with these answers, whatever is written. Returns what was written, and what
    /// was left of the answers. `most` is the number of bytes that come at a time.
    pub(crate) fn run(
        machine: &mut Machine,
        mut answers: &[u8],
        most: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let mut written = Vec::new();
        loop {
            match machine.next() {
                Next::Write(bytes) => {
                    let count = bytes.len().min(most);
                    written.extend_from_slice(&bytes[..count]);
                    machine.wrote(count);
                }
                Next::Read(count) => {
                    assert!(count > 0, "a read of nothing looks like the end");
                    let (now, later) = answers.split_at(count.min(most).min(answers.len()));
                    if now.is_empty() {
                        return Err(machine.closed());
                    }
                    machine.received(now)?;
                    answers = later;
                }
                Next::Done => return Ok((written, answers.to_vec())),
            }
        }
    }

    pub(crate) fn machine(protocol: Protocol, login: Option<Login>) -> Machine {
        let target = stagger::Target::parse("example.com:443").unwrap();
        Machine::new(protocol, Request::new(&target).unwrap(), login)
    }
}
