//! What is printed: no secret.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stagger::address::Address;
use stagger::connect::connector_fn;
use stagger::observe::Step;
use stagger::resolve::ByName;
use stagger::{Candidate, Connector as _, Dialer, Observer, Policy, Target};
use stagger_proxy::tokio::Tokio as Kind;
use stagger_proxy::{
    Environment, HttpConnect, Login, LoginError, Protocol, Proxy, ProxyUrl, Router, Socks5,
    Through, Tunnel,
};
use stagger_testkit::proxy::ProxyServer;
use stagger_tests::proxy::{ProxyAdapter, ProxyRuntime};
use stagger_tests::{Adapter, Listed, battery};

use crate::scripted::TARGET;

battery! {
    { no_secret_is_in_any_output }
}

const USER: &str = "user-of-a-test";
const PASSWORD: &str = "hunter2-secret";
/// Both in Base64.
const BASIC: &str = "dXNlci1vZi1hLXRlc3Q6aHVudGVyMi1zZWNyZXQ=";

/// Collects everything that is printed.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<String>>);

impl Output {
    fn add(&self, text: impl AsRef<str>) {
        writeln!(self.0.lock().unwrap(), "{}", text.as_ref()).unwrap();
    }
}

impl<A: Address + std::fmt::Debug> Observer<A> for Output {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        self.add(format!("{at:?} {step:?}"));
    }
}

fn no_secret_is_in_any_output<R: ProxyRuntime>() {
    let output = Output::default();
    let login = Login::new(USER, PASSWORD);
    output.add(format!("{login:?} {login:#?}"));
    for kind in [LoginError::UserTooLong, LoginError::ColonInUser, LoginError::ControlCharacter] {
        output.add(format!("{kind} {kind:?}"));
    }
    values(&output, &login);
    errors(&output);
    connects::<R>(&output);
    let text = output.0.lock().unwrap().clone();
    assert!(text.contains("refused the login") && text.contains("proxy.example"), "{text}");
    for secret in [USER, PASSWORD, BASIC] {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None);
        let bytes = format!("{:?}", secret.as_bytes());
        let found = text.lines().find(|line| line.contains(bytes.trim_matches(['[', ']'])));
        assert_eq!(found, None, "a secret is printed as bytes");
    }
}

/// Prints every value that holds a login.
fn values(output: &Output, login: &Login) {
    let proxy: Target = "proxy.example:1080".parse().unwrap();
    let dialer = stagger_tokio::dialer();
    for (protocol, scheme) in [(Protocol::Socks5, "socks5"), (Protocol::Http, "https")] {
        let text = format!("{scheme}://{USER}:{PASSWORD}@proxy.example");
        let url = ProxyUrl::parse(&text).unwrap();
        output.add(format!("{url} {url:?} {url:#?}"));
        let connector: Proxy<_, Kind> = Proxy::new(protocol, dialer.clone(), proxy.clone());
        let connector = connector.with_login(login.clone()).unwrap();
        output.add(format!("{connector:?} {connector:#?}"));
        let to = Candidate::new(Target::parse("web.example:nosuch").unwrap());
        let error = connector.accepts(&to).unwrap_err();
        output.add(format!("{error} {error:?}"));
        let tunnel: Tunnel<_, Kind> = Tunnel::new(dialer.clone(), &url, proxy.clone());
        let through: Through<_, _, _, Kind> = Through::new(dialer.clone(), &url);
        output.add(format!("{tunnel:?} {through:?}"));
        let environment = Environment::from_vars([("ALL_PROXY", &text)]).unwrap();
        let router: Router<_, Kind> = Router::new(dialer.clone(), environment.clone());
        output.add(format!("{environment:?} {router:?} {:?}", router.route(&proxy)));
        let error = router.accepts(&Candidate::new(proxy.clone()));
        output.add(format!("{:?}", error.err()));
    }
    let socks: Socks5<_, Kind> = Socks5::new(dialer.clone(), proxy.clone());
    let http: HttpConnect<_, Kind> = HttpConnect::new(dialer, proxy);
    output.add(format!("{:?}", socks.with_login(login.clone()).unwrap()));
    output.add(format!("{:?}", http.with_login(login.clone()).unwrap()));
}

/// Prints the errors of bad texts.
fn errors(output: &Output) {
    for text in [
        format!("ftp://{USER}:{PASSWORD}@proxy.example"),
        format!("http://{USER}:{PASSWORD}@proxy.example:x"),
        format!("http://{USER}:{PASSWORD}"),
        format!("http://{USER}:{PASSWORD}/@proxy.example"),
        format!("http://{USER}:%{PASSWORD}@proxy.example"),
        format!("http://{USER}:{PASSWORD}@@proxy.example"),
        format!("http://{USER}%3a:{PASSWORD}@proxy.example"),
        format!("{USER}:{PASSWORD}@[::1"),
        format!("{PASSWORD}/@proxy"),
        format!("{PASSWORD}://proxy"),
    ] {
        let error = ProxyUrl::parse(&text).unwrap_err();
        output.add(format!("{error} {error:?} {error:#?}"));
        let error = Environment::from_vars([("ALL_PROXY", &text)]).unwrap_err();
        output.add(format!("{error} {error:?} {:?}", anyhow::Error::from(error.clone())));
        if let Err(error) = Environment::from_vars([("NO_PROXY", &text)]) {
            output.add(format!("{error} {error:?}"));
        }
    }
}

/// Prints the steps, the errors and the reports of connects.
fn connects<R: ProxyRuntime>(output: &Output) {
    let runtime = R::new();
    for (scheme, proxy, password) in [
        ("socks5h", ProxyServer::socks5(), PASSWORD),
        ("socks5h", ProxyServer::socks5(), "right"),
        ("http", ProxyServer::http(), PASSWORD),
        ("http", ProxyServer::http(), "right"),
        ("http", ProxyServer::socks5(), PASSWORD),
        ("socks5h", ProxyServer::http(), PASSWORD),
    ] {
        let proxy = proxy.unwrap().with_login(USER, password);
        let url = format!("{scheme}://{USER}:{PASSWORD}@proxy.example:1080");
        let url = ProxyUrl::parse(&url).unwrap();
        let inner = R::Adapter::dialer()
            .with_resolver(Listed::new([proxy.addr()]))
            // A proxy of the other protocol waits for more bytes.
            .with_policy(Policy::new().with_timeout(Duration::from_secs(2)).unwrap())
            .with_observer(output.clone());
        let through: Through<_, _, _, <R::Adapter as ProxyAdapter>::ProxyKind, _> =
            Through::new(inner, &url);
        let dialer = through.into_dialer().with_observer(output.clone());
        match runtime.run(dialer.connect(TARGET).with_report()) {
            Ok((_, report)) => output.add(format!("{report} {report:?}")),
            Err(error) => {
                output.add(format!("{error} {error:?} {error:#} {error:#?}"));
                output.add(format!("{} {:?}", error.report(), error.report()));
                output.add(format!("{:?}", std::io::Error::from(error)));
            }
        }
    }
    // A connect that is never reached prints nothing either.
    let unreachable = connector_fn(|_: Target| async { Err::<(), _>(std::io::Error::other("x")) });
    output.add(format!("{:?}", Dialer::new(ByName, unreachable, ())));
}
