//! Both directions of a connection, each to its own end.
//!
//! The two directions of TCP end apart, and so do these. The end of standard input is passed on
//! (FIN), and what the peer still has to say is waited for. The end of what the peer sends is
//! passed on too, by closing standard output; then the rest of standard input is sent, for a peer
//! that has said all it had to may still listen, and TCP does not tell it from one that is gone.
//! One that is gone makes a send fail. OpenBSD's `nc` and today's `ncat` do the same; `socat` ends
//! half a second after either end, which loses data for no reason but that it was slow.
//!
//! Where standard input is a terminal the peer's end is the end of all: a person who sees that the
//! other side is done should not have to type on to get back to the shell.
//!
//! Memory is bounded: each direction holds a buffer or two of [`CHUNK`], and who reads slowly
//! slows down who writes.

use std::io;
use std::pin::pin;

use blocking::Unblock;
use futures_lite::future;
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stdio::{self, Input, Output};
use crate::runtime::Stream;

/// How many bytes are carried at a time: what a pipe of Linux holds (pipe(7)).
const CHUNK: usize = 64 * 1024;

/// What failed.
pub(super) enum Fault {
    Input(io::Error),
    Output(io::Error),
    Send(io::Error),
    Receive(io::Error),
}

/// The direction that ended first.
enum Ended {
    Sending(Result<(), Fault>),
    Receiving(Result<(), Fault>),
}

/// Carries standard input to the peer, and what the peer sends to standard output, until both are
/// at their end, or standard input is a terminal and the peer is at its.
///
/// # Errors
///
/// Whatever fails ends it, save that what the peer sent before it was gone is carried even when
/// sending has failed. That nobody reads standard output is noticed at once when there is nothing
/// left to send, and else when something is written there.
pub(super) async fn relay<S: Stream>(stream: &S) -> Result<(), Fault> {
    let terminal = stdio::input_is_terminal();
    let mut sending = pin!(send(stream));
    let mut receiving = pin!(receive(stream));
    let first = future::or(async { Ended::Sending((&mut sending).await) }, async {
        Ended::Receiving(match terminal {
            true => while_read(&mut receiving).await,
            false => (&mut receiving).await,
        })
    });
    match first.await {
        Ended::Sending(Err(Fault::Send(error))) => {
            // The connection is gone, and so there is an end to what can be received.
            while_read(receiving).await?;
            Err(Fault::Send(error))
        }
        Ended::Sending(sent) => {
            sent?;
            while_read(receiving).await
        }
        Ended::Receiving(received) => {
            received?;
            if terminal {
                return Ok(());
            }
            stdio::close_output().map_err(Fault::Output)?;
            sending.await
        }
    }
}

/// Carries standard input to the peer, and then its end.
async fn send<S: Stream>(stream: &S) -> Result<(), Fault> {
    let mut input = Unblock::with_capacity(CHUNK, Input::default());
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = input.read(&mut buffer).await.map_err(Fault::Input)?;
        let mut rest = &buffer[..count];
        if rest.is_empty() {
            return stream.shut_down().map_err(Fault::Send);
        }
        while !rest.is_empty() {
            match stream.write(rest).await.map_err(Fault::Send)? {
                0 => return Err(Fault::Send(io::ErrorKind::WriteZero.into())),
                count => rest = &rest[count..],
            }
        }
    }
}

/// Carries what the peer sends to standard output, until the peer says that this is all.
async fn receive<S: Stream>(stream: &S) -> Result<(), Fault> {
    let mut output = Unblock::with_capacity(CHUNK, Output);
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = stream.read(&mut buffer).await.map_err(Fault::Receive)?;
        if count == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..count]).await.map_err(Fault::Output)?;
        // Or it would wait for more, and an error with it.
        output.flush().await.map_err(Fault::Output)?;
    }
}

/// Receives, unless there is nobody to read it.
async fn while_read(receiving: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let unread = async {
        stdio::output_is_unread().await;
        Err(Fault::Output(io::ErrorKind::BrokenPipe.into()))
    };
    future::or(receiving, unread).await
}
