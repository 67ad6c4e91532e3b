//! A race as rows of plain text: what, when it started, when it ended, and how.

use std::fmt::Write as _;
use std::time::Duration;

use crate::escape::printable;
use crate::race::{Attempt, End, Query, Race};

/// How many columns there are.
const WIDTH: usize = 80;

/// How wide the first column may get; what is wider has a line of its own.
const MAX_WHAT: usize = 28;

/// How many addresses that were never tried have a row each.
const MAX_UNTRIED: usize = 8;

struct Row {
    what: String,
    started: String,
    ended: String,
    how: String,
}

/// The rows of a race, each query's and then each candidate's, under a heading. The last line says
/// who won, if someone did.
pub(crate) fn timeline(race: &Race) -> String {
    let mut rows = vec![Row::new("", "started", "ended", "")];
    rows.extend(race.queries.iter().map(query));
    rows.extend(race.attempts.iter().map(|attempt| row(attempt, race)));
    let shown = &race.untried[..race.untried.len().min(MAX_UNTRIED)];
    rows.extend(shown.iter().map(|address| untried(address)));
    match race.untried.len() - shown.len() {
        0 => {}
        more => rows.push(untried(&format!("{more} more"))),
    }
    let mut text = String::new();
    // Without any row there is nothing to put under a heading.
    if rows.len() > 1 {
        text = table(&rows);
    }
    if let Some(sentence) = sentence(race) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{sentence}");
    }
    text
}

/// A time in milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Who won; none if nobody did.
fn sentence(race: &Race) -> Option<String> {
    let ends = race.ends?;
    let peer = match (ends.peer, race.winner()) {
        (Some(peer), _) => peer.to_string(),
        (None, Some(winner)) => printable(&winner.address),
        (None, None) => "an unknown address".to_owned(),
    };
    let from = ends.local.map(|local| format!(" (from {local})"));
    let from = from.unwrap_or_default();
    Some(format!("connected to {peer} in {}{from}", ms(race.elapsed)))
}

fn query(query: &Query) -> Row {
    let how = match (&query.error, query.ended, query.addresses.len()) {
        (Some(error), ..) => format!("failed: {error}"),
        (None, None, _) => "not answered by then".to_owned(),
        (None, Some(_), 0) => "no addresses".to_owned(),
        (None, Some(_), 1) => "1 address".to_owned(),
        (None, Some(_), count) => format!("{count} addresses"),
    };
    let ended = query.ended.map(ms);
    Row::new(
        &format!("query {}", query.class),
        &ms(query.started),
        ended.as_deref().unwrap_or("-"),
        &how,
    )
}

fn row(attempt: &Attempt, race: &Race) -> Row {
    let error = attempt.error.as_deref().unwrap_or("unknown");
    let how = match attempt.end {
        End::Connected => "connected, won".to_owned(),
        End::Failed => format!("failed: {error}"),
        End::TimedOut => format!("timed out: {error}"),
        End::Dropped if race.winner().is_some() => "dropped, lost".to_owned(),
        End::Dropped => "dropped, time was up".to_owned(),
        End::Skipped => {
            return Row::new(&attempt.address, "-", "-", &format!("skipped: {error}"));
        }
    };
    Row::new(&attempt.address, &ms(attempt.started), &ms(attempt.ended), &how)
}

fn untried(address: &str) -> Row {
    Row::new(address, "-", "-", "not tried")
}

impl Row {
    fn new(what: &str, started: &str, ended: &str, how: &str) -> Self {
        Self {
            what: printable(what),
            started: started.to_owned(),
            ended: ended.to_owned(),
            how: printable(how),
        }
    }
}

fn table(rows: &[Row]) -> String {
    let width = |cell: fn(&Row) -> &String| {
        let widths = rows.iter().map(|row| cell(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let what = width(|row| &row.what).min(MAX_WHAT);
    let started = width(|row| &row.started);
    let ended = width(|row| &row.ended);
    let indent = 2 + what + 2 + started + 2 + ended + 2;
    let mut text = String::new();
    for row in rows {
        let mut name = &row.what[..];
        if name.chars().count() > what {
            let _ = writeln!(text, "  {name}");
            name = "";
        }
        let mut lines = wrap(&row.how, WIDTH.saturating_sub(indent)).into_iter();
        let line = format!(
            "  {name:what$}  {:>started$}  {:>ended$}  {}",
            row.started,
            row.ended,
            lines.next().unwrap_or_default(),
        );
        let _ = writeln!(text, "{}", line.trim_end());
        for line in lines {
            let _ = writeln!(text, "{:indent$}{line}", "");
        }
    }
    text
}

/// A text as lines that are not too long for a terminal.
pub(crate) fn paragraph(text: &str) -> String {
    let mut lines = wrap(&printable(text), WIDTH);
    lines.push(String::new());
    lines.join("\n")
}

/// Breaks a text into lines at spaces, and within words that are too long for a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used == width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests;
