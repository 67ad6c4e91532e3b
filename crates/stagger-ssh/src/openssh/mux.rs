//! The protocol of OpenSSH's control socket (PROTOCOL.mux), as far as a client needs it here. It
//! does no input or output.

use std::fmt;

const HELLO: u32 = 0x0000_0001;
const TERMINATE: u32 = 0x1000_0005;
const NEW_STDIO_FORWARD: u32 = 0x1000_0008;
const OK: u32 = 0x8000_0001;
const PERMISSION_DENIED: u32 = 0x8000_0002;
const FAILURE: u32 = 0x8000_0003;
const SESSION_OPENED: u32 = 0x8000_0006;

/// The only version (PROTOCOL.mux §1).
const VERSION: u32 = 4;

/// The longest message of a master: 256 KiB, as in OpenSSH.
const LONGEST: usize = 256 * 1024;

/// How many messages may come before the one that counts: 16. The number is ours.
const MESSAGES: usize = 16;

/// The id of the only request on a connection.
const REQUEST: u32 = 1;

/// What a client asks of a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To connect two descriptors with a target (`MUX_C_NEW_STDIO_FWD`).
    Forward { host: String, port: u16 },
    /// To end (`MUX_C_TERMINATE`).
    Terminate,
}

/// What comes next in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes of the master.
    Receive,
    /// To send these bytes, and for [`Request::Forward`] then two descriptors.
    Send(Vec<u8>),
    /// The request is granted.
    Granted,
}

/// Why a master did not grant a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `MUX_S_FAILURE`, with its reason.
    Failure(String),
    /// `MUX_S_PERMISSION_DENIED`, with its reason. The user was asked.
    Denied(String),
    /// An answer breaks the protocol.
    Protocol(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(reason) | Self::Denied(reason) | Self::Protocol(reason) => {
                f.write_str(reason)
            }
        }
    }
}

/// One request on one connection.
#[derive(Debug)]
pub(super) struct Exchange {
    request: Request,
    /// Received bytes without the messages that were read.
    buffer: Vec<u8>,
    has_hello: bool,
    messages: usize,
}

impl Exchange {
    pub(super) fn new(request: Request) -> Self {
        Self { request, buffer: Vec::new(), has_hello: false, messages: 0 }
    }

    /// The bytes to begin with.
    pub(super) fn hello() -> Vec<u8> {
        framed(&[HELLO, VERSION], &[])
    }

    /// Takes bytes of the master.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<Step, Fault> {
        self.buffer.extend_from_slice(bytes);
        loop {
            let Some(message) = self.message()? else { return Ok(Step::Receive) };
            self.messages += 1;
            if self.messages > MESSAGES {
                return Err(Fault::Protocol("the master does not answer the request".into()));
            }
            if let Some(step) = self.step(&message)? {
                return Ok(step);
            }
        }
    }

    /// The next whole message, without its length.
    fn message(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(length) = word(&self.buffer, 0) else { return Ok(None) };
        let length = length as usize;
        if length > LONGEST {
            return Err(Fault::Protocol(format!("an answer of the master has {length} bytes")));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let message = self.buffer[4..4 + length].to_vec();
        self.buffer.drain(..4 + length);
        Ok(Some(message))
    }

    fn step(&mut self, message: &[u8]) -> Result<Option<Step>, Fault> {
        let short = || Fault::Protocol("an answer of the master is too short".into());
        let kind = word(message, 0).ok_or_else(short)?;
        let second = word(message, 4).ok_or_else(short)?;
        if !self.has_hello {
            if kind != HELLO {
                return Err(Fault::Protocol("the master does not begin with its version".into()));
            }
            if second != VERSION {
                let text =
                    format!("the master has version {second} of the protocol, not {VERSION}");
                return Err(Fault::Protocol(text));
            }
            self.has_hello = true;
            return Ok(Some(Step::Send(self.request.encode())));
        }
        match kind {
            SESSION_OPENED | OK | FAILURE | PERMISSION_DENIED if second != REQUEST => {
                Err(Fault::Protocol(format!("the master answers request {second}")))
            }
            SESSION_OPENED if matches!(self.request, Request::Forward { .. }) => {
                word(message, 8).ok_or_else(short)?;
                Ok(Some(Step::Granted))
            }
            OK if self.request == Request::Terminate => Ok(Some(Step::Granted)),
            FAILURE => Err(Fault::Failure(string(message, 8).ok_or_else(short)?)),
            PERMISSION_DENIED => Err(Fault::Denied(string(message, 8).ok_or_else(short)?)),
            SESSION_OPENED | OK | HELLO => {
                Err(Fault::Protocol(format!("the master answers with message {kind:#x}")))
            }
            // A client passes over messages that it does not know, such as MUX_S_TTY_ALLOC_FAIL.
            _ => Ok(None),
        }
    }
}

impl Request {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Terminate => framed(&[TERMINATE, REQUEST], &[]),
            Self::Forward { host, port } => {
                // The reserved string is empty.
                let length = u32::try_from(host.len()).expect("a host is short");
                let mut rest = host.as_bytes().to_vec();
                rest.extend(u32::from(*port).to_be_bytes());
                framed(&[NEW_STDIO_FORWARD, REQUEST, 0, length], &rest)
            }
        }
    }
}

/// A message of words and then bytes, after its length.
fn framed(words: &[u32], rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 * words.len() + rest.len()).expect("a message is short");
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    bytes.extend_from_slice(rest);
    bytes
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().expect("a word has four bytes")))
}

fn string(bytes: &[u8], at: usize) -> Option<String> {
    let length = word(bytes, at)? as usize;
    let bytes = bytes.get(at + 4..)?.get(..length)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward() -> Exchange {
        Exchange::new(Request::Forward { host: "db".into(), port: 5432 })
    }

    fn hello() -> Vec<u8> {
        framed(&[HELLO, VERSION, 4], b"info\0\0\0\x010")
    }

    fn reason(kind: u32, request: u32, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap();
        framed(&[kind, request, length], text.as_bytes())
    }

    /// An exchange whose request was sent.
    fn asked() -> Exchange {
        let mut exchange = forward();
        assert!(matches!(exchange.receive(&hello()), Ok(Step::Send(_))));
        exchange
    }

    #[test]
    fn a_request_is_encoded_as_the_protocol_says() {
        assert_eq!(Exchange::hello(), [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4]);
        let Ok(Step::Send(bytes)) = forward().receive(&hello()) else { panic!("it sends") };
        let expected = b"\0\0\0\x16\x10\0\0\x08\0\0\0\x01\0\0\0\0\0\0\0\x02db\0\0\x15\x38";
        assert_eq!(bytes, expected);
        let mut terminate = Exchange::new(Request::Terminate);
        let expected = b"\0\0\0\x08\x10\0\0\x05\0\0\0\x01".to_vec();
        assert_eq!(terminate.receive(&hello()), Ok(Step::Send(expected)));
        assert_eq!(terminate.receive(&framed(&[OK, REQUEST], &[])), Ok(Step::Granted));
    }

    #[test]
    fn an_answer_may_come_in_pieces() {
        let mut exchange = forward();
        let (last, first) = hello().split_last().map(|(l, f)| (*l, f.to_vec())).unwrap();
        for byte in first {
            assert_eq!(exchange.receive(&[byte]), Ok(Step::Receive));
        }
        assert!(matches!(exchange.receive(&[last]), Ok(Step::Send(_))));
        let opened = framed(&[SESSION_OPENED, REQUEST, 7], &[]);
        assert_eq!(exchange.receive(&opened[..9]), Ok(Step::Receive));
        assert_eq!(exchange.receive(&opened[9..]), Ok(Step::Granted));
    }

    #[test]
    fn a_refusal_has_its_reason() {
        let refused = asked().receive(&reason(FAILURE, REQUEST, "refused by peer"));
        assert_eq!(refused, Err(Fault::Failure("refused by peer".into())));
        let denied = asked().receive(&reason(PERMISSION_DENIED, REQUEST, "no"));
        assert_eq!(denied, Err(Fault::Denied("no".into())));
    }

    #[test]
    fn a_message_without_a_meaning_here_is_passed_over() {
        let mut exchange = asked();
        let mut bytes = framed(&[0x8000_0008, 3], &[]);
        bytes.extend(framed(&[SESSION_OPENED, REQUEST, 0], &[]));
        assert_eq!(exchange.receive(&bytes), Ok(Step::Granted));
    }

    #[test]
    fn a_hostile_answer_is_an_error() {
        let protocol = |exchange: &mut Exchange, bytes: &[u8]| match exchange.receive(bytes) {
            Err(Fault::Protocol(text)) => text,
            other => panic!("{other:?}"),
        };
        let long = u32::try_from(LONGEST + 1).unwrap().to_be_bytes();
        assert_eq!(protocol(&mut forward(), &long), "an answer of the master has 262145 bytes");
        protocol(&mut forward(), b"SSH-2.0-OpenSSH_9.2\r\n");
        protocol(&mut forward(), &framed(&[], &[]));
        protocol(&mut forward(), &framed(&[HELLO], &[]));
        protocol(&mut forward(), &framed(&[HELLO, 3], &[]));
        protocol(&mut forward(), &framed(&[SESSION_OPENED, REQUEST, 0], &[]));
        protocol(&mut asked(), &hello());
        protocol(&mut asked(), &framed(&[OK, REQUEST], &[]));
        protocol(&mut asked(), &framed(&[SESSION_OPENED, REQUEST], &[]));
        protocol(&mut asked(), &framed(&[SESSION_OPENED, REQUEST + 1, 0], &[]));
        protocol(&mut asked(), &framed(&[FAILURE, REQUEST], &[]));
        protocol(&mut asked(), &framed(&[FAILURE, REQUEST, u32::MAX], b"x"));
        let endless = framed(&[0x8000_0008, 3], &[]).repeat(MESSAGES);
        assert_eq!(protocol(&mut asked(), &endless), "the master does not answer the request");
    }

    #[test]
    fn the_longest_message_is_allowed() {
        let mut exchange = forward();
        let mut words = vec![0_u8; LONGEST - 8];
        words[0] = 1;
        assert!(matches!(exchange.receive(&framed(&[HELLO, VERSION], &words)), Ok(Step::Send(_))));
    }
}
