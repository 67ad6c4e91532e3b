//! A client without TLS.

use hyper::StatusCode;
use hyper_util::client::legacy::connect::HttpInfo;
use stagger::boxed::BoxDialer;
use stagger_tests::place::{Silent, V4};
use stagger_tests::{Nginx, Runtime, battery};

use crate::on::{Answer, NAME, Web, WebRuntime, dialer};

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
    assert!(answer.response.extensions().get::<stagger_hyper::RaceReport>().is_none());
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
