//! Receives one datagram after another.

use std::cell::Cell;
use std::io;

use futures_lite::future::yield_now;
use stagger_net::udp::Datagram;
use stagger_net::{Register, UdpSocket};

use super::addr::named;
use super::shown::Shown;
use stagger::text::with_causes;

/// How datagrams are received.
pub(super) struct Receive<'s, 'c> {
    /// The most bytes that are taken of each.
    pub(super) buffer: u16,
    /// How many to receive; without end if there is none.
    pub(super) most: Option<u64>,
    /// Send each back.
    pub(super) echo: bool,
    pub(super) shown: &'s Shown<'c>,
    /// How many were received.
    pub(super) came: Cell<u64>,
}

impl Receive<'_, '_> {
    /// Shows each datagram, until enough have come or the output is lost.
    ///
    /// # Errors
    ///
    /// The socket's error. An answer that cannot be sent is shown, and receiving goes on.
    pub(super) async fn all<R>(&self, socket: &UdpSocket<R>) -> io::Result<()>
    where
        R: Register<std::net::UdpSocket>,
    {
        let mut buffer = vec![0; self.buffer.into()];
        while self.most.is_none_or(|most| self.came.get() < most) && !self.shown.is_lost() {
            let datagram = socket.recv_from(&mut buffer).await?;
            let bytes = &buffer[..datagram.length];
            self.came.set(self.came.get() + 1);
            self.shown.received(&datagram, bytes);
            if self.echo
                && let Err(error) = answer(socket, bytes, &datagram).await
            {
                let peer = named(datagram.peer);
                self.shown.error(&format!("cannot answer {peer}: {}", with_causes(&error)));
            }
            // A sender without pause must not delay signals and deadlines.
            yield_now().await;
        }
        Ok(())
    }
}

/// Sends from the address and the interface at which the datagram arrived.
#[cfg(any(target_os = "android", target_os = "linux"))]
async fn answer<R>(socket: &UdpSocket<R>, bytes: &[u8], datagram: &Datagram) -> io::Result<()>
where
    R: Register<std::net::UdpSocket>,
{
    match datagram.arrival {
        Some(arrival) => socket.send_to_from(bytes, datagram.peer, arrival).await,
        None => socket.send_to(bytes, datagram.peer).await,
    }
}

/// Sends from the address that the system chooses.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
async fn answer<R>(socket: &UdpSocket<R>, bytes: &[u8], datagram: &Datagram) -> io::Result<()>
where
    R: Register<std::net::UdpSocket>,
{
    socket.send_to(bytes, datagram.peer).await
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, poll_once};
    use stagger_smol::UdpSocket;

    use super::*;
    use crate::args::{RuntimeName, UdpOutputArgs};
    use crate::console::Console;

    #[test]
    fn after_each_datagram_others_have_their_turn() {
        const SENT: u64 = 3;
        // Datagrams without bytes, so that nothing is written.
        let args = UdpOutputArgs { buffer: 9, raw: true, runtime: RuntimeName::Smol, json: false };
        let mut console = Console::of_process();
        let shown = Shown::new(&mut console, &args);
        let receive =
            Receive { buffer: 9, most: Some(SENT), echo: false, shown: &shown, came: Cell::new(0) };
        block_on(async {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..SENT {
                socket.send_to(b"", socket.local_addr().unwrap()).await.unwrap();
            }
            let mut all = std::pin::pin!(receive.all(&socket));
            loop {
                let before = receive.came.get();
                let ended = poll_once(&mut all).await;
                assert!(receive.came.get() - before <= 1, "several in one turn");
                if let Some(ended) = ended {
                    return ended.unwrap();
                }
                yield_now().await;
            }
        });
        assert_eq!(receive.came.get(), SENT);
    }
}
