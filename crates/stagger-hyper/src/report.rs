//! The report of a race in the extensions of a response.

use std::fmt;
use std::sync::Arc;

use stagger::Report;

/// The report of the race that opened a connection, in the extensions of each response over it.
///
/// The constructors `reporting` and `https_reporting` of [`tokio`](crate::tokio) and
/// [`futures`](crate::futures) put it there. A client keeps connections, so later responses over the
/// same connection have the same report. It is cheap to clone.
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use stagger_hyper::RaceReport;
/// use stagger_hyper::tokio::reporting;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let url = stagger_testkit::http::HttpServer::start([127, 0, 0, 1])?.url();
/// let client = Client::builder(TokioExecutor::new())
///     .build::<_, String>(reporting(stagger_tokio::dialer()));
/// let response = client.get(url.parse()?).await?;
///
/// let race: &RaceReport = response.extensions().get().unwrap();
/// println!("{race}");
/// assert!(race.report().winner().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RaceReport(Arc<Report<String>>);

impl RaceReport {
    #[cfg(any(feature = "tokio", feature = "futures"))]
    pub(crate) fn new(report: Report<String>) -> Self {
        Self(Arc::new(report))
    }

    /// The report, with addresses as text.
    pub fn report(&self) -> &Report<String> {
        &self.0
    }
}

/// Prints the report, one line for each step.
impl fmt::Display for RaceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RaceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
