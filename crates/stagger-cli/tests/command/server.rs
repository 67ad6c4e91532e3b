//! A name server that answers as it is told.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Prompt,
    /// After a second, and not before [`NameServer::release`], so that a slow machine does not make
    /// it look prompt.
    Late,
    Never,
}

/// The type of record that a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Record {
    A = 1,
    Aaaa = 28,
}

/// Knows loopback's addresses by any name, on port 53 of 127.0.0.1, for as long as the process
/// runs.
pub(crate) struct NameServer(Arc<Shared>);

struct Shared {
    socket: UdpSocket,
    state: Mutex<State>,
    released: Condvar,
}

struct State {
    a: Reply,
    aaaa: Reply,
    /// What has been asked since it was told how to answer.
    asked: Vec<Record>,
    released: bool,
}

impl NameServer {
    /// A server that says nothing until it is told to.
    pub(crate) fn start() -> Self {
        let state =
            State { a: Reply::Never, aaaa: Reply::Never, asked: Vec::new(), released: false };
        let shared = Arc::new(Shared {
            socket: UdpSocket::bind("127.0.0.1:53").unwrap(),
            state: Mutex::new(state),
            released: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || serving.serve());
        Self(shared)
    }

    /// Tells how to answer from now on.
    pub(crate) fn answers(&self, aaaa: Reply, a: Reply) {
        *self.0.state.lock().unwrap() = State { a, aaaa, asked: Vec::new(), released: false };
    }

    /// Lets late replies go once their second is over.
    pub(crate) fn release(&self) {
        self.0.state.lock().unwrap().released = true;
        self.0.released.notify_all();
    }

    /// How often a record was asked for since it was told how to answer.
    pub(crate) fn asked(&self, record: Record) -> usize {
        let state = self.0.state.lock().unwrap();
        state.asked.iter().filter(|asked| **asked == record).count()
    }
}

impl Shared {
    fn serve(self: &Arc<Self>) {
        let mut question = [0; 512];
        loop {
            let (length, client) = self.socket.recv_from(&mut question).unwrap();
            let question = &question[..length];
            let Some(record) = record(question) else { continue };
            let mut state = self.state.lock().unwrap();
            state.asked.push(record);
            let reply = if record == Record::A { state.a } else { state.aaaa };
            drop(state);
            let answer = answer(question, record);
            match reply {
                Reply::Prompt => self.send(&answer, client),
                Reply::Late => {
                    let late = Arc::clone(self);
                    thread::spawn(move || late.send_late(&answer, client));
                }
                Reply::Never => {}
            }
        }
    }

    fn send_late(&self, answer: &[u8], client: SocketAddr) {
        // A reply is late on the machine's own clock, so this sleeps for real.
        thread::sleep(Duration::from_secs(1));
        let state = self.state.lock().unwrap();
        drop(self.released.wait_while(state, |state| !state.released).unwrap());
        self.send(answer, client);
    }

    /// Who asked may be gone.
    fn send(&self, answer: &[u8], client: SocketAddr) {
        let _ = self.socket.send_to(answer, client);
    }
}

/// The end of the first question: of its name, type and class (RFC 1035 §4.1.2).
fn end(message: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1 + length;
        if length == 0 {
            return (at + 4 <= message.len()).then_some(at + 4);
        }
    }
}

fn record(message: &[u8]) -> Option<Record> {
    let end = end(message)?;
    match u16::from_be_bytes([message[end - 4], message[end - 3]]) {
        1 => Some(Record::A),
        28 => Some(Record::Aaaa),
        _ => None,
    }
}

/// One answer to the question, with loopback's address.
fn answer(question: &[u8], record: Record) -> Vec<u8> {
    let end = end(question).unwrap();
    let address = match record {
        Record::A => Ipv4Addr::LOCALHOST.octets().to_vec(),
        Record::Aaaa => Ipv6Addr::LOCALHOST.octets().to_vec(),
    };
    let mut message = question[..2].to_vec();
    // A response without error; one question, one answer, and no more.
    message.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    message.extend(&question[12..end]);
    // The name of the question, the type, the class IN, a lifetime of one minute.
    message.extend([0xc0, 12]);
    message.extend((record as u16).to_be_bytes());
    message.extend([0, 1, 0, 0, 0, 60]);
    message.extend(u16::try_from(address.len()).unwrap().to_be_bytes());
    message.extend(address);
    message
}
