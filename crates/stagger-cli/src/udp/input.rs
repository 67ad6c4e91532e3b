//! The datagrams to send: from the command line, or from standard input.

use std::io;

use blocking::Unblock;
use futures_lite::{AsyncBufReadExt as _, AsyncReadExt as _};

use crate::args::UdpSendArgs;
use crate::console::Exit;
use crate::failure::Failure;
use crate::stdio;
use crate::usage::UsageError;

/// The datagrams to be sent, one after another.
pub(super) struct Datagrams {
    from: From,
    /// The most bytes of one.
    room: usize,
    /// How many were read from standard input.
    read: u64,
}

enum From {
    Texts(std::vec::IntoIter<String>),
    /// All of standard input as one.
    Whole(Option<Input>),
    Lines(Input),
}

type Input = futures_lite::io::BufReader<Unblock<stdio::Input>>;

impl Datagrams {
    /// The datagrams of at most `room` bytes that the command line asks for.
    ///
    /// # Errors
    ///
    /// A text that is longer.
    pub(super) fn of(args: &UdpSendArgs, room: usize) -> Result<Self, UsageError> {
        if let Some(text) = args.data.iter().find(|text| text.len() > room) {
            let reason = format!("{} bytes long, but a datagram has room for {room}", text.len());
            return Err(UsageError::new("--data", text, reason));
        }
        let input = || Input::new(Unblock::new(stdio::Input::default()));
        let from = if !args.data.is_empty() {
            From::Texts(args.data.clone().into_iter())
        } else if args.lines || stdio::input_is_terminal() {
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
    /// Standard input cannot be read, or has too many bytes for a datagram.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut bytes = Vec::new();
        // One byte more than the room shows that there are too many. One is for the end of the
        // line.
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
            let message =
                format!("{what} is too long; a datagram has room for {} bytes", self.room);
            return Err(Failure { message, exit: Exit::Usage });
        }
        Ok(Some(bytes))
    }
}

fn unread(error: io::Error) -> Failure {
    Failure::new(format!("cannot read standard input: {error}"))
}
