//! From a destination to its hops.

#![cfg(unix)]

mod support;

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use stagger::resolve::{Query, Record, lookup_fn};
use stagger::{Resolver as _, Target};
use stagger_ssh::{Route, Ssh, SshErrorKind, SshHost};
use support::Config;

fn hops(host: &SshHost) -> Vec<String> {
    host.hops().map(ToString::to_string).collect()
}

#[test]
fn a_host_without_a_proxy_is_reached_directly() {
    let config = Config::new("Host web\n HostName 192.0.2.1\n Port 2222\n");
    let web = config.host("web");
    assert!(matches!(web.route(), Route::Direct));
    assert_eq!((web.config().host_name(), web.config().port()), ("192.0.2.1", 2222));
}

#[test]
fn the_last_of_several_jump_hosts_is_reached_through_those_before_it() {
    let config = Config::new("Host web\n ProxyJump first,second,third\n");
    assert_eq!(hops(&config.host("web")), ["first", "second", "third", "web"]);
}

#[test]
fn a_list_of_jump_hosts_overrides_their_own_jump_hosts_but_not_those_of_the_first() {
    let config = Config::new(
        "Host web\n ProxyJump first,second\n\
         Host second\n ProxyJump ignored\n\
         Host first\n ProxyJump zeroth\n",
    );
    assert_eq!(hops(&config.host("web")), ["zeroth", "first", "second", "web"]);
}

#[test]
fn a_list_of_jump_hosts_overrides_a_proxy_command() {
    let config = Config::new("Host web\n ProxyJump a,b\nHost b\n ProxyCommand nc %h %p\n");
    assert_eq!(hops(&config.host("web")), ["a", "b", "web"]);
}

#[test]
fn a_single_jump_host_uses_its_own_proxy_command() {
    let config = Config::new("Host web\n ProxyJump b\nHost b\n ProxyCommand nc --secret %h %p\n");
    let web = config.host("web");
    let Route::Through(b) = web.route() else { panic!("{web:?}") };
    let Route::Command(line) = b.route() else { panic!("{b:?}") };
    assert_eq!(line, "nc --secret b 22");
    assert!(!format!("{web:?}").contains("secret"), "{web:?}");
}

#[test]
fn the_standard_input_of_ssh_is_no_way_to_a_host() {
    let config = Config::new("Host web\n ProxyCommand -\nHost far\n ProxyJump web\n");
    let error = config.look_up("far").unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config);
    let text = "SSH host web: ProxyCommand - means the standard input of ssh(1); name a command \
        instead";
    assert_eq!(error.to_string(), text);
}

#[test]
fn user_and_port_of_a_jump_host_are_like_options_of_the_command_line() {
    let config = Config::new("Host web\n ProxyJump joe@b:2200\nHost b\n User sue\n Port 1\n");
    let web = config.host("web");
    let Route::Through(b) = web.route() else { panic!("{web:?}") };
    assert_eq!((b.config().user(), b.config().port()), ("joe", 2200));
}

#[test]
fn a_cycle_is_an_error_that_shows_it() {
    let config =
        Config::new("Host start\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n");
    let error = config.look_up("start").unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config);
    let text = error.to_string();
    assert_eq!(text, "SSH host start: the jump hosts are a cycle: a -> b -> a");
}

#[test]
fn a_jump_host_may_come_twice_if_the_second_time_is_no_cycle() {
    // The list overrides the jump host of b, so the second a is the end.
    let config = Config::new("Host web\n ProxyJump a,b,a\nHost b\n ProxyJump a\n");
    assert_eq!(hops(&config.host("web")), ["a", "b", "a", "web"]);
}

#[test]
fn sixteen_hosts_in_a_row_are_found_and_seventeen_are_an_error() {
    let line = |number: usize| format!("Host h{number}\n ProxyJump h{}\n", number + 1);
    let text: String = (1..16).map(line).collect();
    let config = Config::new(&text);
    assert_eq!(config.host("h1").hops().count(), 16);
    let config = Config::new(&(text + &line(16)));
    let error = config.look_up("h1").unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config);
    assert!(error.to_string().contains("more than 16 hosts"), "{error}");
}

#[test]
fn match_exec_without_permission_is_an_error_that_names_the_line() {
    let config = Config::new("Host *\n User joe\nMatch exec \"exit 0 # secret\"\n Port 2222\n");
    let error = config.look_up("web").unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config);
    let text = error.to_string();
    assert!(text.contains(&format!("{}, line 3", config.path().display())), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn match_exec_with_permission_runs() {
    for (command, port) in [
        ("true", 2222),
        ("false", 22),
        ("echo loud >&2; exit 0", 2222),
        ("false || true", 2222),
        ("true; false", 22),
    ] {
        let config = Config::new(&format!("Match exec \"{command}\"\n Port 2222\n"));
        let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files()).with_match_exec();
        let web = futures_lite::future::block_on(ssh.resolve("web")).unwrap();
        assert_eq!(web.config().port(), port, "{command}");
    }
}

#[test]
fn a_resolver_reads_the_port_of_the_service_ssh_from_the_configuration() {
    let config = Config::new("Host web\n Port 2222\n");
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files());
    let ask = |target: &str, https: bool| {
        let query = Query::new(Target::parse(target).unwrap()).with_https(https);
        let answers = ssh.resolver().resolve(&query);
        futures_lite::future::block_on(futures_lite::StreamExt::collect::<Vec<_>>(answers))
    };
    for (target, port) in [("web:ssh", 2222), ("web:22", 22)] {
        let answers = ask(target, false);
        let [answer] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(answer.addresses().next().unwrap().config().port(), port, "{target}");
    }
    let answers = ask("web:https", true);
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0].record(), Record::Https);
    assert!(answers[1].is_final() && answers[1].error().is_some());
}

#[test]
fn a_target_that_ssh_refuses_as_a_host_is_an_error() {
    // The token %h leads to a shell.
    let config = Config::new("Host *\n ProxyCommand nc %h %p\n");
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files());
    for target in ["a;id:22", "a$(id):ssh", "a`id`:22", "-v:22", "a&b:22"] {
        let query = Query::new(Target::parse(target).unwrap());
        let answers = ssh.resolver().resolve(&query);
        let answers = futures_lite::StreamExt::collect::<Vec<_>>(answers);
        let answers = futures_lite::future::block_on(answers);
        assert!(answers.iter().all(|answer| answer.addresses().next().is_none()), "{target}");
        assert!(answers[0].is_final(), "{target}");
        let answers = stagger_ssh::ByAlias.resolve(&query);
        let answers = futures_lite::StreamExt::collect::<Vec<_>>(answers);
        let answers = futures_lite::future::block_on(answers);
        assert!(answers.iter().all(|answer| answer.addresses().next().is_none()), "{target}");
        let error = answers[0].error().unwrap();
        assert_eq!(error.kind(), SshErrorKind::Config, "{target}");
    }
}

#[test]
fn a_text_that_is_no_destination_is_an_error_of_the_connect() {
    let ssh = Ssh::new(stagger_smol::dialer());
    let error = futures_lite::future::block_on(ssh.connect("-oProxyCommand=x")).unwrap_err();
    let error = error.causes().find_map(|cause| cause.downcast_ref::<stagger_ssh::SshError>());
    let error = error.expect("it is by SSH");
    assert_eq!(error.kind(), SshErrorKind::Config);
}

#[test]
fn match_exec_has_a_time_limit() {
    let config = Config::new("Match exec \"sleep 100\"\n Port 2222\n");
    let ssh = support::impatient().with_config(config.files()).with_match_exec();
    let error = futures_lite::future::block_on(ssh.resolve("web")).unwrap_err();
    assert_eq!(error.kind(), SshErrorKind::Config);
    assert!(error.to_string().contains("line 1 has run for 30s"), "{error}");
}

#[test]
fn dropping_a_lookup_kills_the_command_of_match_exec() {
    let pipe = std::env::temp_dir().join(format!("stagger-ssh-pipe-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = format!("Match exec \"sleep 1000 > {}\"\n Port 2222\n", pipe.display());
    let config = Config::new(&text);
    let ssh = Ssh::new(stagger_smol::dialer()).with_config(config.files()).with_match_exec();
    let opened = pipe.clone();
    let mut file = futures_lite::future::block_on(async {
        // The open waits until the command has opened the other end.
        let started = blocking::unblock(|| std::fs::File::open(opened).unwrap());
        let never = async {
            ssh.resolve("web").await.unwrap_err();
            unreachable!("the command does not end")
        };
        futures_lite::FutureExt::or(started, never).await
    });
    std::fs::remove_file(&pipe).unwrap();
    // The pipe ends with its last writer.
    assert_eq!(file.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_name_is_canonicalised_by_the_resolver_of_the_dialer() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let resolver = lookup_fn(move |query: Query| {
        log.lock().unwrap().push(query.target().host().to_string());
        let is_there = query.target().host().to_string().starts_with("web.b.example");
        let addr: SocketAddr = "192.0.2.1:22".parse().unwrap();
        async move { is_there.then_some([addr]).ok_or(io::ErrorKind::NotFound) }
    });
    let resolver = resolver.map_err(io::Error::from);
    let smol = stagger_smol::dialer().with_resolver(resolver);
    let config = Config::new(
        "CanonicalizeHostname yes\nCanonicalDomains a.example b.example c.example\n\
         Host web.b.example\n Port 2222\n",
    );
    let ssh = Ssh::new(smol).with_config(config.files());
    let web = futures_lite::future::block_on(ssh.resolve("web")).unwrap();
    assert_eq!((web.config().host_name(), web.config().port()), ("web.b.example", 2222));
    assert_eq!(*asked.lock().unwrap(), ["web.a.example.", "web.b.example."]);
}
