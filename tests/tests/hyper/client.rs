//! A client without TLS.

use std::collections::HashSet;

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::http::response::Parts;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::rt::TokioExecutor;
use stagger::boxed::BoxDialer;
use stagger_hyper::RaceReport;
use stagger_tests::place::{Silent, V4};
use stagger_tests::{Nginx, Runtime, battery};

use crate::on::{Answer, Body, NAME, Web, WebRuntime, dialer};

battery! {
    {
        a_response_has_no_report_unless_it_was_asked_for,
        a_boxed_dialer_is_a_connector,
    }
    alone {
        nginx_answers_past_a_black_hole_and_the_response_has_the_report,
    }
}

fn assert_is_nginx(answer: &Answer) {
    assert_eq!(answer.response.status(), StatusCode::OK);
    assert_eq!(answer.body, "it is nginx\n");
}

fn nginx_answers_past_a_black_hole_and_the_response_has_the_report<R: WebRuntime>() {
    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let silent = Silent::new(V4);
    let addrs = [silent.addr(), nginx.addr()];
    let runtime = R::new();
    let connector = R::Adapter::reporting(dialer::<R>(addrs));
    let answer = runtime.get(connector, &format!("http://{NAME}/")).unwrap();
    assert_is_nginx(&answer);
    answer.assert_past_first(addrs);
    assert_eq!(silent.connecting(), 0, "the loser is closed");
}

fn a_response_has_no_report_unless_it_was_asked_for<R: WebRuntime>() {
    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let connector = R::Adapter::connector(dialer::<R>([nginx.addr()]));
    let answer = R::new().get(connector, &format!("http://{NAME}/")).unwrap();
    assert_is_nginx(&answer);
    assert!(answer.response.extensions().get::<RaceReport>().is_none());
}

fn a_boxed_dialer_is_a_connector<R: WebRuntime>() {
    type Kind<R> = <<R as Runtime>::Adapter as Web>::Kind;

    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let boxed = BoxDialer::new(dialer::<R>([nginx.addr()]));
    let connector = stagger_hyper::HttpConnector::<_, Kind<R>>::new(boxed);
    assert_is_nginx(&R::new().get(connector, &format!("http://{NAME}/")).unwrap());
}

#[test]
fn a_response_on_tokio_has_both_addresses_of_its_connection() {
    type Tokio = stagger_tests::TokioCurrentThread;

    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let connector = stagger_hyper::tokio::connector(dialer::<Tokio>([nginx.addr()]));
    let answer = Tokio::new().get(connector, &format!("http://{NAME}/")).unwrap();
    let info: &HttpInfo = answer.response.extensions().get().unwrap();
    assert_eq!((info.remote_addr(), info.local_addr().ip()), (nginx.addr(), V4));
}

#[test]
fn responses_over_one_connection_have_one_report() {
    type Tokio = stagger_tests::TokioCurrentThread;

    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let connector = stagger_hyper::tokio::reporting(dialer::<Tokio>([nginx.addr()]));
    let client = Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let uri: hyper::Uri = format!("http://{NAME}/").parse().unwrap();
    let responses = Tokio::new().run(async move {
        let mut responses = Vec::new();
        for _ in 0..10 {
            let (parts, body) = client.get(uri.clone()).await.unwrap().into_parts();
            body.collect().await.unwrap();
            responses.push(parts);
        }
        responses
    });
    let addr = |response: &Parts| response.extensions.get::<HttpInfo>().unwrap().local_addr();
    let report = |response: &Parts| {
        let race: &RaceReport = response.extensions.get().unwrap();
        std::ptr::from_ref(race.report())
    };
    let addrs: HashSet<_> = responses.iter().map(addr).collect();
    // A client may dial again before the connection is back in its pool.
    assert!(addrs.len() < responses.len(), "no connection was used twice");
    let pairs: HashSet<_> = responses.iter().map(|it| (addr(it), report(it))).collect();
    assert_eq!(pairs.len(), addrs.len(), "{pairs:?}");
}
