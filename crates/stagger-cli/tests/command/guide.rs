//! The commands of the guide, on the host that the guide describes: each prints what its page says.
//!
//! A page is compared word by word. Bars, times, and the port that the system chose are left out. A
//! line that ends in `...` stands for all lines that begin as it does.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use socket2::Socket;
use stagger::resolve::Record;
use stagger_testkit::dns::{NameServer, Reply};
use stagger_testkit::proxy::ProxyServer;

use crate::namespace::{Temporary, inside, replace, sh};
use crate::run::{Run, STAGGER, run, silent_at};
use crate::skip::skip;

/// A command of a page, and what the page says that it prints.
struct Example {
    command: String,
    output: Vec<String>,
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let rests = page.split(&fence).skip(1);
    rests.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The commands in the blocks of a console, each after `$ `.
fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in blocks(page, "console") {
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    examples.push(Example { command: command.to_owned(), output: Vec::new() });
                }
                None => examples.last_mut().expect("a command").output.push(line.to_owned()),
            }
        }
    }
    examples
}

/// The words of a line that are the same in every run; none for the axis of a picture.
fn words(line: &str) -> Vec<String> {
    if line.contains('├') || line.trim_start().starts_with("ms  0") {
        return Vec::new();
    }
    let is_bar = |word: &&str| word.chars().all(|glyph| "─━═╪╌·┤╱✗✓■?".contains(glyph));
    let words = line.split_whitespace().filter(|word| !is_bar(word));
    words
        .map(|word| match word.rsplit_once(':') {
            // Where the connection comes from, at the end of a line.
            Some((ip, port)) if port.ends_with(')') => format!("{ip}:#)"),
            _ if word.contains('.') && word.parse::<f64>().is_ok() => "#".to_owned(),
            _ if is_date(word) => "#".to_owned(),
            _ => word.to_owned(),
        })
        .collect()
}

/// Whether a word is a date, as in 2026-01-31.
fn is_date(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Whether a line is as its page says.
fn agrees(said: &[String], printed: &[String]) -> bool {
    match said.split_last() {
        Some((last, first)) if last == "..." => printed.starts_with(first),
        _ => said == printed,
    }
}

/// Runs a command of a page by a shell that finds `stagger`, in a folder of its own.
fn shell(command: &str) -> Run {
    let programs = Path::new(STAGGER).parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", path).stdin(Stdio::null());
    shell.env("LC_ALL", "C.UTF-8").env_remove("COLUMNS").env_remove("NO_COLOR");
    // The machine trusts the certificate of the host.
    shell.env("SSL_CERT_FILE", roots()).env_remove("SSL_CERT_DIR");
    run(&mut shell)
}

/// The file of certificates that the machine trusts.
fn roots() -> PathBuf {
    std::env::temp_dir().join(format!("stagger-guide-{}-roots.pem", std::process::id()))
}

/// How often a command is run. On a busy machine a lookup can be late, and then there is a row
/// more.
const TRIES: usize = 3;

#[track_caller]
fn prints_what_the_page_says(name: &str, count: usize) {
    let examples = examples(&page(name));
    assert_eq!(examples.len(), count, "the commands of {name}");
    for Example { command, output } in examples {
        if command.contains(" --tls") && !cfg!(feature = "tls") {
            continue;
        }
        let mut runs = Vec::new();
        while !runs.last().is_some_and(|run| is_as_said(run, &output)) {
            assert!(runs.len() < TRIES, "{command} printed {runs:#?}");
            runs.push(shell(&command));
        }
    }
}

/// Whether a command printed this, and failed if this has an error.
fn is_as_said(run: &Run, output: &[String]) -> bool {
    let has = |start| output.iter().any(|line| line.starts_with(start));
    let code = match (has("error: bad "), has("error: ")) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    };
    let non_empty = |line: &str| Some(words(line)).filter(|words| !words.is_empty());
    let said: Vec<_> = output.iter().filter_map(|line| non_empty(line)).collect();
    let printed: Vec<_> = run.out.lines().chain(run.err.lines()).filter_map(non_empty).collect();
    run.code == Some(code)
        && said.len() == printed.len()
        && said.iter().zip(&printed).all(|(said, printed)| agrees(said, printed))
}

/// The host `example.com`: at port 443 its IPv6 address is silent and its IPv4 address accepts. At
/// port 81 both refuse. A name server at 192.0.2.53 never answers AAAA.
struct Host {
    _hosts: Temporary,
    _silent: Vec<Socket>,
    _healthy: TcpListener,
    _server: NameServer,
}

impl Host {
    fn new() -> Self {
        sh("ip address add 2001:db8::1/128 dev lo nodad
            ip address add 192.0.2.1/32 dev lo
            ip address add 192.0.2.53/32 dev lo");
        let hosts = replace(
            "/etc/hosts",
            "2001:db8::1 example.com\n192.0.2.1 example.com\n\
             2001:db8::9 proxy.test\n192.0.2.9 proxy.test\n",
        );
        let server = NameServer::start_at("192.0.2.53:53".parse().unwrap()).unwrap();
        server.on("example.com", Record::A, Reply::addresses(["192.0.2.1"]));
        server.on("example.com", Record::Aaaa, Reply::silence());
        Self {
            _hosts: hosts,
            _silent: silent_at("[2001:db8::1]:443".parse().unwrap()).unwrap(),
            _healthy: TcpListener::bind("192.0.2.1:443").unwrap(),
            _server: server,
        }
    }
}

/// TLS of the host: at port 8443 its IPv6 address accepts and then stalls, and its IPv4 address has
/// a certificate that the machine trusts. Dropping it removes the file of roots.
#[cfg(feature = "tls")]
struct Secure {
    _stalled: TcpListener,
}

#[cfg(feature = "tls")]
impl Secure {
    fn new() -> Self {
        use stagger_testkit::tls::Authority;
        use stagger_tls::rustls::{ServerConnection, StreamOwned};

        let authority = Authority::named("Example authority").unwrap();
        fs::write(roots(), authority.certificate_pem()).unwrap();
        let config = authority.issue("example.com").unwrap().server().unwrap();
        let listener = TcpListener::bind("192.0.2.1:8443").unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let _ = StreamOwned::new(connection, stream).read(&mut [0]);
            }
        });
        Self { _stalled: TcpListener::bind("[2001:db8::1]:8443").unwrap() }
    }
}

#[cfg(feature = "tls")]
impl Drop for Secure {
    fn drop(&mut self) {
        let _ = fs::remove_file(roots());
    }
}

/// The SOCKS5 proxy `proxy.test`: its IPv6 address is silent, and its IPv4 address knows the host.
/// At port 1081 it requires a login.
struct Proxies {
    _silent: Vec<Socket>,
    _proxies: [ProxyServer; 2],
}

impl Proxies {
    fn new() -> Self {
        sh("ip address add 192.0.2.9/32 dev lo
            ip address add 2001:db8::9/128 dev lo nodad");
        let proxy = |addr: &str| {
            let listener = TcpListener::bind(addr).unwrap();
            let proxy = ProxyServer::socks5_on(listener).unwrap();
            proxy.with_name("example.com", "192.0.2.1:443".parse().unwrap())
        };
        let closed = proxy("192.0.2.9:1081").with_login("bob", "secret");
        Self {
            _silent: silent_at("[2001:db8::9]:1080".parse().unwrap()).unwrap(),
            _proxies: [proxy("192.0.2.9:1080"), closed],
        }
    }
}

#[test]
fn the_page_on_diagnosing_says_what_the_commands_print() {
    if !inside("guide::the_page_on_diagnosing_says_what_the_commands_print") {
        return;
    }
    let _host = Host::new();
    #[cfg(feature = "tls")]
    let _secure = Secure::new();
    let _proxies = Proxies::new();
    prints_what_the_page_says("diagnosing.md", 12);
}

#[test]
fn the_page_on_pipes_says_what_the_commands_print() {
    if !inside("guide::the_page_on_pipes_says_what_the_commands_print") {
        return;
    }
    let _host = Host::new();
    let echo = TcpListener::bind("192.0.2.1:7").unwrap();
    thread::spawn(move || -> io::Result<()> {
        for stream in echo.incoming() {
            let stream = stream?;
            io::copy(&mut &stream, &mut &stream)?;
        }
        Ok(())
    });
    let _proxies = Proxies::new();
    prints_what_the_page_says("proxy-command.md", 3);
}

#[test]
fn ssh_connects_past_a_silent_address_with_each_way_of_the_page() {
    if !inside("guide::ssh_connects_past_a_silent_address_with_each_way_of_the_page") {
        return;
    }
    if Command::new("ssh").arg("-V").output().is_err() {
        return skip("there is no ssh");
    }
    let _host = Host::new();
    let _silent = silent_at("[2001:db8::1]:22".parse().unwrap()).unwrap();
    let listener = TcpListener::bind("192.0.2.1:22").unwrap();
    let page = page("proxy-command.md");
    let configs = blocks(&page, "sshconfig");
    assert_eq!((configs.len(), blocks(&page, "sh").len()), (3, 1), "the ways of the page");
    let jump = configs[1].replace("jump.example.com", "example.com");
    for config in [&configs[0], &jump] {
        let file = std::env::temp_dir().join(format!("stagger-guide-{}", std::process::id()));
        fs::write(&file, config).unwrap();
        let command = format!("exec ssh -F '{}' -o BatchMode=yes example.com", file.display());
        reaches_the_server(&listener, &command);
        fs::remove_file(file).unwrap();
    }
    let command = blocks(&page, "sh")[0].replacen("ssh ", "exec ssh -F /dev/null ", 1);
    reaches_the_server(&listener, command.trim_end());
}

/// Runs ssh until it has said who it is (RFC 4253 §4.2).
#[track_caller]
fn reaches_the_server(listener: &TcpListener, command: &str) {
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (peer, _): (TcpStream, _) = listener.accept().unwrap();
            (&peer).write_all(b"SSH-2.0-stagger_test\r\n").unwrap();
            let mut hello = [0; 15];
            (&peer).read_exact(&mut hello).unwrap();
            hello
        });
        let run = shell(command);
        // The server hangs up, and ssh says that no session came of it.
        assert_eq!(run.code, Some(255), "{command}: {run:?}");
        assert_eq!(&server.join().unwrap(), b"SSH-2.0-OpenSSH", "{command}: {run:?}");
    });
}
