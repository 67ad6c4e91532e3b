//! What runs over a stream through a host: TLS, a proxy, and a database's protocol.

use futures_lite::future;
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::namespace::at;
use stagger_tests::ssh::{Setup, SshAdapter as _, SshRuntime, WAYS, connect_through};
use stagger_tests::sshd::Gateways;
use tokio_postgres::{Config, NoTls};

use crate::on::banner;

on_runtimes! {
    GATEWAYS {
        tls_runs_through_a_host_and_checks_the_name_of_the_target,
        a_socks5_proxy_is_reached_through_two_hosts,
        postgresql_answers_through_two_hosts,
    }
}

fn tls_runs_through_a_host_and_checks_the_name_of_the_target<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let (authority, runtime) = (Authority::new().unwrap(), R::new());
    for (name, is_right) in [("gw2.test", true), ("gw3.test", false)] {
        // Only gw1 resolves the name, and only it reaches the address.
        let server = at("gw2", || Server::echo([10, 77, 1, 2], &authority, name).unwrap());
        let target = format!("gw2.test:{}", server.addr().port());
        for way in WAYS {
            let through = R::Adapter::through(&Setup::new(way, lab.config("")), "gw1");
            let config = authority.client().unwrap();
            let exchange =
                R::Adapter::exchange_tls_through(through, target.clone(), config, b"hello");
            match runtime.run(exchange) {
                Ok(answer) => assert!(is_right && answer == b"hello"),
                Err(error) => {
                    assert!(!is_right && error.to_string().contains("gw3.test"), "{error}")
                }
            }
        }
    }
}

fn a_socks5_proxy_is_reached_through_two_hosts<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let proxy = at("gw2", || ProxyServer::socks5().unwrap());
    for way in WAYS {
        let through = R::Adapter::through(&Setup::new(way, lab.config("")), "gw2");
        let dialer = R::Adapter::by_socks(through, proxy.addr().into());
        let banner = banner::<R>(&runtime, Box::pin(dialer.connect("10.77.2.2:22")));
        assert!(banner.starts_with("SSH-2.0-OpenSSH"), "{banner}");
    }
    assert_eq!(proxy.targets(), ["10.77.2.2:22"; 2]);
}

fn postgresql_answers_through_two_hosts<R: SshRuntime>() {
    let Some(mut lab) = Gateways::start() else { return };
    let Some(()) = lab.postgres(3) else { return };
    let runtime = R::new();
    for way in WAYS {
        let setup = Setup::new(way, lab.config(""));
        let connect = connect_through::<R>(&setup, "gw2", "gw3.test:5432");
        let (text, peer) = runtime.run(async move {
            let stream = connect.await.unwrap_or_else(|error| panic!("{error}"));
            let mut config = Config::new();
            config.user("joe").dbname("postgres");
            let opened = config.connect_raw(R::Adapter::for_tokio(stream), NoTls).await;
            let (client, connection) = opened.unwrap_or_else(|error| panic!("{error}"));
            let query = async {
                let rows = client.query("SELECT $1::TEXT, host(inet_client_addr())", &[&"hello"]);
                let rows = rows.await.unwrap_or_else(|error| panic!("{error}"));
                (rows[0].get::<_, String>(0), rows[0].get::<_, String>(1))
            };
            let connection = async { panic!("the connection ends: {:?}", connection.await) };
            future::or(query, connection).await
        });
        // It is gw2 that the database sees.
        assert_eq!((&*text, &*peer), ("hello", "10.77.2.1"));
    }
}
