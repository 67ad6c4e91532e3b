//! Sends back what a peer sends.

use std::io;

use crate::runtime::Stream;

/// How many bytes are read at a time. They are sent back before more are read.
const CHUNK: usize = 16 * 1024;

/// Sends back everything, and then the end. Returns the number of bytes.
///
/// # Errors
///
/// The connection failed.
pub(super) async fn echo<S: Stream>(stream: &S) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut total = 0;
    loop {
        let count = stream.read(&mut buffer).await?;
        let mut rest = &buffer[..count];
        if rest.is_empty() {
            stream.shut_down()?;
            return Ok(total);
        }
        total += count as u64;
        while !rest.is_empty() {
            let sent = stream.write(rest).await?;
            rest = &rest[sent..];
        }
    }
}
