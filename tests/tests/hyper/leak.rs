//! What is left open: nothing. And how much is open at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use stagger::error::{ErrorKind, Phase};
use stagger::{Candidate, Connector, Error, Policy, Target};
use stagger_dns::{Config, Switch};
use stagger_hyper::find_error;
use stagger_testkit::dns::{NameServer, Reply};
use stagger_tests::descriptor::{allow, open, return_to};
use stagger_tests::place::{Silent, V4};
use stagger_tests::{Runtime as _, TokioCurrentThread, battery, process, watched};

use crate::on::{Body, NAME, Web, WebRuntime, dialer};

battery! {
    alone {
        a_client_that_is_dropped_in_mid_dial_leaves_no_descriptor,
    }
}

fn a_client_that_is_dropped_in_mid_dial_leaves_no_descriptor<R: WebRuntime>() {
    let silent = Silent::new(V4);
    let runtime = R::new();
    let mut most = 0;
    // The first is not counted: the runtime opens what it opens once.
    let mut before = open();
    for round in 0..4 {
        let connector = R::Adapter::connector(dialer::<R>([silent.addr()]));
        let uri = format!("http://{NAME}/").parse().unwrap();
        let request = R::Adapter::request(connector, uri, Body::default());
        let (ended, sockets) = runtime.run(async move {
            let mut sockets = 0;
            let ended = watched(1, request, || sockets = open().len()).await;
            (ended.is_some(), sockets)
        });
        assert!(!ended, "a black hole answered");
        if round == 0 {
            before = open();
            continue;
        }
        most = most.max(sockets);
        return_to(&before);
        assert_eq!(silent.connecting(), 0);
    }
    assert!(most > before.len(), "nothing was open at any drop");
}

/// A connector that counts how many of its attempts there are.
struct Counted<D> {
    inner: D,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

struct Attempt<F> {
    inner: Pin<Box<F>>,
    count: Arc<Count>,
}

impl<D: Connector<Target, Error = Error>> Connector<Target> for Counted<D> {
    type Connection = D::Connection;
    type Error = Error;
    type Attempt = Attempt<D::Attempt>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        let now = self.count.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.count.most.fetch_max(now, Ordering::SeqCst);
        self.count.all.fetch_add(1, Ordering::SeqCst);
        Attempt { inner: Box::pin(self.inner.connect(to)), count: self.count.clone() }
    }
}

impl<F: Future> Future for Attempt<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<F> Drop for Attempt<F> {
    fn drop(&mut self) {
        self.count.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How long a request may wait for its turn. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many requests there are at once.
const REQUESTS: usize = 1000;

/// How many dials may run at once, where there is a limit.
const MAX: usize = 50;

/// Sends all requests through one client to a name whose only address is a black hole. All must
/// time out. Returns how many dials there were at once, and in all.
fn burst(max: Option<usize>, timeout: Duration) -> (usize, usize) {
    let runtime = TokioCurrentThread::new();
    let silent = Silent::new(V4);
    let policy = Policy::new().with_timeout(timeout).unwrap();
    let inner = dialer::<TokioCurrentThread>([silent.addr()]).with_policy(policy);
    let count = Arc::new(Count::default());
    let counted = Counted { inner, count: count.clone() };
    let mut connector = stagger_hyper::tokio::connector(counted);
    if let Some(max) = max {
        connector = connector.with_max_dials(max);
    }
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor);
    let client = client.build::<_, Body>(connector);
    let before = open();
    let requests = (0..REQUESTS).map(|_| {
        let client = client.clone();
        let uri = format!("http://{NAME}/").parse().unwrap();
        async move { ::tokio::time::timeout(PATIENCE, client.get(uri)).await.map(|it| it.map(drop)) }
    });
    for outcome in runtime.run_all(requests.collect()) {
        let error = outcome.expect("a request waits for ever").unwrap_err();
        assert!(matches!(find_error(&error).unwrap().kind(), ErrorKind::TimedOut(_)), "{error:?}");
    }
    return_to(&before);
    assert_eq!(silent.connecting(), 0);
    assert_eq!(count.now.load(Ordering::SeqCst), 0);
    (count.most.load(Ordering::SeqCst), count.all.load(Ordering::SeqCst))
}

#[test]
fn a_thousand_requests_to_a_dead_name_open_a_thousand_sockets_and_leave_none() {
    process::alone(
        concat!(
            module_path!(),
            "::a_thousand_requests_to_a_dead_name_open_a_thousand_sockets_and_leave_none"
        ),
        || {
            if !allow(REQUESTS + 100) {
                return;
            }
            let (most, all) = burst(None, Duration::from_secs(2));
            // A slow machine ends the first dials before it starts the last.
            assert!(most > MAX, "{most}");
            assert_eq!(all, REQUESTS);
        },
    );
}

#[test]
fn a_thousand_requests_with_a_limit_dial_a_few_at_once_and_leave_none() {
    process::alone(
        concat!(
            module_path!(),
            "::a_thousand_requests_with_a_limit_dial_a_few_at_once_and_leave_none"
        ),
        || {
            let (most, all) = burst(Some(MAX), Duration::from_millis(20));
            assert_eq!((most, all), (MAX, REQUESTS));
        },
    );
}

#[test]
fn a_thousand_requests_to_a_name_that_is_never_answered_share_its_questions_and_leave_none() {
    let test = concat!(
        module_path!(),
        "::a_thousand_requests_to_a_name_that_is_never_answered_share_its_questions_and_leave_none"
    );
    process::alone(test, || {
        let server = NameServer::start().unwrap();
        server.otherwise(Reply::silence());
        let config = Config::new().with_servers([server.addr()]).unwrap().with_attempts(1).unwrap();
        let resolver = stagger_tokio::DnsResolver::system()
            .without_hosts()
            .with_switch(Switch::default())
            .with_only_connected(false)
            .with_route_preference(false)
            .with_config(config);
        let policy = Policy::new().with_timeout(Duration::from_secs(2)).unwrap();
        let dialer = stagger_tokio::dialer().with_resolver(resolver).with_policy(policy);
        let runtime = TokioCurrentThread::new();
        let executor = hyper_util::rt::TokioExecutor::new();
        let client = hyper_util::client::legacy::Client::builder(executor);
        let client = client.build::<_, Body>(stagger_hyper::tokio::connector(dialer));
        let before = open();
        let requests = (0..REQUESTS).map(|_| {
            let client = client.clone();
            let uri = format!("http://{NAME}/").parse().unwrap();
            async move { client.get(uri).await.map(drop) }
        });
        for outcome in runtime.run_all(requests.collect()) {
            let error = outcome.unwrap_err();
            let kind = find_error(&error).unwrap().kind();
            assert_eq!(kind, ErrorKind::TimedOut(Phase::Resolving), "{error:?}");
        }
        // Equal lookups are joined. Each of the two sends at most three messages (RFC 9520 §3.1).
        let questions = server.questions().len();
        assert!((2..=6).contains(&questions), "{questions}");
        return_to(&before);
    });
}
