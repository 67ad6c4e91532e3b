//! `--answers`: each answer of a resolver, when it arrives.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_lite::Stream;
use stagger::boxed::LocalBoxResolver;
use stagger::error::{LookupErrorKind, SharedError};
use stagger::resolve::{Query, Record};
use stagger::{Answer, Resolver, Timer};

use crate::escape::printable;
use stagger::text::with_causes;

/// A function that is called with each answer.
pub(crate) type OnAnswer = Rc<RefCell<dyn FnMut(AnswerLine)>>;

/// An answer, ready to be shown.
#[derive(Debug)]
pub(crate) struct AnswerLine {
    /// When it arrived, counted from the first poll of the lookup.
    pub(crate) at: Duration,
    pub(crate) record: Record,
    /// The IP addresses.
    pub(crate) addresses: Vec<String>,
    /// How long it may be cached.
    pub(crate) ttl: Option<Duration>,
    /// Whether another answer for the record may follow.
    pub(crate) provisional: bool,
    pub(crate) kind: Option<LookupErrorKind>,
    /// Why it failed, in one line.
    pub(crate) error: Option<String>,
}

/// A resolver that reports each answer.
pub(crate) struct ShowAnswers<T> {
    pub(crate) resolver: LocalBoxResolver<SocketAddr, SharedError>,
    pub(crate) timer: T,
    pub(crate) on_answer: OnAnswer,
}

impl<T: Timer + Clone + Unpin> Resolver for ShowAnswers<T> {
    type Address = SocketAddr;
    type Error = SharedError;
    type Answers = ShownAnswers<T>;

    fn resolve(&self, query: &Query) -> ShownAnswers<T> {
        ShownAnswers {
            answers: self.resolver.resolve(query),
            timer: self.timer.clone(),
            began: None,
            on_answer: Rc::clone(&self.on_answer),
        }
    }
}

/// The answers of a [`ShowAnswers`].
pub(crate) struct ShownAnswers<T> {
    answers: <LocalBoxResolver<SocketAddr, SharedError> as Resolver>::Answers,
    timer: T,
    began: Option<Instant>,
    on_answer: OnAnswer,
}

impl<T: Timer + Unpin> Stream for ShownAnswers<T> {
    type Item = Answer<SocketAddr, SharedError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let now = this.timer.now();
        let began = *this.began.get_or_insert(now);
        let answer = ready!(this.answers.as_mut().poll_next(cx));
        if let Some(answer) = &answer {
            let at = this.timer.now().saturating_duration_since(began);
            (this.on_answer.borrow_mut())(AnswerLine::of(at, answer));
        }
        Poll::Ready(answer)
    }
}

impl AnswerLine {
    fn of(at: Duration, answer: &Answer<SocketAddr, SharedError>) -> Self {
        Self {
            at,
            record: answer.record(),
            addresses: answer.addresses().map(|addr| addr.ip().to_string()).collect(),
            ttl: answer.ttl(),
            provisional: answer.is_provisional(),
            kind: answer.kind(),
            error: answer.error().map(|error| with_causes(error.get_ref())),
        }
    }

    /// One line, escaped.
    pub(crate) fn line(&self) -> String {
        let ms = self.at.as_secs_f64() * 1000.0;
        let ttl = self.ttl.map(|ttl| format!(", TTL {} s", ttl.as_secs()));
        let what = match &self.error {
            Some(error) => format!("failed: {error}"),
            None if self.addresses.is_empty() => "no addresses".to_owned(),
            None => self.addresses.join(" "),
        };
        let ttl = ttl.unwrap_or_default();
        printable(&format!("{ms:9.1} ms  {:<5}  {what}{ttl}", self.record.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: Duration, answer: &Answer<SocketAddr, SharedError>) -> String {
        AnswerLine::of(at, answer).line()
    }

    #[test]
    fn an_answer_is_a_line_with_its_time_addresses_and_ttl() {
        let at = Duration::from_micros(1_500);
        let found: [SocketAddr; 2] =
            ["192.0.2.1:80", "192.0.2.2:80"].map(|text| text.parse().unwrap());
        let answer: Answer<SocketAddr, SharedError> =
            Answer::found(Record::A, found).with_ttl(Duration::from_secs(60));
        assert_eq!(line(at, &answer), "      1.5 ms  A      192.0.2.1 192.0.2.2, TTL 60 s");
        let negative: Answer<SocketAddr, SharedError> = Answer::negative(Record::Aaaa);
        assert_eq!(line(at, &negative), "      1.5 ms  AAAA   no addresses");
        let failed: Answer<SocketAddr, SharedError> =
            Answer::failed(Record::Addresses, SharedError::new("gone"));
        assert_eq!(line(at, &failed), "      1.5 ms  all    failed: gone");
        let hostile: Answer<SocketAddr, SharedError> =
            Answer::failed(Record::A, SharedError::new("\u{9b}31m\u{202e}\x7f"));
        assert_eq!(line(at, &hostile), r"      1.5 ms  A      failed: \u{9b}31m\u{202e}\u{7f}");
    }
}
