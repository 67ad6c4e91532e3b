use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use stagger::observe::Recorder;
use stagger::resolve::Record;
use stagger::{Dialer, Policy};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
use vt100::Parser;

use super::*;
use crate::picture::{Look, timeline};
use crate::stream::Ends;

const SIZE: (u16, u16) = (24, 80);

/// A terminal of 80 columns and 24 lines.
fn usual(_: ColorWhen) -> Terminal {
    of_size(80, 24)
}

fn of_size(width: usize, height: usize) -> Terminal {
    Terminal { look: Look { width, color: true, unicode: true }, height, moves: true }
}

/// What a screen writes, frame by frame, and what a terminal makes of it.
#[derive(Clone)]
struct Glass(Rc<RefCell<State>>);

struct State {
    parser: Parser,
    /// What stood on the screen after each write.
    frames: Vec<String>,
}

impl Glass {
    fn new((rows, columns): (u16, u16)) -> Self {
        let mut parser = Parser::new(rows, columns, 1000);
        // What stands above must stay.
        parser.process(b"$ stagger\r\n");
        Self(Rc::new(RefCell::new(State { parser, frames: Vec::new() })))
    }

    fn contents(&self) -> String {
        self.0.borrow().parser.screen().contents()
    }

    fn frames(&self) -> Vec<String> {
        self.0.borrow().frames.clone()
    }
}

impl Write for Glass {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        // As a terminal does whose output is processed (ONLCR).
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace('\n', "\r\n");
        state.parser.process(text.as_bytes());
        assert!(!state.parser.screen().hide_cursor(), "the cursor stays");
        let frame = state.parser.screen().contents();
        state.frames.push(frame);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a recorder has.
fn so_far(recorder: &Recorder<SocketAddr>) -> impl Fn(Duration) -> Report<String> + '_ {
    |now| recorder.report(now).into_text()
}

/// Runs a race on a virtual clock and on a screen; yields what became of it.
fn run(
    glass: &Glass,
    terminal: fn(ColorWhen) -> Terminal,
    count: u8,
    fate: impl Fn(u8) -> Fate,
) -> Race {
    run_on(Screen::new(glass.clone(), terminal, ColorWhen::Auto), count, fate)
}

fn run_on(screen: Screen<Glass>, count: u8, fate: impl Fn(u8) -> Fate) -> Race {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let found: Vec<_> = (1..=count).map(|n| SocketAddr::from(([192, 0, 2, n], 80))).collect();
    let connector = (1..=count).fold(ScriptedConnector::new(&ledger), |connector, n| {
        connector.at(format!("192.0.2.{n}:80"), fate(n))
    });
    let resolver =
        ScriptedResolver::<SocketAddr>::new(&ledger).finds(ms(120), Record::Addresses, found);
    let recorder = Recorder::new();
    let dialer = Dialer::new(resolver, connector, clock.clone())
        .with_policy(Policy::new().with_timeout(ms(60_000)).unwrap())
        .with_observer(recorder.clone());
    let connect = dialer.connect("example.com:80").with_report();
    let outcome = clock.run(shown(connect, &clock, so_far(&recorder), Some(screen)));
    assert_eq!(clock.timers(), 0);
    match outcome {
        Ok((_, report)) => Race::won(Ends::default(), report),
        Err(error) => Race::lost(&error),
    }
}

/// A recorder that no connect has.
fn nothing() -> Recorder<SocketAddr> {
    Recorder::new()
}

fn three(n: u8) -> Fate {
    if n == 3 { Fate::connects(ms(40)) } else { Fate::silent() }
}

#[test]
fn a_race_is_drawn_in_place_while_it_runs_and_cleared_in_the_end() {
    let glass = Glass::new(SIZE);
    let race = run(&glass, usual, 4, three);
    // It took 660 ms: a frame every 50 ms, and one to clear.
    assert_eq!(race.report.elapsed(), ms(660));
    let frames = glass.frames();
    assert_eq!(frames.len(), 13 + 1);
    assert!(frames[0].contains("▸ asking"), "{}", frames[0]);
    assert!(frames[0].ends_with("connecting for 50.0 ms"), "{}", frames[0]);
    assert!(frames[12].contains("192.0.2.2:80"), "{}", frames[12]);
    assert!(frames[12].ends_with("connecting for 650.0 ms"), "{}", frames[12]);
    for frame in &frames {
        assert!(frame.starts_with("$ stagger"), "{frame}");
        assert!(frame.matches("query all").count() <= 1, "{frame}");
        assert!(frame.matches("connecting for").count() <= 1, "{frame}");
    }
    assert_eq!(glass.contents(), "$ stagger");
}

#[test]
fn a_screen_of_tls_names_the_parts_of_a_bar_from_its_first_frame_on() {
    let glass = Glass::new(SIZE);
    let screen = Screen::new(glass.clone(), usual, ColorWhen::Auto).with_tls(true);
    run_on(screen, 2, |n| match n {
        1 => Fate::silent().progressing(ms(100)),
        _ => Fate::connects(ms(40)),
    });
    let frames = glass.frames();
    let (last, drawn) = frames.split_last().unwrap();
    assert!(drawn.iter().all(|frame| frame.contains("━ TCP  ═ TLS")), "{drawn:#?}");
    // The address is known after 120 ms, and its transport is up 100 ms later.
    assert!(drawn[3].contains("▸ running") && !drawn[3].contains("▸ TLS"), "{}", drawn[3]);
    assert!(drawn[4].contains("▸ TLS"), "{}", drawn[4]);
    assert!(!last.contains("TCP"), "{last}");
}

#[test]
fn the_axis_stands_still_as_long_as_it_is_long_enough() {
    let glass = Glass::new(SIZE);
    run(&glass, usual, 4, three);
    let frames = glass.frames();
    // From the answer, which brings labels, to the end of the first axis.
    let axes = frames[2..9].iter().map(|frame| frame.lines().skip(1).take(2).collect::<Vec<_>>());
    let axes: Vec<_> = axes.collect();
    assert!(axes[0][0].trim_start().starts_with("ms  0 "), "{axes:?}");
    assert!(axes.iter().all(|axis| *axis == axes[0]), "{axes:?}");
}

#[test]
fn the_final_picture_stands_where_the_live_one_stood() {
    let mut glass = Glass::new(SIZE);
    let race = run(&glass, usual, 4, three);
    let last = timeline(&race, &usual(ColorWhen::Auto).look);
    glass.write_all(last.as_bytes()).unwrap();
    let plain = timeline(&race, &Look { color: false, ..usual(ColorWhen::Auto).look });
    assert_eq!(glass.contents(), format!("$ stagger\n{}", plain.trim_end()));
}

#[test]
fn a_race_within_a_frame_writes_nothing() {
    let glass = Glass::new(SIZE);
    let clock = Clock::new();
    let screen = Screen::new(glass.clone(), usual, ColorWhen::Auto);
    let connect = clock.sleep_until(clock.now() + ms(49));
    clock.run(shown(connect, &clock, so_far(&nothing()), Some(screen)));
    assert_eq!(glass.frames().len(), 0);
}

#[test]
fn a_connect_that_ends_with_a_frame_is_not_late() {
    let clock = Clock::new();
    let glass = Glass::new(SIZE);
    let screen = Screen::new(glass.clone(), usual, ColorWhen::Auto);
    let connect = clock.sleep_until(clock.now() + FRAME);
    clock.run(shown(connect, &clock, so_far(&nothing()), Some(screen)));
    assert_eq!((clock.elapsed(), glass.frames().len()), (FRAME, 0));
}

#[test]
fn a_connect_that_is_dropped_leaves_the_screen_as_it_was() {
    let glass = Glass::new(SIZE);
    let clock = Clock::new();
    let screen = Screen::new(glass.clone(), usual, ColorWhen::Auto);
    {
        let recorder = nothing();
        let shown =
            pin!(shown(std::future::pending::<()>(), &clock, so_far(&recorder), Some(screen)));
        assert!(clock.run_until(ms(120), shown).is_pending());
        assert!(glass.contents().ends_with("connecting for 100.0 ms"));
    }
    assert_eq!(glass.contents(), "$ stagger");
}

#[test]
fn a_picture_higher_than_the_terminal_shows_its_axis_and_its_end() {
    let glass = Glass::new((12, 80));
    let race = run(&glass, |_| of_size(80, 12), 30, |_| Fate::silent());
    assert_eq!(race.report.attempts().len(), 30);
    let frames = glass.frames();
    let last = &frames[frames.len() - 2];
    let lines: Vec<_> = last.lines().collect();
    assert!(lines[0].ends_with(" end"), "{last}");
    assert_eq!(lines[2].trim(), "25 lines above", "{last}");
    assert!(lines[8].contains("192.0.2.30:80"), "{last}");
    assert!(lines[10].starts_with("connecting for "), "{last}");
    assert_eq!(glass.contents(), "");
    // What stood above has scrolled by, and nothing else has.
    let mut state = glass.0.borrow_mut();
    state.parser.screen_mut().set_scrollback(1000);
    assert_eq!(state.parser.screen().scrollback(), 1);
    assert!(state.parser.screen().contents().starts_with("$ stagger"));
}

#[test]
fn no_size_of_a_terminal_is_too_small() {
    for (width, height) in [(10, 2), (20, 3), (80, 4)] {
        let glass = Glass::new((height, width));
        // A function knows nothing of its surroundings.
        let terminal: fn(ColorWhen) -> Terminal = match height {
            2 => |_| of_size(10, 2),
            3 => |_| of_size(20, 3),
            _ => |_| of_size(80, 4),
        };
        run(&glass, terminal, 4, three);
        let mut state = glass.0.borrow_mut();
        state.parser.screen_mut().set_scrollback(1000);
        assert!(state.parser.screen().scrollback() <= 1, "{width} by {height}");
        assert!(state.frames.last().unwrap().trim().is_empty(), "{width} by {height}");
    }
}

#[test]
fn a_window_that_became_narrower_has_broken_the_lines_that_were_there() {
    let mut screen = Screen::new(io::sink(), usual, ColorWhen::Auto);
    assert_eq!(screen.home(80), "\r");
    screen.lengths = vec![70, 0, 80, 20];
    assert_eq!(screen.home(80), "\r\x1b[4A");
    assert_eq!(screen.home(200), "\r\x1b[4A");
    assert_eq!(screen.home(40), "\r\x1b[6A");
}

#[test]
fn a_terminal_that_is_gone_stops_the_drawing_and_not_the_connect() {
    struct Gone(Rc<RefCell<usize>>);

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            *self.0.borrow_mut() += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let writes = Rc::default();
    let clock = Clock::new();
    let screen = Screen::new(Gone(Rc::clone(&writes)), usual, ColorWhen::Auto);
    let connect = clock.sleep_until(clock.now() + ms(400));
    clock.run(shown(connect, &clock, so_far(&nothing()), Some(screen)));
    assert_eq!(*writes.borrow(), 1);
}
