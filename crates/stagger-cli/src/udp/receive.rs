//! Receiving, one datagram after another.

use std::cell::Cell;
use std::io;

use futures_lite::future::yield_now;
use stagger_net::udp::Datagram;
use stagger_net::{Register, UdpSocket};

use super::addr::named;
use super::shown::Shown;

/// What is done with the datagrams that come.
pub(super) struct Receive<'s, 'c> {
    /// How many bytes are taken of each.
    pub(super) buffer: u16,
    /// How many are awaited.
    pub(super) most: Option<u64>,
    /// Each is sent back.
    pub(super) echo: bool,
    pub(super) shown: &'s Shown<'c>,
    /// How many have come.
    pub(super) came: Cell<u64>,
}

impl Receive<'_, '_> {
    /// Shows each, until as many have come as are awaited, or nothing can be shown any more.
    ///
    /// # Errors
    ///
    /// The socket's. That an answer can't be sent is told and ends nothing.
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
                self.shown.error(&format!("cannot answer {peer}: {error}"));
            }
            // Who sends without pause would else keep signals and the time from being seen.
            yield_now().await;
        }
        Ok(())
    }
}

/// Sends from where the datagram came in.
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

/// Sends from where the system chooses.
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
    use crate::args::{RuntimeName, UdpShown};
    use crate::console::Console;

    #[test]
    fn after_each_datagram_others_have_their_turn() {
        const SENT: u64 = 3;
        // Datagrams without bytes, so that nothing is written.
        let args = UdpShown { buffer: 9, raw: true, runtime: RuntimeName::Smol, json: false };
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
