//! The sockets of the server.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use hickory_proto::op::Message;
use hickory_proto::rr::Name;

use super::reply::{absolute, record};
use super::schedule::Schedule;
use super::{Record, Reply};
use stagger::drivers::lock;

/// How many pairs of sockets are tried to find one free port for both: 100. The number is ours; a
/// clash is rare.
const TRIES: usize = 100;

/// A name server with scripted replies, on loopback. Dropping it stops the server.
///
/// A question without a scripted reply gets [`Reply::not_found`].
pub struct NameServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    schedule: Arc<Schedule>,
    udp: Option<JoinHandle<()>>,
    tcp: Option<JoinHandle<()>>,
}

/// A question that the server has received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The name, in lower case and without a trailing dot.
    pub name: String,
    /// The type of record.
    pub record: Record,
    /// Whether it came over TCP.
    pub over_tcp: bool,
    /// The id of the message.
    pub id: u16,
    /// The sender of the question.
    pub from: SocketAddr,
    /// The largest datagram that the sender accepts, if EDNS gave one (RFC 6891 §6.2.3).
    pub max_datagram: Option<u16>,
}

struct Shared {
    udp: UdpSocket,
    state: Mutex<State>,
    over: AtomicBool,
}

#[derive(Default)]
struct State {
    replies: HashMap<(Name, Record), Reply>,
    otherwise: Option<Reply>,
    questions: Vec<Question>,
    connections: Vec<(TcpStream, JoinHandle<()>)>,
}

impl NameServer {
    /// Starts a server on a port of 127.0.0.1 that the system chooses. UDP and TCP have the same
    /// port.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Starts a server at this address. With port 0 the system chooses a port, the same for UDP and
    /// TCP.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub fn start_at(addr: SocketAddr) -> io::Result<Self> {
        let mut tries = if addr.port() == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            let udp = UdpSocket::bind(addr)?;
            match TcpListener::bind(udp.local_addr()?) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                tcp => return Self::serve(udp, tcp?),
            }
        }
    }

    fn serve(udp: UdpSocket, tcp: TcpListener) -> io::Result<Self> {
        let addr = udp.local_addr()?;
        let shared =
            Arc::new(Shared { udp, state: Mutex::default(), over: AtomicBool::new(false) });
        // Held replies own the sockets, so the sockets must not own the schedule: that would be a
        // cycle.
        let schedule = Arc::new(Schedule::start());
        let (of_udp, for_udp) = (Arc::clone(&shared), Arc::clone(&schedule));
        let (of_tcp, for_tcp) = (Arc::clone(&shared), Arc::clone(&schedule));
        let udp = Some(thread::spawn(move || of_udp.serve_udp(&for_udp)));
        let tcp = Some(thread::spawn(move || of_tcp.serve_tcp(&tcp, &for_tcp)));
        Ok(Self { addr, shared, schedule, udp, tcp })
    }

    /// The address of the server.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sets the reply to a question from now on.
    ///
    /// # Panics
    ///
    /// Panics if the text is not a name.
    pub fn on(&self, name: &str, record: Record, reply: Reply) {
        self.shared.state().replies.insert((absolute(name).to_lowercase(), record), reply);
    }

    /// Sets the reply to every other question from now on.
    pub fn otherwise(&self, reply: Reply) {
        self.shared.state().otherwise = Some(reply);
    }

    /// Sends the [held](Reply::held) replies, each after its own delay. Later replies are not held.
    pub fn release(&self) {
        self.schedule.release();
    }

    /// All questions so far, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.state().questions.clone()
    }

    /// How many questions for this record have come so far, over UDP and TCP.
    pub fn asked(&self, name: &str, record: Record) -> usize {
        let state = self.shared.state();
        let is_it = |question: &&Question| question.name == name && question.record == record;
        state.questions.iter().filter(is_it).count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // A reply without a reader ends here, before the code waits for its thread.
        self.shared.hang_up();
        // This wakes each thread once more, so that it sees the end.
        let _ = UdpSocket::bind((self.addr.ip(), 0)).and_then(|own| own.send_to(&[], self.addr));
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.tcp.take() {
            let _ = thread.join();
        }
        // Ends the connections that were accepted meanwhile.
        self.shared.hang_up();
        let connections = std::mem::take(&mut self.shared.state().connections);
        let conversations = connections.into_iter().map(|(_, thread)| thread);
        for thread in conversations.chain(self.udp.take()) {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for NameServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NameServer").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Ends every TCP connection.
    fn hang_up(&self) {
        for (connection, _) in &self.state().connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn serve_udp(self: &Arc<Self>, schedule: &Schedule) {
        let mut buffer = [0; 4096];
        while !self.is_over() {
            // On some systems, a reply to a closed socket causes an error here.
            let Ok((length, from)) = self.udp.recv_from(&mut buffer) else { continue };
            let Some((question, reply)) = self.note(&buffer[..length], from, false) else {
                continue;
            };
            let shared = Arc::clone(self);
            schedule.when(reply.when, move || shared.say(&question, &reply, from));
        }
    }

    /// The sender of the question may be gone.
    fn say(&self, question: &Message, reply: &Reply, to: SocketAddr) {
        for number in 0..reply.garbage {
            let mut garbage = question.metadata.id.to_be_bytes().to_vec();
            garbage.extend((0..number % 64).map(|byte| byte as u8));
            let _ = self.udp.send_to(&garbage, to);
        }
        let Some(message) = reply.message(question, false) else { return };
        for _ in 0..reply.times {
            let _ = self.udp.send_to(&message, to);
        }
    }

    fn serve_tcp(self: &Arc<Self>, tcp: &TcpListener, schedule: &Arc<Schedule>) {
        while !self.is_over() {
            let Ok((stream, from)) = tcp.accept() else { continue };
            let Ok(kept) = stream.try_clone() else { continue };
            let (shared, schedule) = (Arc::clone(self), Arc::clone(schedule));
            let thread = thread::spawn(move || shared.converse(stream, from, &schedule));
            self.state().connections.push((kept, thread));
        }
    }

    /// Answers on one connection until its other end closes it. An error ends only this connection.
    fn converse(&self, mut stream: TcpStream, from: SocketAddr, schedule: &Schedule) {
        let mut read = || {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut message)?;
            stream.try_clone().map(|stream| (message, stream))
        };
        while let Ok((message, stream)) = read() {
            let Some((question, reply)) = self.note(&message, from, true) else { continue };
            schedule.when(reply.when, move || {
                let _ = say_over_tcp(&stream, &question, &reply);
            });
        }
    }

    /// Records a question and returns its reply, or `None` if the bytes are not a question.
    fn note(&self, bytes: &[u8], from: SocketAddr, over_tcp: bool) -> Option<(Message, Reply)> {
        let message = Message::from_vec(bytes).ok()?;
        let [query] = &message.queries[..] else { return None };
        let name = query.name().to_lowercase();
        let record = record(query.query_type())?;
        let mut state = self.state();
        state.questions.push(Question {
            name: name.to_ascii().trim_end_matches('.').to_owned(),
            record,
            over_tcp,
            id: message.metadata.id,
            from,
            max_datagram: message.edns.as_ref().map(|edns| edns.max_payload()),
        });
        let reply = state.replies.get(&(name, record)).or(state.otherwise.as_ref()).cloned();
        drop(state);
        Some((message, reply.unwrap_or_else(Reply::not_found)))
    }
}

fn say_over_tcp(mut stream: &TcpStream, question: &Message, reply: &Reply) -> io::Result<()> {
    let Some(message) = reply.message(question, true) else { return Ok(()) };
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let message = [&length.to_be_bytes()[..], &message[..length.into()]].concat();
    for _ in 0..reply.times {
        if reply.byte_by_byte {
            stream.set_nodelay(true)?;
            for byte in &message {
                stream.write_all(std::slice::from_ref(byte))?;
            }
        } else {
            stream.write_all(&message)?;
        }
    }
    Ok(())
}
