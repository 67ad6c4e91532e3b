//! No output has a password.

use stagger_testkit::proxy::ProxyServer;

use crate::on::{On, client, echo_server};

each_runtime! {
    no_error_report_or_name_has_a_password,
}

const SECRET: &str = "hunter2";

fn no_error_report_or_name_has_a_password<O: On>() {
    let server = echo_server();
    let right = ProxyServer::socks5().unwrap().with_login("me", SECRET);
    let wrong = ProxyServer::http().unwrap().with_login("me", "other");
    let mut outputs = Vec::new();
    for text in [
        format!("tcp:{} | socks5:me:{SECRET}@{server}", right.addr()),
        format!("tcp:{} | connect:me:{SECRET}@{server}", wrong.addr()),
        format!("tcp:{} | socks5:me:{SECRET}@127.0.0.1:1", right.addr()),
        format!("tcp:127.0.0.1:1 | connect:me:{SECRET}@{server}"),
        format!("tcp:{} | connect:me:{SECRET}@{server}", right.addr()),
    ] {
        let endpoint = client::<O>(&O::schemes(), &text);
        outputs.push(format!("{endpoint} {endpoint:?} {:?}", endpoint.clone().boxed()));
        let dialer = endpoint.dialer(O::timer());
        let connect = dialer.connect_addresses([endpoint.clone()]).with_report();
        outputs.push(match O::run(connect) {
            Ok((_, report)) => format!("{report} {report:?}"),
            Err(error) => format!("{error} {error:?} {:#?} {}", error, error.report()),
        });
        let connected = O::run(stagger::Endpoint::connect(&endpoint));
        outputs.extend(connected.err().map(|error| format!("{error} {error:#} {error:?}")));
    }
    assert!(outputs.len() > 10, "some of them fail: {outputs:#?}");
    for output in outputs {
        assert!(!output.contains(SECRET), "{output}");
    }
}
