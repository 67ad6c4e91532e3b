//! The race on the screen while it runs.

use std::future::Future;
use std::io::{self, Stdout, Write};
use std::pin::pin;
use std::time::Duration;

use futures_lite::future::or;
use stagger::{Report, Timer};

use crate::args::ColorWhen;
use crate::picture::{Ink, Line, Picture, picture};
use crate::race::{Race, Via};
use crate::terminal::Terminal;

/// How long a frame stays: 50 ms. It looks smooth and costs little.
const FRAME: Duration = Duration::from_millis(50);

/// Runs a connect to its end. Meanwhile the screen shows the report so far. At the end the
/// screen is cleared.
///
/// The connect and the next frame are polled in one task, without a thread. A connect that ends
/// within a frame shows nothing. The connect stands still while the terminal takes no output.
///
/// # Cancel safety
///
/// Dropping it clears the screen after the connect is dropped.
pub(crate) async fn shown<F, T, W>(
    connect: F,
    timer: &T,
    so_far: impl Fn(Duration) -> Report<String>,
    screen: Option<Screen<W>>,
) -> F::Output
where
    F: Future,
    T: Timer,
    W: Write,
{
    let Some(mut screen) = screen else { return connect.await };
    let mut connect = pin!(connect);
    let begun = timer.now();
    loop {
        // The connect is polled first, so its result is never late by a frame.
        let over = async { Some(connect.as_mut().await) };
        let next = async {
            timer.sleep(FRAME).await;
            None
        };
        if let Some(output) = or(over, next).await {
            return output;
        }
        let now = timer.now().saturating_duration_since(begun);
        let (over_tls, via) = (screen.over_tls, screen.via.clone());
        screen.draw(&Race { over_tls, via, ..Race::of(so_far(now)) });
    }
}

/// The part of a terminal below the cursor, in which one picture replaces another. Dropping it
/// clears that part.
///
/// The cursor is on the line below the picture and is never hidden. So a process that is killed
/// leaves the last picture and a terminal that works.
#[derive(Debug)]
pub(crate) struct Screen<W: Write> {
    out: W,
    /// Reads the size before each picture, because a window may change.
    terminal: fn(ColorWhen) -> Terminal,
    color: ColorWhen,
    /// Whether the handshakes of the race are those of TLS.
    over_tls: bool,
    /// What the target is reached through.
    via: Via,
    /// The length of each line on the screen.
    lengths: Vec<usize>,
    /// The terminal is gone, so nothing more is drawn. The next write to the console reports it.
    gone: bool,
}

impl Screen<Stdout> {
    /// The screen of standard output, if the cursor can be moved there.
    pub(crate) fn of_process(color: ColorWhen) -> Option<Self> {
        let terminal = Terminal::of_process;
        terminal(color).moves.then(|| Self::new(io::stdout(), terminal, color))
    }
}

impl<W: Write> Screen<W> {
    fn new(out: W, terminal: fn(ColorWhen) -> Terminal, color: ColorWhen) -> Self {
        let (lengths, via) = (Vec::new(), Via::default());
        Self { out, terminal, color, over_tls: false, via, lengths, gone: false }
    }

    /// Sets whether the handshakes of the race are those of TLS.
    pub(crate) fn with_tls(mut self, over_tls: bool) -> Self {
        self.over_tls = over_tls;
        self
    }

    /// Sets what the target is reached through.
    pub(crate) fn with_via(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// Replaces the picture on the screen by that of a race, as far as it fits.
    fn draw(&mut self, race: &Race) {
        let Terminal { look, height, .. } = (self.terminal)(self.color);
        let lines = fitted(picture(race, &look), height.saturating_sub(1));
        let lines = lines.into_iter().map(|line| line.clipped(look.width));
        let lines: Vec<_> = lines.collect();
        let mut text = self.home(look.width);
        for line in &lines {
            // The line is cleared first: after the last column the cursor may still be on it.
            text.push_str(CLEAR_LINE);
            text.push_str(&line.printed(look.color));
            text.push('\n');
        }
        text.push_str(CLEAR_BELOW);
        self.lengths = lines.iter().map(|line| line.printed(false).chars().count()).collect();
        self.write(&text);
    }

    /// Moves the cursor from below the picture to its first line.
    ///
    /// Almost every terminal wraps long lines when its window becomes narrower. On one that cuts
    /// them off, this moves too far up.
    fn home(&self, width: usize) -> String {
        let rows = self.lengths.iter().map(|length| length.div_ceil(width.max(1)).max(1));
        match rows.sum::<usize>() {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }

    fn clear(&mut self) {
        if self.lengths.is_empty() {
            return;
        }
        let width = (self.terminal)(self.color).look.width;
        let text = self.home(width) + CLEAR_BELOW;
        self.lengths.clear();
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if !self.gone {
            let written = self.out.write_all(text.as_bytes());
            self.gone = written.and_then(|()| self.out.flush()).is_err();
        }
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Erase in line, and erase in display from the cursor on (ECMA-48 §8.3.41 and §8.3.39).
const CLEAR_LINE: &str = "\x1b[2K";
const CLEAR_BELOW: &str = "\x1b[J";

/// The part of a picture that fits this height. Of too many rows it keeps the last, because they
/// change.
fn fitted(picture: Picture, height: usize) -> Vec<Line> {
    let around = picture.head.len() + 2;
    let excess = (around + picture.rows.len()).saturating_sub(height);
    if excess == 0 {
        return picture.lines();
    }
    let Picture { head, mut rows, sentence } = picture;
    let left_out = (excess + 1).min(rows.len());
    let mut note = Line::default();
    note.push(Ink::Faint, &format!("  {left_out} lines above"));
    rows.splice(..left_out, [note]);
    let mut lines = Picture { head, rows, sentence }.lines();
    // A terminal of a few lines has no room for the axis either.
    lines.drain(..lines.len().saturating_sub(height));
    lines
}

#[cfg(test)]
mod tests;
