//! Random configurations, of a grammar that has every keyword and criterion that the reader reads.
//!
//! The file has more than 400 lines because the grammar and its words belong together.

use std::collections::hash_map::RandomState;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::BuildHasher as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::oracle::{HOME, difference, reader};

/// The number of files that a configuration may include.
const INCLUDED: u64 = 8;

#[allow(clippy::print_stdout, reason = "the seed repeats a failure")]
pub(crate) fn all() {
    let number = |name: &str| {
        let text = env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let seed = number("STAGGER_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 16);
    let cases = number("STAGGER_CASES").unwrap_or(500);
    println!("STAGGER_SEED={seed}");
    let folder = PathBuf::from(HOME).join("random");
    fs::create_dir(&folder).unwrap();
    let (mut good, mut differences) = (0, Vec::new());
    for case in 0..cases {
        // The seed of a case alone repeats it: `STAGGER_SEED=… STAGGER_CASES=1`.
        let seed = seed.wrapping_add(case);
        let mut grammar = Grammar::new(seed, &folder);
        let text = grammar.configuration();
        let file = folder.join("config");
        write(&file, &text);
        let destination = grammar.destination();
        good += u32::from(reader(Some(&file), &destination).is_ok());
        if let Some(difference) = difference(Some(&file), &destination) {
            let included = grammar.included.join("");
            differences.push(format!(
                "STAGGER_SEED={seed} STAGGER_CASES=1: {destination}\n{difference}\n\
                 ---- config\n{text}{included}"
            ));
        }
    }
    let count = differences.len();
    differences.truncate(5);
    assert!(differences.is_empty(), "{count} of {cases} differ:\n{}", differences.join("\n"));
    // Faults are rare enough that about half of the configurations are compared value by value.
    assert!(u64::from(good) * 4 > cases, "only {good} of {cases} have no fault");
    println!("{good} of {cases} have no fault");
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
}

struct Grammar {
    state: u64,
    folder: PathBuf,
    included: Vec<String>,
}

impl Grammar {
    fn new(seed: u64, folder: &Path) -> Self {
        Self { state: seed, folder: folder.to_owned(), included: Vec::new() }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, end: u64) -> bool {
        self.below(end) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn words(&mut self, most: u64, of: &[&str], between: &str) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.pick(of)).collect::<Vec<_>>().join(between)
    }

    fn destination(&mut self) -> String {
        let host = self.pick(&HOSTS);
        match self.below(8) {
            0 => format!("joe@{host}"),
            1 => format!("root@{host}"),
            2 => self.pick(&["ssh://web:99", "ssh://joe@db1", "ssh://r%6fot@web.corp/"]).to_owned(),
            _ => host.to_owned(),
        }
    }

    fn configuration(&mut self) -> String {
        for number in 0..INCLUDED {
            let mut text = String::new();
            for _ in 0..=self.below(2) {
                // A file includes those after it alone.
                self.block(&mut text, number + 1);
            }
            let name = format!("inc{number}");
            let file = match number % 2 {
                0 => self.folder.join(&name),
                _ => Path::new(HOME).join(".ssh").join(&name),
            };
            write(&file, &text);
            self.included.push(format!("---- {}\n{text}", file.display()));
        }
        let mut text = String::new();
        for _ in 0..=self.below(6) {
            self.block(&mut text, 0);
        }
        text
    }

    fn block(&mut self, text: &mut String, first: u64) {
        let head = match self.below(100) {
            0..35 => {
                let host = self.pick(&["Host", "host", "HOST"]);
                let between = self.pick(&[" ", " ", "\t", "  "]);
                let equals = self.pick(&[" ", " ", " ", "=", " = ", "\t"]);
                let patterns = self.words(3, &PATTERNS, between);
                format!("{host}{equals}{patterns}")
            }
            35..62 => self.criteria(),
            62..78 if first < INCLUDED => self.include(first),
            _ => String::new(),
        };
        if !head.is_empty() {
            let tail = self.tail(true);
            let _ = writeln!(text, "{head}{tail}");
        }
        for _ in 0..self.below(4) {
            let line = self.option();
            let _ = writeln!(text, "{line}");
        }
    }

    fn include(&mut self, first: u64) -> String {
        let number = first + self.below(INCLUDED - first);
        let folder = self.folder.display().to_string();
        let name = match number % 2 {
            0 => format!("{folder}/inc{number}"),
            _ => match self.below(3) {
                0 => format!("inc{number}"),
                1 => format!("~/.ssh/inc{number}"),
                _ => format!("{HOME}/.ssh/inc{number}"),
            },
        };
        // A set of one number keeps a file from including itself.
        let name = match self.below(6) {
            0 => name.replace("inc", "in[b-d]"),
            1 => name.replace("inc", "?nc"),
            2 => name.replace("inc", "i*c"),
            3 => format!("\"{name}\""),
            4 => format!("{name} {folder}/nothing*"),
            _ => name,
        };
        format!("{} {name}", self.pick(&["Include", "include"]))
    }

    fn criteria(&mut self) -> String {
        let word = self.pick(&["Match", "match"]);
        let all = [
            "all",
            "ALL",
            "final all",
            "canonical all",
            "!all",
            "!final all",
            "final host web all",
        ];
        let rest = match self.below(8) {
            0 => self.pick(&all).to_owned(),
            1 => self.pick(&["final", "canonical", "!final", "!canonical", "Final"]).to_owned(),
            _ => {
                let first =
                    self.pick(&["", "", "", "final ", "canonical ", "!final ", "!canonical "]);
                let count = 1 + self.below(2);
                let rest: Vec<String> = (0..count).map(|_| self.criterion()).collect();
                format!("{first}{}", rest.join(" "))
            }
        };
        format!("{word} {rest}")
    }

    fn criterion(&mut self) -> String {
        let lists: &[&str] = &[
            "web",
            "*.corp",
            "!web,*",
            "db?,w*",
            "w.example",
            "WEB",
            "*,!db1",
            "!*",
            "192.0.2.*",
            "*:*",
            "\"web,srv*\"",
            "*.test",
            "prod/*",
        ];
        let users = ["root", "joe,bob", "!root,*", "r*", "nobody", "J*"];
        let commands = [
            "true",
            "false",
            "\"test %h = web\"",
            "\"test %n = db1\"",
            "\"test %r = root\"",
            "\"test %p -gt 100\"",
            "\"test %u = root\"",
            "\"test %k = web\"",
            "\"test %i = 0\"",
            "\"test %d = /run/home\"",
            "\"test %L = x\"",
            "\"test %l = y\"",
            "\"test %% = %%\"",
            "\"test %C = z\"",
        ];
        let (name, value) = match self.below(5) {
            0 => ("host", self.pick(lists)),
            1 => ("originalhost", self.pick(lists)),
            2 => ("user", self.pick(&users)),
            3 => ("localuser", self.pick(&users)),
            _ => ("exec", self.pick(&commands)),
        };
        let name = if self.one_in(8) { name.to_uppercase() } else { name.to_owned() };
        let negated = if self.one_in(4) { "!" } else { "" };
        let equals = if self.one_in(8) { "=" } else { " " };
        match self.below(60) {
            0 => format!("{negated}{name}"),
            1 => format!("{negated}{name}{equals}\"\""),
            2 => "nothing x".to_owned(),
            3 => "exec %x".to_owned(),
            _ => format!("{negated}{name}{equals}{value}"),
        }
    }

    fn option(&mut self) -> String {
        let (keyword, of) = KEYWORDS[usize::try_from(self.below(KEYWORDS.len() as u64)).unwrap()];
        // Wrong values are errors for many keywords. ssh finds a fault in a late keyword when it
        // connects, and the reader finds it at once, so late keywords have faults of form alone.
        let form = ["", "\"\"", "\"open"];
        let wrong = ["", "\"\"", "x y z", "\"open", "%x", "${NOTSET}", "-1", "~nobody/x"];
        // Two quotes in `ProxyJump` are a host's name, which ssh refuses only when it connects.
        let form = if keyword == "ProxyJump" { ["", "\"open", "\"open"] } else { form };
        let value = match self.below(60) {
            0 if LATE.contains(&keyword) => self.pick(&form),
            0 if !PASSED.contains(&keyword) => self.pick(&wrong),
            _ => self.pick(of),
        };
        // After a quoted keyword, a `=` is a part of the value.
        let may_quote = !PASSED.contains(&keyword);
        let keyword = match self.below(6) {
            0 => keyword.to_lowercase(),
            1 => keyword.to_uppercase(),
            2 if may_quote && self.one_in(8) => format!("\"{keyword}\""),
            _ => keyword.to_owned(),
        };
        let equals = self.pick(&[" ", " ", " ", "  ", "\t", "=", " = ", " =", "= ", "\" "]);
        let equals = if equals == "\" " { " " } else { equals };
        let indent = self.pick(&["", "  ", "\t", "  "]);
        let is_command = keyword.to_lowercase().starts_with("proxy");
        let tail = self.tail(!is_command);
        format!("{indent}{keyword}{equals}{value}{tail}")
    }

    fn tail(&mut self, comment: bool) -> &'static str {
        match self.below(10) {
            0 if comment => " # note",
            1 => "  ",
            2 => "\r",
            3 => " \x0c",
            _ => "",
        }
    }
}

const HOSTS: [&str; 22] = [
    "web",
    "web",
    "db1",
    "db2.corp",
    "WEB",
    "192.0.2.7",
    "a.b.corp",
    "2001:db8::7",
    "2001:DB8::8",
    "127.1",
    "prod/db",
    "srv",
    "www",
    "x.y.z",
    "10",
    "Srv.corp.test",
    "web.corp",
    "srv.corp.test.",
    "0x7f.1",
    "::192.0.2.1",
    "1.2.3.4.5",
    "www.corp.test.",
];

const PATTERNS: [&str; 24] = [
    "web",
    "w*",
    "db?",
    "*.corp",
    "!db1",
    "*",
    "*",
    "!web",
    "192.0.2.*",
    "?eb",
    "WEB",
    "a.*.corp",
    "**b",
    "!*.corp",
    "\"web\"",
    "2001:*",
    "prod/*",
    "s*v",
    "*.test",
    "127.*",
    "*a*b*",
    "?*",
    "1?",
    "\"a b\"",
];

const COMMANDS: &[&str] = &[
    "none",
    "nc %h %p",
    "a  b # c",
    "x=y",
    "None",
    "sh -c \"nc %h\"",
    "-",
    "nc %% %r %n %k",
    "\"quoted\" 'it'",
    "nc a\\ b",
    "=x",
];

const JUMPS: &[&str] = &[
    "none",
    "gw",
    "joe@gw:22,b",
    "a,b,c",
    "ssh://u@x:9",
    "NONE",
    "gw:ssh",
    "[2001:db8::1]:22",
    "joe@corp@gw",
    "192.0.2.1",
    "ssh://a,ssh://b:1",
    "web",
    "root@web:22",
    "%h-gw",
    "a.b.corp:",
    "gw b",
    "a,,b",
    "gw:0",
    "@gw",
    "gw/x",
    "2001:db8::1",
    "ssh://gw/x",
    "none # c",
    "gw # c",
];

/// Keywords with values, most of them right.
const KEYWORDS: &[(&str, &[&str])] = &[
    (
        "HostName",
        &[
            "%h.corp",
            "w.example",
            "10.0.0.1",
            "%%%h",
            "X.Example",
            "2001:DB8::1",
            "srv",
            "www",
            "%h",
            "127.1",
            "web",
        ],
    ),
    ("HostName", &["%h.corp", "w.example", "srv.corp", "%h.Corp.Test."]),
    ("Port", &["22", "2222", "9999", "ssh", "1", "65535", "+7", "\"80\"", "65536", "0", "http"]),
    ("User", &["root", "joe", "\"a b\"", "bob", "j@k", "a\\ b", "d\\\\q"]),
    ("ProxyJump", JUMPS),
    ("ProxyJump", JUMPS),
    ("ProxyCommand", COMMANDS),
    ("ProxyUseFdpass", &["yes", "no", "true", "No"]),
    ("AddressFamily", &["any", "inet", "inet6", "INET", "inet4"]),
    ("BindAddress", &["::1", "127.0.0.1", "host.example"]),
    ("BindInterface", &["lo", "eth0"]),
    ("ConnectTimeout", &["5", "1m", "2h30m", "none", "1m5", "0", "1w", "+3", "x", "99999999999"]),
    ("ConnectionAttempts", &["1", "3", "+2", "2147483647", "0"]),
    ("HostKeyAlias", &["q", "R.Example"]),
    (
        "IdentityFile",
        &[
            "~/.ssh/a",
            "/k/b",
            "\"/k/c d\"",
            "none",
            "~/.ssh/a",
            "~joe/x",
            "%d/k",
            "${LAB}/%u",
            "/k/%h-%r-%p-%n-%l-%L-%i-%k-%C",
        ],
    ),
    ("IdentityFile2", &["/k/two"]),
    ("CertificateFile", &["~/.ssh/c", "/c/d", "/c/d", "none", "${LAB}/c"]),
    ("IdentitiesOnly", &["yes", "no", "True", "false"]),
    (
        "IdentityAgent",
        &[
            "none",
            "SSH_AUTH_SOCK",
            "~/.agent",
            "$LAB",
            "${LAB}/a",
            "/run/%u-%h",
            "~joe/a",
            "$a-b",
            "${NOTSET}",
        ],
    ),
    (
        "UserKnownHostsFile",
        &["/a /b", "~/.ssh/z", "none", "\"/x y\" ~joe/k", "${LAB}/%h", "none /a", "/%C/%k"],
    ),
    ("GlobalKnownHostsFile", &["/g", "none", "/g /h", "/g none", "%h"]),
    ("StrictHostKeyChecking", &["yes", "no", "ask", "accept-new", "off", "TRUE", "maybe"]),
    (
        "ControlPath",
        &[
            "none",
            "~/.ssh/cm-%C",
            "/run/%r@%h:%p",
            "${LAB}/%i-%l-%L-%n-%u-%k",
            "%d/x",
            "rel",
            "/a/%%",
        ],
    ),
    ("ControlMaster", &["yes", "no", "auto", "ask", "autoask", "AUTO", "maybe"]),
    ("ControlPersist", &["yes", "no", "10m", "0", "1h30", "true", "Yes", "30"]),
    ("CanonicalizeHostname", &["yes", "no", "always", "Always", "true", "none"]),
    ("CanonicalizeHostname", &["yes", "always"]),
    ("CanonicalizeMaxDots", &["0", "1", "2", "9"]),
    ("CanonicalizeFallbackLocal", &["yes", "no", "yes"]),
    (
        "CanonicalDomains",
        &["corp.test", "example.test corp.test", "none", "Corp.Test.", "a..b", "-x"],
    ),
    ("CanonicalDomains", &["corp.test", "example.test corp.test"]),
    (
        "CanonicalizePermittedCNAMEs",
        &["*:*", "none", "*.corp.test:real.corp.test,x", "*", "a:b *.TEST:*", "x", "a:"],
    ),
    ("IgnoreUnknown", &["Use*,Odd", "UseOdd", "*"]),
    ("UseOdd", &["yes"]),
    // The values of these are not checked, so they are right.
    ("ForwardAgent", &["yes", "no"]),
    ("SendEnv", &["LANG LC_*"]),
    ("LocalForward", &["8081 localhost:81"]),
    ("Compression", &["yes", "no"]),
    ("ServerAliveInterval", &["15", "1m"]),
    ("Ciphers", &["aes128-ctr"]),
    ("Protocol", &["2"]),
    ("RequestTTY", &["no"]),
    ("LogLevel", &["ERROR"]),
    ("BatchMode", &["yes"]),
    ("SetEnv", &["A=b C=\"d e\""]),
];

/// Keywords of the grammar that the reader passes over.
const PASSED: [&str; 12] = [
    "ForwardAgent",
    "SendEnv",
    "LocalForward",
    "Compression",
    "ServerAliveInterval",
    "Ciphers",
    "Protocol",
    "RequestTTY",
    "LogLevel",
    "BatchMode",
    "SetEnv",
    "UseOdd",
];

/// Keywords whose tokens ssh replaces when it connects.
const LATE: [&str; 5] =
    ["ProxyJump", "ProxyCommand", "IdentityFile", "IdentityFile2", "CertificateFile"];
