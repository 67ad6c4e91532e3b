//! A real server, spoken to.

use stagger::Target;
use stagger::target::TargetError;
use stagger_tests::namespace::etc;
use stagger_tests::{Adapter, GET, Nginx, Runtime, assert_ok, battery};

battery! {
    within LINK_LOCAL {
        nginx_is_reached_by_name_literal_service_name_and_zone,
    }
}

fn speaks_http<R: Runtime, T>(target: T)
where
    T: TryInto<Target>,
    TargetError: From<T::Error>,
{
    let dial = R::Adapter::connect(target);
    let answer = R::new().run(async move {
        let stream = dial.await.unwrap_or_else(|error| panic!("{error:#}"));
        R::Adapter::exchange(stream, GET).await
    });
    assert_ok(&answer);
    assert!(answer.ends_with(b"it is nginx\n"), "{answer:?}");
}

fn nginx_is_reached_by_name_literal_service_name_and_zone<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: files\nservices: files\n"),
        ("hosts", "127.0.0.1 localhost\n::1 localhost server.test\n"),
        ("services", "http 80/tcp www\n"),
    ]);
    let Some(_nginx) = Nginx::start() else {
        return;
    };
    for target in [
        "localhost:80",
        "server.test:80",
        "127.0.0.1:80",
        "[::1]:80",
        "localhost:http",
        "127.0.0.1:www",
        "[fe80::1%near0]:80",
        "[fe80::1%77]:http",
    ] {
        speaks_http::<R, _>(target);
    }
    speaks_http::<R, _>(("server.test", "http"));
    speaks_http::<R, _>(("fe80::1%near0", 80));
}
