//! `--history`: outcomes of earlier connects in a file, and `stagger history`, which shows it.

mod file;

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use stagger::History;
use stagger::history::{Key, Knowledge, Memory, json};

use self::file::read;
use crate::args::{ConnectHistory, HistoryArgs};
use crate::console::{Console, Exit};
use crate::escape::quoted;
use crate::save::save;

/// One moment on two clocks.
#[derive(Clone, Copy)]
struct Moment {
    instant: Instant,
    system: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { instant: Instant::now(), system: SystemTime::now() }
    }
}

/// The history of a connect, and the file that keeps it.
#[derive(Clone)]
pub(crate) struct Kept(Rc<State>);

struct State {
    path: PathBuf,
    memory: Memory,
    history: History,
    /// Whether the file may be replaced. A file of an unknown kind is not.
    is_saved: bool,
    warnings: RefCell<Vec<String>>,
}

impl Kept {
    /// Reads the file of `--history`, if there is one. If it cannot be used, that is a warning, and
    /// the history is empty.
    pub(crate) fn of(args: &ConnectHistory) -> Option<Self> {
        args.history.as_deref().map(Self::at)
    }

    fn at(path: &Path) -> Self {
        let memory = Memory::new();
        let mut warnings = Vec::new();
        let mut is_saved = true;
        match read(path, Moment::now()) {
            Ok(entries) => memory.restore(entries),
            Err(fault) => {
                is_saved = fault.is_replaced();
                let then = if is_saved { "it is replaced" } else { "nothing is kept" };
                warnings.push(format!("cannot use the history {}: {fault}; {then}", name(path)));
            }
        }
        let history = History::new().with_store(memory.clone());
        history.set_network(stagger_net::system::network_key());
        let warnings = RefCell::new(warnings);
        Self(Rc::new(State { path: path.to_owned(), memory, history, is_saved, warnings }))
    }

    pub(crate) fn history(&self) -> History {
        self.0.history.clone()
    }

    /// Writes the file, if it may be written. A failure is a warning.
    pub(crate) fn save(&self) {
        let State { path, memory, is_saved, warnings, .. } = &*self.0;
        if !is_saved {
            return;
        }
        make_private(path);
        let Moment { instant, system } = Moment::now();
        if let Err(error) = save(path, &json::to_string(&memory.entries(), instant, system)) {
            let warning = format!("cannot write the history {}: {error}", name(path));
            warnings.borrow_mut().push(warning);
        }
    }

    /// Prints the warnings so far, once.
    pub(crate) fn warn(&self, console: &mut Console) {
        for warning in self.0.warnings.take() {
            console.warn(&warning);
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.0.path).finish()
    }
}

/// Makes an empty file that only its owner can read, if there is none. A history shows where its
/// owner has connected to. [`save`] replaces the file and keeps its permissions. A link that leads
/// nowhere stays, and the file that it names is made.
fn make_private(path: &Path) {
    if path.exists() {
        return;
    }
    let mut options = std::fs::OpenOptions::new();
    // Without `truncate`, a file that another command has just written stays as it is.
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // If this fails, the error comes again when the file is written.
    let _ = options.open(path);
}

/// Shows the entries of a file as a table.
pub(crate) fn run(args: &HistoryArgs, console: &mut Console) -> Exit {
    let moment = Moment::now();
    if !args.file.exists() {
        console.error(&format!("there is no file {}", name(&args.file)));
        return Exit::Failure;
    }
    match read(&args.file, moment) {
        Ok(entries) => {
            console.print(&table(&entries, moment.instant));
            Exit::Success
        }
        Err(fault) => {
            console.error(&format!("cannot use the history {}: {fault}", name(&args.file)));
            Exit::Failure
        }
    }
}

fn name(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

const HEADINGS: [&str; 6] =
    ["network", "address", "round trip", "variance", "silences", "demoted for"];

/// A row for each entry. Numbers are on the right of their column.
fn table(entries: &[(Key, Knowledge)], now: Instant) -> String {
    if entries.is_empty() {
        return "the history is empty\n".to_owned();
    }
    let milliseconds = |time: Option<Duration>| match time {
        Some(time) => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        None => String::new(),
    };
    let row = |(key, known): &(Key, Knowledge)| {
        let network = format!("{:08x}", key.network.value() >> 96);
        // Rounded up, so that no demotion lasts for 0 s.
        let seconds = |left: Duration| left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let demoted = known.demoted_for(now).map(|left| format!("{} s", seconds(left)));
        [
            match key.partition {
                0 => network,
                partition => format!("{network}/{partition}"),
            },
            key.subject.to_string(),
            milliseconds(known.round_trip()),
            milliseconds(known.variance()),
            known.silences().to_string(),
            demoted.unwrap_or_default(),
        ]
    };
    let rows: Vec<_> =
        [HEADINGS.map(str::to_owned)].into_iter().chain(entries.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).enumerate();
        let cell = |(column, (text, width)): (usize, (&String, usize))| match column {
            0 | 1 => format!("{text:width$}"),
            _ => format!("{text:>width$}"),
        };
        let line = cells.map(cell).collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use stagger::address::Family;
    use stagger::history::{NetworkKey, Subnet};

    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_entry() {
        let now = Instant::now();
        let network = NetworkKey::new(0x0123_4567_89ab_cdef << 64);
        let subnet = Subnet::of("2001:db8::1".parse().unwrap());
        let ms = Duration::from_millis;
        let entries = [
            (Key::new(network, Family::Ipv4), Knowledge::new().with_round_trip(ms(40), ms(2))),
            (
                Key::new(network, subnet).with_partition(7),
                Knowledge::new().with_silences(2, now, ms(90_000)),
            ),
        ];
        assert_eq!(
            table(&entries, now + ms(500)),
            "\
network     address        round trip  variance  silences  demoted for
01234567    IPv4              40.0 ms    2.0 ms         0
01234567/7  2001:db8::/56                               2         90 s
"
        );
        let last_cell = |at| {
            let shown = table(&entries, at);
            shown.lines().last().unwrap().split("  ").last().unwrap().trim().to_owned()
        };
        let shown = [0, 1, 89_001, 89_999].map(|passed| last_cell(now + ms(passed)));
        assert_eq!(shown, ["90 s", "90 s", "1 s", "1 s"]);
        assert_eq!(table(&[], now), "the history is empty\n");
    }
}
