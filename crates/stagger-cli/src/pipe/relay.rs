//! Both directions of a connection between the peer and standard input and output.
//!
//! The two directions of TCP end separately:
//!
//! 1. When standard input ends, the peer gets the end (FIN), and the relay continues to receive.
//! 2. When the peer ends, standard output is closed, and the rest of standard input is still sent.
//!    The peer may still read, and TCP does not tell such a peer from one that is gone. If the peer
//!    is gone, a send fails. `nc` of OpenBSD and today's `ncat` do the same. `socat` stops half a
//!    second after either end, and so loses the data of a slow peer.
//! 3. If standard input is a terminal, the end of the peer ends the relay: a person should not have
//!    to type to get back to the shell.
//!
//! TLS 1.3 has the same two ends (RFC 8446 §6.1). In TLS 1.2 a peer that receives the end discards
//! the rest of its answer (RFC 5246 §7.2.1). So there the end of standard input is not passed on
//! before the peer has ended, and the end of the peer ends the relay.
//!
//! Memory is bounded: each direction has one or two buffers of [`CHUNK`]. A slow reader slows down
//! the writer.

use std::io;
use std::pin::pin;

use blocking::Unblock;
use futures_lite::future;
use futures_lite::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};

use crate::stdio::{self, Input, Output};
use crate::stream::Stream;

/// How many bytes are moved at a time: the capacity of a pipe on Linux (pipe(7)).
const CHUNK: usize = 64 * 1024;

/// The step that failed.
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

/// Sends standard input to the peer, and writes what the peer sends to standard output. It returns
/// when both have ended, or when the peer has ended and that is the end of all.
///
/// # Errors
///
/// The first step that fails. If sending fails, what the peer sent before is still written. A
/// closed standard output is noticed at once when standard input has ended, and otherwise at the
/// next write.
pub(super) async fn relay<S: Stream>(stream: S) -> Result<(), Fault> {
    let half_closes = stream.half_closes();
    let (reader, mut writer) = split(stream);
    if !both(reader, &mut writer, half_closes).await? {
        // Everything is received, and the peer may be gone.
        let _ = writer.close().await;
    }
    Ok(())
}

/// Relays both directions. Returns whether the peer was told the end.
async fn both(
    reader: impl AsyncRead + Unpin,
    writer: &mut (impl AsyncWrite + Unpin),
    half_closes: bool,
) -> Result<bool, Fault> {
    let terminal = stdio::input_is_terminal();
    let input = Unblock::with_capacity(CHUNK, Input::default());
    let mut sending = pin!(send(input, writer, half_closes));
    let mut receiving = pin!(receive(reader));
    let first = future::or(async { Ended::Sending((&mut sending).await) }, async {
        Ended::Receiving(match terminal {
            true => while_read(&mut receiving).await,
            false => (&mut receiving).await,
        })
    });
    match first.await {
        Ended::Sending(Err(Fault::Send(error))) => {
            // The connection is gone, so receiving ends too.
            while_read(receiving).await?;
            Err(Fault::Send(error))
        }
        Ended::Sending(sent) => {
            sent?;
            while_read(receiving).await?;
            Ok(half_closes)
        }
        Ended::Receiving(received) => {
            received?;
            if terminal || !half_closes {
                return Ok(false);
            }
            stdio::close_output().map_err(Fault::Output)?;
            sending.await?;
            Ok(true)
        }
    }
}

/// Sends standard input to the peer, and then its end if that ends only this direction.
async fn send(
    mut input: impl AsyncRead + Unpin,
    writer: &mut (impl AsyncWrite + Unpin),
    half_closes: bool,
) -> Result<(), Fault> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = input.read(&mut buffer).await.map_err(Fault::Input)?;
        if count == 0 {
            return match half_closes {
                true => writer.close().await.map_err(Fault::Send),
                false => Ok(()),
            };
        }
        writer.write_all(&buffer[..count]).await.map_err(Fault::Send)?;
        // TLS may hold back what the socket did not take.
        writer.flush().await.map_err(Fault::Send)?;
    }
}

/// Writes what the peer sends to standard output, until the peer ends.
async fn receive(mut reader: impl AsyncRead + Unpin) -> Result<(), Fault> {
    let mut output = Unblock::with_capacity(CHUNK, Output);
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = reader.read(&mut buffer).await.map_err(Fault::Receive)?;
        if count == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..count]).await.map_err(Fault::Output)?;
        // `Unblock` would keep the bytes, and an error, until its buffer is full.
        output.flush().await.map_err(Fault::Output)?;
    }
}

/// Receives while somebody reads standard output.
async fn while_read(receiving: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let unread = async {
        stdio::output_is_unread().await;
        Err(Fault::Output(io::ErrorKind::BrokenPipe.into()))
    };
    future::or(receiving, unread).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::kit::Slow;

    #[test]
    fn everything_is_flushed_before_more_is_read_and_the_end_is_sent_only_where_it_is_one() {
        for half_closes in [true, false] {
            let (input, mut peer) = Slow::ends(&[b"one", b"two"]);
            let sent = future::block_on(send(input, &mut peer, half_closes));
            assert!(sent.is_ok());
            assert_eq!((peer.sent(), peer.is_closed()), (b"onetwo".to_vec(), half_closes));
        }
    }
}
