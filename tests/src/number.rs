//! A name server for names of numbers, which answers faster than any client asks.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Socket, Type};

/// How many sockets share its port. Who asks is spread over them by the kernel, so each has room
/// for its part of what is sent in one go; one alone would lose datagrams where `rmem_max` is as
/// small as it is unless set.
const SOCKETS: usize = 8;

/// How much each may keep, in bytes, where the system allows it.
const ROOM: usize = 1 << 22;

/// How often all sockets are found empty before it waits, so that nobody pays for waking it while
/// it is asked all the time.
const EMPTY_ROUNDS: usize = 64;

/// The name of a number.
pub fn name(number: u32) -> String {
    format!("n{number}.stagger.test")
}

/// The addresses of its name, in which the number is: of IPv4, in which it is cut to 24 bits, and
/// of IPv6.
pub fn addresses(number: u32) -> [IpAddr; 2] {
    let [_, a, b, c] = number.to_be_bytes();
    let (high, low) = ((number >> 16) as u16, number as u16);
    [Ipv4Addr::new(10, a, b, c).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, high, low).into()]
}

/// The name server, over UDP alone. What is asked for anything else than an address of a
/// [name] gets no answer.
#[derive(Debug)]
pub struct NumberServer(Vec<UdpSocket>);

impl NumberServer {
    /// At this address, with a port that the system chooses if it is 0.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn bind(mut addr: SocketAddr) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS {
            let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
            socket.set_nonblocking(true)?;
            socket.set_reuse_port(true)?;
            socket.set_recv_buffer_size(ROOM)?;
            socket.bind(&addr.into())?;
            let socket = UdpSocket::from(socket);
            addr = socket.local_addr()?;
            sockets.push(socket);
        }
        Ok(Self(sockets))
    }

    /// Where it is asked.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        self.0[0].local_addr()
    }

    /// Answers, until something is wrong with the system.
    pub fn serve(&self) -> io::Error {
        let mut buffer = [0; 512];
        let mut empty = 0;
        loop {
            let mut heard = false;
            for socket in &self.0 {
                while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    heard = true;
                    if let Some(length) = answer(&mut buffer, length) {
                        // Whoever asked may be gone.
                        let _ = socket.send_to(&buffer[..length], from);
                    }
                }
            }
            empty = if heard { 0 } else { empty + 1 };
            if empty == EMPTY_ROUNDS {
                let wait = |socket| PollFd::new(socket, PollFlags::IN);
                if let Err(error) = poll(&mut self.0.iter().map(wait).collect::<Vec<_>>(), None) {
                    return error.into();
                }
                empty = 0;
            } else if empty > 0 {
                thread::yield_now();
            }
        }
    }
}

/// Makes a question its own answer, and says how long that is; nothing of what is no question for
/// an address of a name with a number.
fn answer(buffer: &mut [u8; 512], length: usize) -> Option<usize> {
    /// What goes before the questions (RFC 1035 §4.1.1).
    const HEADER: usize = 12;

    let label = usize::from(*buffer[..length].get(HEADER)?);
    let digits = buffer[..length].get(HEADER + 2..HEADER + 1 + label)?;
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let [ipv4, ipv6] = addresses(number);
    // Names end in the root, an empty label.
    let end = HEADER + buffer[HEADER..length].iter().position(|byte| *byte == 0)? + 1;
    let (kind, data) = match (buffer.get(end..end + 4)?, ipv4, ipv6) {
        ([0, 1, 0, 1], IpAddr::V4(addr), _) => (1, addr.octets().to_vec()),
        ([0, 28, 0, 1], _, IpAddr::V6(addr)) => (28, addr.octets().to_vec()),
        _ => return None,
    };
    // A response, with recursion, of one question and one answer (RFC 1035 §4.1.1).
    buffer[2..HEADER].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    // The name of the question, its type, the class, five minutes, and what comes.
    let mut record = vec![0xc0, HEADER as u8, 0, kind, 0, 1, 0, 0, 1, 44, 0, data.len() as u8];
    record.extend(data);
    let whole = end + 4 + record.len();
    buffer.get_mut(end + 4..whole)?.copy_from_slice(&record);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_the_answer_of_its_name_and_type() {
        for (kind, expected) in [(1, "10.1.226.64"), (28, "2001:db8::1:e240")] {
            let mut buffer = [0; 512];
            let mut question = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            question.extend(b"\x07n123456\x07stagger\x04test\0");
            question.extend([0, kind, 0, 1]);
            buffer[..question.len()].copy_from_slice(&question);
            let length = answer(&mut buffer, question.len()).unwrap();
            assert_eq!(buffer[..8], [7, 9, 0x81, 0x80, 0, 1, 0, 1]);
            assert_eq!(buffer[12..question.len()], question[12..]);
            let record = &buffer[question.len()..length];
            assert_eq!(record[..10], [0xc0, 12, 0, kind, 0, 1, 0, 0, 1, 44]);
            let addr: IpAddr = match record[12..].len() {
                4 => <[u8; 4]>::try_from(&record[12..]).unwrap().into(),
                _ => <[u8; 16]>::try_from(&record[12..]).unwrap().into(),
            };
            assert_eq!(addr.to_string(), expected);
            assert!(addresses(123_456).contains(&addr));
        }
    }

    #[test]
    fn what_is_no_question_for_an_address_of_a_number_has_no_answer() {
        for (name, kind) in [("\x03www\0", 1), ("\x02n7\0", 15), ("\x02n7", 1), ("", 1)] {
            let mut buffer = [0; 512];
            let mut question = vec![0; 12];
            question.extend(name.as_bytes());
            question.extend([0, kind, 0, 1]);
            buffer[..question.len()].copy_from_slice(&question);
            assert_eq!(answer(&mut buffer, question.len()), None, "{name:?} {kind}");
        }
        assert_eq!(answer(&mut [0; 512], 3), None);
    }
}
