//! The row of a client: its own dial beside ours, in each situation.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_lite::FutureExt as _;
use futures_util::future::join_all;

use crate::network::{self, Situation};
use crate::version::version;

/// When a dial is given up. Most systems would wait two minutes. The number is ours.
const LIMIT: Duration = Duration::from_secs(8);

/// Connects to a host, and returns after the first real answer.
type Way<'a> = Box<dyn Fn(&'static str) -> Pin<Box<dyn Future<Output = crate::Result> + 'a>> + 'a>;

/// How long a way took, and whether it failed. None if it was given up.
type Measured = Option<(Duration, crate::Result)>;

/// The row of a client in the table.
pub struct Row<'a> {
    client: &'static str,
    own: Option<Way<'a>>,
    ours: Option<Way<'a>>,
    raced: Option<Way<'a>>,
    stuck: Vec<Situation>,
}

impl<'a> Row<'a> {
    /// A row without a way to connect. `client` is the name of the client's crate.
    pub fn new(client: &'static str) -> Self {
        Self { client, own: None, ours: None, raced: None, stuck: Vec::new() }
    }

    /// Sets the client's own dial.
    pub fn with_own<F>(mut self, way: impl Fn(&'static str) -> F + 'a) -> Self
    where
        F: Future<Output = crate::Result> + 'a,
    {
        self.own = Some(Box::new(move |host| Box::pin(way(host))));
        self
    }

    /// Sets the dial through Stagger.
    pub fn with_ours<F>(mut self, way: impl Fn(&'static str) -> F + 'a) -> Self
    where
        F: Future<Output = crate::Result> + 'a,
    {
        self.ours = Some(Box::new(move |host| Box::pin(way(host))));
        self
    }

    /// Sets the dial through Stagger that has the client's handshake in the race. Where it is set,
    /// the column for a stalled address shows it. It is measured in every situation.
    pub fn with_raced<F>(mut self, way: impl Fn(&'static str) -> F + 'a) -> Self
    where
        F: Future<Output = crate::Result> + 'a,
    {
        self.raced = Some(Box::new(move |host| Box::pin(way(host))));
        self
    }

    /// Expects the dial through Stagger to be stuck in this situation, and panics if it is not.
    pub fn with_stuck(mut self, situation: Situation) -> Self {
        self.stuck.push(situation);
        self
    }

    /// Measures, and prints the row. `port` is the server's.
    ///
    /// The own dials run at the same time, because most of them only wait. Ours run one by one.
    ///
    /// # Panics
    ///
    /// If a dial through Stagger fails or is stuck where that is not expected.
    pub async fn print(self, port: u16) {
        network::serve(port);
        let own = match &self.own {
            Some(way) => join_all(Situation::ALL.map(|situation| measure(way, situation))).await,
            None => Vec::new(),
        };
        for (measured, situation) in own.iter().zip(Situation::ALL) {
            if let Some((_, Err(error))) = measured {
                eprintln!("{situation:?}, own dial: {error}");
            }
        }
        let mut cells = Vec::new();
        for (index, situation) in Situation::ALL.into_iter().enumerate() {
            let own = own.get(index).map_or("–".to_owned(), cell);
            cells.push(format!("{own} / {}", self.through_stagger(situation).await));
        }
        let client = self.client;
        println!("| [{client}](#{client}) | {} | {} |", version(client), cells.join(" | "));
    }

    async fn through_stagger(&self, situation: Situation) -> String {
        let ours = self.ours.as_ref().expect("a row has our dial");
        let is_stalled = situation == Situation::Stalled;
        let mut shown = String::new();
        if !(is_stalled && self.raced.is_some()) {
            let measured = measure(ours, situation).await;
            let is_stuck = self.stuck.contains(&situation);
            check(situation, &measured, is_stuck);
            shown = cell(&measured);
        }
        if let Some(raced) = &self.raced {
            let measured = measure(raced, situation).await;
            check(situation, &measured, false);
            if is_stalled {
                shown = cell(&measured);
            }
        }
        shown
    }
}

async fn measure(way: &Way<'_>, situation: Situation) -> Measured {
    let start = Instant::now();
    let answer = async { Some(way(situation.host()).await) };
    let limit = async {
        async_io::Timer::after(LIMIT).await;
        None
    };
    answer.or(limit).await.map(|result| (start.elapsed(), result))
}

fn check(situation: Situation, measured: &Measured, is_stuck: bool) {
    match measured {
        None => assert!(is_stuck, "{situation:?}: no answer within {LIMIT:?}"),
        Some((_, Ok(()))) => assert!(!is_stuck, "{situation:?}: it answers, so change the row"),
        Some((after, Err(error))) => panic!("{situation:?} failed after {after:?}: {error}"),
    }
}

/// A time in milliseconds, as the table has it.
fn cell(measured: &Measured) -> String {
    match measured {
        None => format!("> {}", thousands(LIMIT)),
        Some((after, Ok(()))) => thousands(*after),
        Some((after, Err(_))) => format!("fails at {}", thousands(*after)),
    }
}

fn thousands(time: Duration) -> String {
    let millis = time.as_millis();
    if millis < 1000 {
        millis.to_string()
    } else {
        format!("{},{:03}", millis / 1000, millis % 1000)
    }
}
