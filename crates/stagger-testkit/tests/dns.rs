//! The name server sends its scripted replies, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Instant;

use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_testkit::ms;

const A: u8 = 1;
const AAAA: u8 = 28;

/// A handwritten question, so that the test does not use the code that it tests.
fn question(id: u16, name: &str, record: u8) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, record, 0, 1]);
    message
}

struct Client(UdpSocket);

impl Client {
    fn of(server: &NameServer) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(server.addr()).unwrap();
        Self(socket)
    }

    fn ask(&self, id: u16, name: &str, record: u8) {
        self.0.send(&question(id, name, record)).unwrap();
    }

    fn read(&self) -> Vec<u8> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }
}

/// Id, whether it is truncated, response code, and the numbers of questions, answers and
/// authorities.
fn header(message: &[u8]) -> (u16, bool, u8, [u16; 3]) {
    let number = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    (number(0), message[2] & 2 != 0, message[3] & 15, [4, 6, 8].map(number))
}

#[test]
fn each_question_gets_what_was_told() {
    let server = NameServer::start().unwrap();
    server.on("both.example", Record::A, Reply::addresses(["192.0.2.1", "192.0.2.2"]));
    server.on("both.example", Record::Aaaa, Reply::no_address());
    server.on("alias.example", Record::A, Reply::alias("b.example").with_addresses(["192.0.2.3"]));
    server.on("broken.example", Record::A, Reply::code(2));
    let client = Client::of(&server);
    for (name, record, code, counts) in [
        ("both.example", A, 0, [1, 2, 0]),
        ("BOTH.example", AAAA, 0, [1, 0, 1]),
        ("alias.example", A, 0, [1, 2, 0]),
        ("broken.example", A, 2, [1, 0, 0]),
        ("unknown.example", A, 3, [1, 0, 1]),
    ] {
        client.ask(7, name, record);
        assert_eq!(header(&client.read()), (7, false, code, counts), "{name}");
    }
    assert_eq!(server.asked("both.example", Record::Aaaa), 1);
    let first = &server.questions()[0];
    assert_eq!((first.id, first.over_tcp, first.max_datagram), (7, false, None));
    assert_eq!(first.from, client.0.local_addr().unwrap());
}

#[test]
fn what_is_late_keeps_its_time_and_lets_others_pass() {
    let server = NameServer::start().unwrap();
    server.on("late.example", Record::A, Reply::addresses(["192.0.2.1"]).after(ms(200)));
    server.on("prompt.example", Record::A, Reply::addresses(["192.0.2.1"]));
    server.on("never.example", Record::A, Reply::silence());
    let client = Client::of(&server);
    let asked = Instant::now();
    for (id, name) in [(1, "never.example"), (2, "late.example"), (3, "prompt.example")] {
        client.ask(id, name, A);
    }
    // On a slow machine either reply may be first.
    let mut ids = [(); 2].map(|()| header(&client.read()).0);
    assert!(asked.elapsed() >= ms(200));
    ids.sort_unstable();
    assert_eq!(ids, [2, 3]);
}

#[test]
fn what_is_held_is_said_when_it_is_let_go_and_no_sooner_than_it_was_to_be() {
    let server = NameServer::start().unwrap();
    let found = || Reply::addresses(["192.0.2.1"]);
    server.on("held.example", Record::A, found().held());
    server.on("late.example", Record::A, found().after(ms(200)).held());
    server.on("prompt.example", Record::A, found());
    let client = Client::of(&server);
    let asked = Instant::now();
    for (id, name) in [(1, "late.example"), (2, "held.example"), (3, "prompt.example")] {
        client.ask(id, name, A);
    }
    assert_eq!(header(&client.read()).0, 3);
    client.0.set_nonblocking(true).unwrap();
    assert!(client.0.recv(&mut [0; 512]).is_err());
    client.0.set_nonblocking(false).unwrap();
    server.release();
    let mut ids = [(); 2].map(|()| header(&client.read()).0);
    assert!(asked.elapsed() >= ms(200));
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    client.ask(4, "held.example", A);
    assert_eq!(header(&client.read()).0, 4);
}

#[test]
fn lies_are_told_as_ordered() {
    let server = NameServer::start().unwrap();
    let found = || Reply::addresses(["192.0.2.1"]);
    server.on("id.example", Record::A, found().with_wrong_id());
    server.on("question.example", Record::A, found().with_wrong_question());
    server.on("twice.example", Record::A, found().times(2));
    server.on("garbage.example", Record::A, found().after_garbage(3));
    server.on("bytes.example", Record::A, Reply::bytes([0; 5]));
    let client = Client::of(&server);

    client.ask(1, "id.example", A);
    assert_eq!(header(&client.read()).0, !1);
    client.ask(2, "question.example", A);
    assert!(client.read().windows(4).any(|bytes| bytes == b"else"));
    client.ask(3, "twice.example", A);
    assert_eq!(client.read(), client.read());
    client.ask(4, "garbage.example", A);
    let lengths = [(); 3].map(|()| client.read().len());
    assert_eq!(lengths, [2, 3, 4]);
    assert_eq!(header(&client.read()), (4, false, 0, [1, 1, 0]));
    client.ask(5, "bytes.example", A);
    assert_eq!(client.read(), [0, 5, 0, 0, 0]);
}

#[test]
fn what_does_not_fit_comes_over_tcp_byte_by_byte_if_told_so() {
    let server = NameServer::start().unwrap();
    server.on("big.example", Record::A, Reply::many(2000).over_tcp().byte_by_byte());
    let client = Client::of(&server);
    client.ask(1, "big.example", A);
    assert_eq!(header(&client.read()), (1, true, 0, [1, 0, 0]));

    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let question = question(2, "big.example", A);
    stream.write_all(&(question.len() as u16).to_be_bytes()).unwrap();
    stream.write_all(&question).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(header(&reply), (2, false, 0, [1, 2000, 0]));
    assert!(server.questions()[1].over_tcp);
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let server = NameServer::start().unwrap();
    let addr = server.addr();
    let open = TcpStream::connect(addr).unwrap();
    server.on("late.example", Record::A, Reply::silence().after(ms(3_600_000)));
    Client::of(&server).ask(1, "late.example", A);
    drop(server);
    drop(open);
    assert!(TcpStream::connect(addr).is_err());
}
