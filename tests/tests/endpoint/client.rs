//! Each client scheme, alone and over others.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixSocketAddr, UnixListener};
use std::thread;

use stagger::Endpoint as _;
use stagger::listen::{Listen as _, Listener as _};
use stagger_endpoint::{AddrText, ServerEndpoint};
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::Scratch;

use crate::on::{On, client, echo_server};

each_runtime! {
    tcp_connects_with_its_options_and_closes_one_direction,
    a_unix_socket_is_reached_by_path_and_by_abstract_name,
    tls_checks_the_name_by_the_roots_of_a_file_and_offers_protocols,
    a_proxy_gets_the_name_and_the_login_of_the_text,
    a_proxy_is_reached_at_a_unix_socket,
    three_hops_and_tls_are_one_endpoint,
    each_layer_of_tls_checks_the_name_of_its_own_target,
}

fn tcp_connects_with_its_options_and_closes_one_direction<O: On>() {
    let addr = echo_server();
    let port = addr.port();
    for text in [
        format!("tcp:{addr}"),
        format!(
            "tcp:localhost:{port}?timeout=30s&attempt-timeout=20s&attempt-delay=100ms\
             &resolution-delay=10ms&handshake-delay=300ms&family=v4&order=resolver\
             &bind=127.0.0.1,[::1]:0&nodelay=no&keepalive=1m&interface=lo"
        ),
        format!("TCP:localhost:{port}?attempt-delay=off&family=v4"),
    ] {
        let endpoint = client::<O>(&O::schemes(), &text);
        O::run(async {
            let mut stream = endpoint.connect().await.unwrap();
            assert_eq!(O::peer(&stream), Some(&*addr.to_string()), "{text}");
            let answer = O::exchange(&mut stream, b"hello").await.unwrap();
            assert_eq!(answer, b"hello", "the answer comes after the end of the question");
        });
    }
}

fn a_unix_socket_is_reached_by_path_and_by_abstract_name<O: On>() {
    let scratch = Scratch::new();
    let path = scratch.path().join("two words");
    let name = format!("stagger-endpoint-{}", scratch.path().file_name().unwrap().display());
    let listeners = [
        UnixListener::bind(&path).unwrap(),
        UnixListener::bind_addr(&UnixSocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
    ];
    for listener in listeners {
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(&all).unwrap();
        });
    }
    let path = path.to_str().unwrap().to_owned();
    for (text, peer) in [
        (format!("unix:{}", path.replace(" ", "%20")), path.clone()),
        (format!("unix:@{name}"), format!("@{name}")),
    ] {
        let endpoint = client::<O>(&O::schemes(), &text);
        assert_eq!(endpoint.to_string(), text);
        O::run(async {
            let mut stream = endpoint.connect().await.unwrap();
            assert_eq!(O::peer(&stream), Some(&*peer));
            assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
        });
    }
}

fn tls_checks_the_name_by_the_roots_of_a_file_and_offers_protocols<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let ca = ca.display();
    let mut config = (*authority.issue("tls.example").unwrap().server().unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let server = Server::echo_with([127, 0, 0, 1], config.into()).unwrap();
    let (addr, port) = (server.addr(), server.addr().port());
    let schemes = O::schemes_at([addr]);
    for text in [
        format!("tcp:tls.example:{port} | tls?ca={ca}&alpn=http/1.1,h2"),
        format!("tls:tls.example:{port}?ca={ca}&alpn=http/1.1,h2&timeout=30s"),
        format!("tcp:{addr} | tls?name=tls.example&ca={ca}&alpn=h2"),
    ] {
        let endpoint = client::<O>(&schemes, &text);
        O::run(async {
            let mut stream = endpoint.connect().await.unwrap();
            assert_eq!(O::alpn(&stream).as_deref(), Some(&b"h2"[..]), "{text}");
            assert_eq!(O::peer(&stream), Some(&*addr.to_string()), "{text}");
            assert_eq!(O::echo(&mut stream, b"hello").await.unwrap(), b"hello");
        });
    }
    for (text, words) in [
        (format!("tls:other.example:{port}?ca={ca}"), ", not other.example"),
        (format!("tcp:{addr} | tls?ca={ca}"), ", not 127.0.0.1"),
    ] {
        let error = O::run(client::<O>(&schemes, &text).connect()).err().unwrap();
        assert!(format!("{error:#}").contains(words), "{error:#}");
    }
}

fn a_proxy_gets_the_name_and_the_login_of_the_text<O: On>() {
    let server = echo_server();
    for (scheme, proxy) in [("socks5", ProxyServer::socks5()), ("connect", ProxyServer::http())] {
        let proxy = proxy.unwrap().with_login("a|b", "p %");
        let proxy = proxy.with_name("web.example", server);
        let text = format!("tcp:{} | {scheme}:a%7Cb:p%20%25@web.example:80", proxy.addr());
        let endpoint = client::<O>(&O::schemes(), &text);
        assert_eq!(endpoint.target().unwrap().to_string(), "web.example:80");
        O::run(async {
            let mut stream = endpoint.connect().await.unwrap();
            assert_eq!(O::peer(&stream), Some(&*proxy.addr().to_string()));
            assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
        });
        assert_eq!((proxy.targets(), proxy.logins()), (vec!["web.example:80".to_owned()], 1));
    }
}

fn a_proxy_is_reached_at_a_unix_socket<O: On>() {
    let (server, proxy, scratch) = (echo_server(), ProxyServer::socks5().unwrap(), Scratch::new());
    let path = scratch.path().join("proxy.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let addr = proxy.addr();
    thread::spawn(move || {
        let (mut near, _) = listener.accept().unwrap();
        let mut far = std::net::TcpStream::connect(addr).unwrap();
        let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut near, &mut far);
        let _ = far.shutdown(std::net::Shutdown::Write);
    });
    let text = format!("unix:{} | socks5:{server}", path.display());
    let endpoint = client::<O>(&O::schemes(), &text);
    O::run(async {
        let mut stream = endpoint.connect().await.unwrap();
        assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
    });
    assert_eq!(proxy.targets(), [server.to_string()]);
}

fn three_hops_and_tls_are_one_endpoint<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let server = Server::echo([127, 0, 0, 1], &authority, "tls.example").unwrap();
    let inner = ProxyServer::socks5().unwrap().with_name("tls.example", server.addr());
    let outer = ProxyServer::http().unwrap().with_login("me", "secret");
    let outer = outer.with_name("inside.example", inner.addr());
    let text = format!(
        "tcp:{} | connect:me:secret@inside.example:1080 | socks5:tls.example:443 | tls?ca={}",
        outer.addr(),
        ca.display()
    );
    let endpoint = client::<O>(&O::schemes(), &text);
    assert_eq!(endpoint.to_string(), text.replace("secret", "***"));
    O::run(async {
        let mut stream = endpoint.connect().await.unwrap();
        assert_eq!(O::echo(&mut stream, b"hello").await.unwrap(), b"hello");
    });
    assert_eq!(outer.targets(), ["inside.example:1080"]);
    assert_eq!(inner.targets(), ["tls.example:443"]);
}

fn each_layer_of_tls_checks_the_name_of_its_own_target<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let ca = ca.display();
    let [outer, inner] = ["proxy.example", "tls.example"].map(|name| {
        let identity = authority.issue(name).unwrap();
        let cert = scratch.write(&format!("{name}.pem"), &identity.chain_pem());
        let key = scratch.write(&format!("{name}.key"), &identity.key_pem());
        format!("tls?cert={}&key={}", cert.display(), key.display())
    });
    // One server plays a proxy with TLS, and the target behind it.
    let schemes = O::schemes().with_server("proxy", |hop| {
        let listen = hop.below()?.with_handshake(O::timer(), |mut stream, _: &AddrText| async {
            O::accept_connect(&mut stream).await?;
            Ok::<_, std::io::Error>(stream)
        });
        Ok(ServerEndpoint::new(listen, |stream, peer: AddrText| (stream, peer)))
    });
    let server = schemes.server(&format!("tcp:127.0.0.1:0 | {outer} | proxy | {inner}")).unwrap();
    O::run(async {
        let mut listener = server.listen().await.unwrap();
        let addr: SocketAddr = listener.local_addrs()[0].as_str().parse().unwrap();
        let text =
            format!("tcp:proxy.example:443 | tls?ca={ca} | connect:tls.example:443 | tls?ca={ca}");
        let endpoint = client::<O>(&O::schemes_at([addr]), &text);
        let accepted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            O::exchange(&mut stream, b"answer").await.unwrap()
        };
        let connected = async {
            let mut stream = endpoint.connect().await.unwrap();
            O::exchange(&mut stream, b"question").await.unwrap()
        };
        let both = futures_lite::future::zip(accepted, connected).await;
        assert_eq!(both, (b"question".to_vec(), b"answer".to_vec()));
    });
}
