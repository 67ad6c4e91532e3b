//! Each server scheme, alone and below TLS.

use std::net::TcpStream;

use stagger::Endpoint as _;
use stagger::listen::{Listen as _, Listener as _};
use stagger_testkit::tls::Authority;
use stagger_tests::Scratch;
use stagger_tests::place::has_ipv6;

use crate::on::{On, client, server};

each_runtime! {
    tcp_listens_at_a_port_at_an_address_and_on_all_interfaces,
    a_unix_socket_listens_at_a_path_and_replaces_a_stale_one,
    tls_is_performed_over_tcp_and_over_unix,
    a_client_certificate_is_asked_for_by_the_file_of_its_issuer,
}

fn tcp_listens_at_a_port_at_an_address_and_on_all_interfaces<O: On>() {
    let mut texts = vec![
        ("tcp:0", "0.0.0.0:"),
        ("tcp::0", "0.0.0.0:"),
        ("tcp:127.0.0.1:0?backlog=4&nodelay=no&keepalive=30s&reuse-port=yes", "127.0.0.1:"),
    ];
    if has_ipv6() {
        texts.push(("tcp:[::1]:0?v6-only=no", "[::1]:"));
    }
    for (text, start) in texts {
        O::run(async {
            let mut listener = server::<O>(text).listen().await.unwrap();
            let addr = listener.local_addrs().remove(0);
            assert!(addr.as_str().starts_with(start), "{addr}");
            let addr = addr.to_string().replace("0.0.0.0", "127.0.0.1");
            let mut peer = TcpStream::connect(addr).unwrap();
            let (mut stream, name) = listener.accept().await.unwrap();
            assert_eq!(name.as_str(), peer.local_addr().unwrap().to_string());
            assert_eq!(O::peer(&stream), Some(name.as_str()));
            std::io::Write::write_all(&mut peer, b"hello").unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(O::exchange(&mut stream, b"").await.unwrap(), b"hello");
        });
    }
    O::run(async {
        let listener = server::<O>("tcp:*:0").listen().await.unwrap();
        let addrs: Vec<_> = listener.local_addrs().iter().map(ToString::to_string).collect();
        assert_eq!(addrs.len(), 1 + usize::from(has_ipv6()), "{addrs:?}");
        assert!(addrs.iter().any(|addr| addr.starts_with("0.0.0.0:")), "{addrs:?}");
    });
}

fn a_unix_socket_listens_at_a_path_and_replaces_a_stale_one<O: On>() {
    let scratch = Scratch::new();
    let path = scratch.path().join("a b.sock");
    let text = format!("unix:{}", path.display()).replace(' ', "%20");
    O::run(async {
        let listener = server::<O>(&text).listen().await.unwrap();
        assert_eq!(listener.local_addrs()[0].as_str(), path.to_str().unwrap());
        drop(listener);
        // The file stays.
        assert!(server::<O>(&text).listen().await.is_err());
        let again = format!("{text}?replace-stale=yes&backlog=4");
        let mut listener = server::<O>(&again).listen().await.unwrap();
        let mut connected = client::<O>(&O::schemes(), &text).connect().await.unwrap();
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!((peer.as_str(), O::peer(&stream)), ("unnamed", None));
        let both = futures_lite::future::zip(
            O::exchange(&mut stream, b"answer"),
            O::exchange(&mut connected, b"question"),
        );
        let (question, answer) = both.await;
        assert_eq!(
            (question.unwrap(), answer.unwrap()),
            (b"question".to_vec(), b"answer".to_vec())
        );
    });
}

/// The options of a certificate for a name.
fn identity(authority: &Authority, scratch: &Scratch, name: &str) -> String {
    let identity = authority.issue(name).unwrap();
    let cert = scratch.write(&format!("{name}.pem"), &identity.chain_pem());
    let key = scratch.write(&format!("{name}.key"), &identity.key_pem());
    format!("cert={}&key={}", cert.display(), key.display())
}

fn tls_is_performed_over_tcp_and_over_unix<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let options = identity(&authority, &scratch, "tls.example");
    let path = scratch.path().join("tls.sock").display().to_string();
    for (listen, scheme) in [
        (format!("tcp:127.0.0.1:0 | tls?{options}"), "tcp"),
        (format!("tls:127.0.0.1:0?{options}&limit=8&timeout=20s"), "tcp"),
        (format!("unix:{path} | tls?{options}&alpn=h2"), "unix"),
    ] {
        O::run(async {
            let endpoint = server::<O>(&listen);
            assert_eq!(endpoint.to_string(), listen);
            let mut listener = endpoint.listen().await.unwrap();
            let addr = listener.local_addrs().remove(0);
            let ca = ca.display();
            let text = format!("{scheme}:{addr} | tls?name=tls.example&ca={ca}&alpn=h2");
            let endpoint = client::<O>(&O::schemes(), &text);
            let accepted = async {
                let (mut stream, peer) = listener.accept().await.unwrap();
                assert_eq!(O::peer(&stream).is_some(), peer.as_str() != "unnamed");
                O::exchange(&mut stream, b"answer").await.unwrap()
            };
            let connected = async {
                let mut stream = endpoint.connect().await.unwrap();
                assert_eq!(O::alpn(&stream).is_some(), scheme == "unix");
                O::exchange(&mut stream, b"question").await.unwrap()
            };
            let both = futures_lite::future::zip(accepted, connected).await;
            assert_eq!(both, (b"question".to_vec(), b"answer".to_vec()));
        });
    }
}

fn a_client_certificate_is_asked_for_by_the_file_of_its_issuer<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let ca = ca.display();
    let options = identity(&authority, &scratch, "tls.example");
    let own = identity(&authority, &scratch, "client.example");
    O::run(async {
        let text = format!("tls:127.0.0.1:0?{options}&client-ca={ca}");
        let mut listener = server::<O>(&text).listen().await.unwrap();
        let addr = listener.local_addrs().remove(0);
        for (certificate, is_accepted) in [(format!("&{own}"), true), (String::new(), false)] {
            let text = format!("tcp:{addr} | tls?name=tls.example&ca={ca}{certificate}");
            let endpoint = client::<O>(&O::schemes(), &text);
            let both = futures_lite::future::zip(listener.accept(), endpoint.connect()).await;
            assert_eq!(both.0.is_ok(), is_accepted, "{:?}", both.0.err());
        }
    });
}
