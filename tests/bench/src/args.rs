//! What the programs are told.

use std::env;

use crate::BoxError;

/// The arguments of a program.
#[derive(Debug)]
pub struct Args {
    /// Few rounds: to see that it works.
    pub quick: bool,
    /// Measure times alone: count no instructions.
    pub times: bool,
    /// Measure connects on this runtime alone.
    pub only: Option<String>,
    /// What the order of turns and the intervals are drawn from.
    pub seed: u64,
    /// Do this and no more, for Callgrind to count.
    pub count: Option<Count>,
    /// Be this part of the program and no more, in a process of its own.
    pub part: Option<Part>,
}

/// A part of a program that has a process of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name server.
    Serve,
    /// What lookups take of the machine: the runtime and the way.
    Weigh(String, String),
    /// A listener at the limit of descriptors: the runtime and the listener.
    Exhaust(String, String),
}

/// What is done so many times under Callgrind.
#[derive(Clone, Debug)]
pub struct Count {
    /// What is done.
    pub subject: Subject,
    /// How many times.
    pub times: usize,
}

/// What is counted.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A connect: the runtime, the way, and `literal` or `name`.
    Connect(String, String, String),
    /// A connect and the first write to its stream.
    Write(String, String, String),
    /// A list of this length that fails.
    List(usize),
    /// A lookup: the runtime and the way.
    Lookup(String, String),
}

impl Subject {
    /// The arguments that [`Args::read`] makes it of.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Connect(side, way, place) => vec![side.clone(), way.clone(), place.clone()],
            Self::Write(side, way, place) => {
                vec!["write".to_owned(), side.clone(), way.clone(), place.clone()]
            }
            Self::List(length) => vec!["list".to_owned(), length.to_string()],
            Self::Lookup(side, means) => vec!["lookup".to_owned(), side.clone(), means.clone()],
        }
    }
}

impl Args {
    /// Reads `--quick`, `--times`, `--only RUNTIME`, `--seed N`, `--count SUBJECT… TIMES` and the
    /// arguments for a [`Part`]. Ignores cargo's own `--bench`.
    ///
    /// # Errors
    ///
    /// An argument that is none of these.
    pub fn read() -> Result<Self, BoxError> {
        let mut read =
            Self { quick: false, times: false, only: None, seed: 1, count: None, part: None };
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut next = || args.next().ok_or_else(|| format!("{arg} wants more"));
            match arg.as_str() {
                "--bench" => {}
                "--quick" => read.quick = true,
                "--times" => read.times = true,
                "--only" => read.only = Some(next()?),
                "--seed" => read.seed = next()?.parse()?,
                "--count" => {
                    let side = next()?;
                    let subject = match side.as_str() {
                        "list" => Subject::List(next()?.parse()?),
                        "lookup" => Subject::Lookup(next()?, next()?),
                        "write" => Subject::Write(next()?, next()?, next()?),
                        _ => Subject::Connect(side, next()?, next()?),
                    };
                    read.count = Some(Count { subject, times: next()?.parse()? });
                }
                "--serve" => read.part = Some(Part::Serve),
                "--weigh" => read.part = Some(Part::Weigh(next()?, next()?)),
                "--exhaust" => read.part = Some(Part::Exhaust(next()?, next()?)),
                _ => return Err(format!("there is no argument {arg:?}").into()),
            }
        }
        Ok(read)
    }

    /// Whether the runtime of this name is measured.
    pub fn wants(&self, runtime: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == runtime)
    }
}
