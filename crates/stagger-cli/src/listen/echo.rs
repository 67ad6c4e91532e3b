//! Sends back what a peer sends.

use std::io;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stream::Stream;

/// How many bytes are read at a time. They are sent back before more are read.
const CHUNK: usize = 16 * 1024;

/// Sends back everything, and then the end. Returns the number of bytes.
///
/// # Errors
///
/// The connection failed.
pub(super) async fn echo<S: Stream>(stream: &mut S) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut total = 0;
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            // The peer has ended, and may be gone.
            let _ = stream.close().await;
            return Ok(total);
        }
        total += count as u64;
        stream.write_all(&buffer[..count]).await?;
        // TLS may hold back what the socket did not take.
        stream.flush().await?;
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future;

    use super::*;
    use crate::stream::kit::Slow;

    #[test]
    fn everything_is_flushed_before_more_is_read_and_then_the_end_is_sent() {
        let (_, mut peer) = Slow::ends(&[b"one", b"four"]);
        assert_eq!(future::block_on(echo(&mut peer)).unwrap(), 7);
        assert_eq!((peer.sent(), peer.is_closed()), (b"onefour".to_vec(), true));
    }
}
