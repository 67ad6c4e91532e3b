//! What is sent: texts that were typed, or standard input.

use std::io;

use blocking::Unblock;
use futures_lite::{AsyncBufReadExt as _, AsyncReadExt as _};

use super::Failure;
use crate::args::UdpSendArgs;
use crate::console::Exit;
use crate::pipe;
use crate::usage::UsageError;

/// The datagrams to be sent, one after another.
pub(super) struct Datagrams {
    from: From,
    /// How long one may be.
    room: usize,
    /// Of what standard input has, how many.
    read: u64,
}

enum From {
    Texts(std::vec::IntoIter<String>),
    /// All that comes, until the end.
    Whole(Option<Input>),
    Lines(Input),
}

type Input = futures_lite::io::BufReader<Unblock<pipe::Input>>;

impl Datagrams {
    /// What is to be sent in datagrams of at most `room` bytes.
    ///
    /// # Errors
    ///
    /// A text that is longer.
    pub(super) fn of(args: &UdpSendArgs, room: usize) -> Result<Self, UsageError> {
        if let Some(text) = args.data.iter().find(|text| text.len() > room) {
            let reason = format!("{} bytes, and a datagram has room for {room}", text.len());
            return Err(UsageError::new("--data", text, reason));
        }
        let input = || Input::new(Unblock::new(pipe::Input::default()));
        let from = if !args.data.is_empty() {
            From::Texts(args.data.clone().into_iter())
        } else if args.lines || pipe::input_is_terminal() {
            From::Lines(input())
        } else {
            From::Whole(Some(input()))
        };
        Ok(Self { from, room, read: 0 })
    }

    /// The next one.
    ///
    /// # Errors
    ///
    /// Standard input's, or what is too long there.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut bytes = Vec::new();
        // One byte more shows that there is no room, and one is for the end of the line.
        let most = self.room as u64 + 2;
        let read = match &mut self.from {
            From::Texts(texts) => return Ok(texts.next().map(String::into_bytes)),
            From::Whole(input) => {
                let Some(input) = input.take() else { return Ok(None) };
                input.take(most).read_to_end(&mut bytes).await
            }
            From::Lines(input) => {
                let read = input.take(most).read_until(b'\n', &mut bytes).await;
                if bytes.is_empty() && read.is_ok() {
                    return Ok(None);
                }
                bytes.pop_if(|last| *last == b'\n');
                read
            }
        };
        read.map_err(unread)?;
        self.read += 1;
        if bytes.len() > self.room {
            let what = match self.from {
                From::Lines(_) => format!("line {} of standard input", self.read),
                _ => "standard input".to_owned(),
            };
            let text = format!("{what} is too long: a datagram has room for {} bytes", self.room);
            return Err(Failure { text, exit: Exit::Usage });
        }
        Ok(Some(bytes))
    }
}

fn unread(error: io::Error) -> Failure {
    Failure::new(format!("cannot read standard input: {error}"))
}
