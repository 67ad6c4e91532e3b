//! `connect --history` and `stagger history`, with real connects on loopback.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::namespace::{inside, sh};
#[cfg(target_os = "linux")]
use crate::run::silent_at;
use crate::run::{RUNTIMES, Run, STAGGER, listener, refusing, run, silent, stagger};
use crate::skip::skip;

/// A directory for one test. Dropping it removes the directory.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let name = format!("stagger-cli-{}-history-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> String {
        self.0.join("history.json").to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Connects with the history in this file, and expects a connection.
#[track_caller]
fn connect(addr: SocketAddr, file: &str, options: &[&str]) -> Run {
    let run = stagger(&[&["connect", &addr.to_string(), "--history", file], options].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

/// Connects to a host with a silent address, and one in another prefix that accepts.
#[track_caller]
fn past_a_silent_address(port: u16, file: &str, options: &[&str]) -> Run {
    let resolve = "host.test:127.0.0.1,127.0.1.1";
    let target = format!("host.test:{port}");
    let fixed = ["connect", &target, "--resolve", resolve, "--order", "resolver"];
    let run = stagger(&[&fixed[..], &["--history", file], options].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

fn entries(file: &str) -> Vec<Value> {
    let whole: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(whole["version"], 1);
    whole["entries"].as_array().unwrap().clone()
}

#[test]
fn the_next_connect_does_not_wait_for_an_address_that_was_silent() {
    for runtime in RUNTIMES {
        let room = Room::new(&format!("silent-{runtime}"));
        let (_silent, dead) = silent();
        let _live = TcpListener::bind(("127.0.1.1", dead.port())).unwrap();
        let options = ["--json", "--runtime", runtime];
        let first = past_a_silent_address(dead.port(), &room.file(), &options).json();
        let starts =
            |race: &Value, place: usize| race["attempts"][place]["started_us"].as_u64().unwrap();
        assert!(starts(&first, 1) - starts(&first, 0) >= 250_000, "{first}");
        assert_eq!(first["attempts"][0]["pace"], Value::Null);

        let second = past_a_silent_address(dead.port(), &room.file(), &options).json();
        let live = format!("127.0.1.1:{}", dead.port());
        assert_eq!(second["attempts"][0]["address"], live);
        assert_eq!(second["attempts"][0]["outcome"], "connected", "{second}");
        assert_eq!(second["demoted"], json!([dead.to_string()]));

        let drawn = past_a_silent_address(dead.port(), &room.file(), &["--runtime", runtime]);
        let words = drawn.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("last because it or its family was silent before"), "{drawn:?}");
    }
}

#[test]
fn an_address_that_comes_later_for_its_round_trip_time_has_that_time() {
    let room = Room::new("later");
    let (_slow, slow) = listener();
    let fast = SocketAddr::from(([127, 0, 1, 1], slow.port()));
    let _fast = TcpListener::bind(fast).unwrap();
    connect(slow, &room.file(), &[]);
    connect(fast, &room.file(), &[]);
    let (resolve, target) = ("host.test:127.0.0.1,127.0.1.1", format!("host.test:{}", slow.port()));
    let both = |options: &[&str]| {
        let fixed = ["connect", &target, "--resolve", resolve, "--history", &room.file()];
        let run = stagger(&[&fixed[..], options].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    };
    // Puts round-trip times into the file, because real times vary.
    let sets = |times: [(&str, u64); 2]| {
        let mut whole: Value = serde_json::from_slice(&fs::read(room.file()).unwrap()).unwrap();
        let known = whole["entries"].as_array_mut().unwrap();
        for (prefix, time) in times {
            let mut entries = known.iter_mut();
            entries.find(|entry| entry["prefix"] == prefix).unwrap()["rtt_us"] = time.into();
        }
        fs::write(room.file(), whole.to_string()).unwrap();
    };
    sets([("127.0.0.0", 40_000), ("127.0.1.0", 30_000)]);
    let stays = both(&["--json"]).json();
    assert_eq!(stays["attempts"][0]["address"], slow.to_string());
    assert_eq!(stays["outranked"], Value::Null);

    sets([("127.0.0.0", 310_000), ("127.0.1.0", 30_000)]);
    let moved = both(&["--json"]).json();
    assert_eq!(moved["attempts"][0]["address"], fast.to_string());
    assert_eq!(
        moved["outranked"],
        json!([{"address": slow.to_string(), "round_trip_us": 310_000}])
    );
    let drawn = both(&[]);
    let words = drawn.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("later because its round-trip time is 310.0 ms"), "{drawn:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_family_that_is_silent_at_two_prefixes_in_two_commands_is_demoted() {
    if !inside("history::a_family_that_is_silent_at_two_prefixes_in_two_commands_is_demoted") {
        return;
    }
    sh("for ip in 192.0.2.1/32 198.51.100.1/32 203.0.113.1/32; do \
        ip address add $ip dev lo; done; ip address add 2001:db8::1/128 dev lo nodad");
    let live = TcpListener::bind("[2001:db8::1]:0").unwrap();
    let room = Room::new("family");
    let port = live.local_addr().unwrap().port();
    let past = |ip: &str| {
        let (resolve, target) =
            (format!("host.test:{ip},2001:db8::1"), format!("host.test:{port}"));
        let fixed = ["connect", &target, "--resolve", &resolve, "--order", "resolver"];
        let run = stagger(&[&fixed[..], &["--history", &room.file(), "--json"]].concat());
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        run.json()["attempts"][0]["address"].as_str().unwrap().to_owned()
    };
    let family = || {
        let found = entries(&room.file()).into_iter().find(|entry| entry["family"] == "IPv4");
        found.expect("the family has an entry")
    };
    for (ip, silences) in [("192.0.2.1", Value::Null), ("198.51.100.1", json!(1))] {
        let addr = SocketAddr::new(ip.parse().unwrap(), port);
        let _silent = silent_at(addr).unwrap();
        assert_eq!(past(ip), addr.to_string());
        let family = family();
        assert_eq!(
            (&family["silent_prefix"], &family["silences"]),
            (&json!("192.0.2.0"), &silences)
        );
    }
    // A host of a third prefix, which would connect.
    let _other = TcpListener::bind(("203.0.113.1", port)).unwrap();
    assert_eq!(past("203.0.113.1"), format!("[2001:db8::1]:{port}"));
}

#[test]
fn a_history_is_shown_as_a_table() {
    let room = Room::new("table");
    let (_silent, dead) = silent();
    let _live = TcpListener::bind(("127.0.1.1", dead.port())).unwrap();
    past_a_silent_address(dead.port(), &room.file(), &[]);
    let shown = stagger(&["history", &room.file()]);
    assert_eq!((shown.code, &shown.err[..]), (Some(0), ""), "{shown:?}");
    let lines: Vec<Vec<&str>> =
        shown.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..2], ["network", "address"]);
    let of = |subject: &str| lines.iter().find(|line| line[1] == subject);
    let live = of("127.0.1.0/24").unwrap();
    assert_eq!((live[3], live[5], live[6]), ("ms", "ms", "0"), "{shown:?}");
    // A loopback address says nothing about its family.
    assert!(of("IPv4").is_none(), "{shown:?}");
    let dead = of("127.0.0.0/24").unwrap();
    assert_eq!((dead[2], dead[4]), ("1", "s"), "{shown:?}");
    let left: u64 = dead[3].parse().unwrap();
    assert!((1..=60).contains(&left), "{shown:?}");
}

#[test]
fn a_history_that_cannot_be_shown_is_an_error() {
    let room = Room::new("unshown");
    let missing = stagger(&["history", &room.file()]);
    assert_eq!((missing.code, &missing.out[..]), (Some(1), ""), "{missing:?}");
    assert_eq!(missing.err, format!("error: there is no file {:?}\n", room.file()));
    for (text, reason) in
        [("garbage", "it is not a history"), (r#"{"version":1"#, "it is damaged at line ")]
    {
        fs::write(room.file(), text).unwrap();
        let damaged = stagger(&["history", &room.file()]);
        assert_eq!((damaged.code, &damaged.out[..]), (Some(1), ""), "{damaged:?}");
        assert_eq!(damaged.err.lines().count(), 1, "{damaged:?}");
        assert!(damaged.err.contains(reason), "{damaged:?}");
    }
    fs::write(room.file(), "").unwrap();
    let empty = stagger(&["history", &room.file()]);
    assert_eq!((empty.code, &empty.out[..]), (Some(0), "the history is empty\n"), "{empty:?}");
}

#[test]
fn only_the_owner_can_read_a_new_history_and_no_draft_stays() {
    let room = Room::new("private");
    let (_listener, addr) = listener();
    for _ in 0..2 {
        let run = connect(addr, &room.file(), &[]);
        assert_eq!(run.err, "", "{run:?}");
        let mode = fs::metadata(room.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(room.names(), ["history.json"]);
    }
    // The prefix. A loopback address says nothing about its family.
    assert_eq!(entries(&room.file()).len(), 1);
    assert!(!fs::read_to_string(room.file()).unwrap().contains(&addr.to_string()));
}

#[test]
fn a_link_to_a_file_that_is_missing_makes_a_private_file() {
    let room = Room::new("dangling");
    let (_listener, addr) = listener();
    std::os::unix::fs::symlink("kept", room.file()).unwrap();
    for _ in 0..2 {
        assert_eq!(connect(addr, &room.file(), &[]).err, "");
        assert!(fs::symlink_metadata(room.file()).unwrap().is_symlink());
        let mode = fs::metadata(room.0.join("kept")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!((entries(&room.file()).len(), room.names().len()), (1, 2));
    }
}

#[test]
fn a_disk_without_room_is_a_warning_and_the_old_history_stays() {
    let room = Room::new("full");
    let (_listener, addr) = listener();
    connect(addr, &room.file(), &[]);
    let old = fs::read(room.file()).unwrap();
    // Nothing can be written to a file, as on a disk without room. Without the trap, the system
    // would kill the command.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", STAGGER, "connect", &addr.to_string()]);
    command.args(["--history", &room.file()]);
    let full = run(&mut command);
    assert_eq!(full.code, Some(0), "{full:?}");
    let start = format!("warning: cannot write the history {:?}: ", room.file());
    assert!(full.err.starts_with(&start), "{full:?}");
    assert_eq!(full.err.lines().count(), 1, "{full:?}");
    assert_eq!((fs::read(room.file()).unwrap(), room.names().len()), (old, 1));
}

#[test]
fn root_leaves_a_history_to_its_owner() {
    let room = Room::new("owner");
    let (_listener, addr) = listener();
    fs::write(room.file(), "").unwrap();
    let other = 65_534;
    if chown(room.file(), Some(other), Some(other)).is_err() {
        return skip("only root can give a file away");
    }
    connect(addr, &room.file(), &[]);
    assert_eq!(entries(&room.file()).len(), 1);
    let found = fs::metadata(room.file()).unwrap();
    assert_eq!((found.uid(), found.gid()), (other, other));
}

#[test]
fn a_damaged_history_is_a_warning_and_is_replaced() {
    let room = Room::new("damaged");
    let (_listener, addr) = listener();
    connect(addr, &room.file(), &[]);
    let whole = fs::read(room.file()).unwrap();
    let huge = || {
        fs::write(room.file(), &whole).unwrap();
        let file = File::options().write(true).open(room.file()).unwrap();
        file.set_len(100 * 1024 * 1024).unwrap();
    };
    let damages: [(&str, &dyn Fn()); 4] = [
        ("it is damaged at line ", &|| {
            fs::write(room.file(), r#"{"version":1,"entries":[7]}"#).unwrap()
        }),
        ("it is damaged at line ", &|| {
            fs::write(room.file(), [&whole[..20], &[0xff, 0x1b]].concat()).unwrap()
        }),
        ("it is damaged at line ", &|| fs::write(room.file(), &whole[..whole.len() / 2]).unwrap()),
        ("it has more than 8 MiB; it is replaced", &huge),
    ];
    for (reason, damage) in damages {
        damage();
        let run = connect(addr, &room.file(), &[]);
        let start = format!("warning: cannot use the history {:?}: ", room.file());
        assert!(run.err.starts_with(&start) && run.err.contains(reason), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        assert_eq!(entries(&room.file()).len(), 1);
        assert_eq!(connect(addr, &room.file(), &[]).err, "");
    }
}

#[test]
fn a_history_that_is_not_ours_is_a_warning_and_stays() {
    let room = Room::new("foreign");
    let (_listener, addr) = listener();
    let foreign = r#"{"version":2,"things":[]}"#;
    fs::write(room.file(), foreign).unwrap();
    let run = connect(addr, &room.file(), &[]);
    assert!(run.err.contains(": it has the version 2, and not 1; nothing is kept\n"), "{run:?}");
    assert_eq!(fs::read_to_string(room.file()).unwrap(), foreign);

    // A path may be mistyped.
    for foreign in [&b"garbage"[..], &[0xff, 0, 0x1b], &vec![b'['; 9 << 20]] {
        fs::write(room.file(), foreign).unwrap();
        let run = connect(addr, &room.file(), &[]);
        assert!(run.err.contains(": it is not a history; nothing is kept\n"), "{run:?}");
        assert_eq!(fs::read(room.file()).unwrap(), foreign);
    }

    // A pipe without a writer would be waited for.
    let pipe = room.0.join("pipe").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_str(), "/dev/zero", "/dev/null", room.0.to_str().unwrap()] {
        let run = connect(addr, path, &[]);
        assert!(run.err.contains(": it is not a regular file; nothing is kept\n"), "{run:?}");
    }
    let missing = room.0.join("none/history.json").to_str().unwrap().to_owned();
    let run = connect(addr, &missing, &[]);
    assert!(run.err.starts_with("warning: cannot write the history "), "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
}

#[test]
fn of_many_commands_at_once_the_last_file_is_whole() {
    let room = Room::new("many");
    let (_listener, addr) = listener();
    let start = || {
        let mut command = Command::new(STAGGER);
        command.args(["connect", &addr.to_string(), "--history", &room.file()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..16).map(|_| start()).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    assert_eq!(entries(&room.file()).len(), 1);
    assert_eq!(room.names(), ["history.json"]);
}

#[test]
fn a_connect_that_fails_writes_no_history() {
    let room = Room::new("failed");
    let (_socket, addr) = refusing();
    let run = stagger(&["connect", &addr.to_string(), "--history", &room.file()]);
    assert_eq!((run.code, run.err.lines().count()), (Some(1), 1), "{run:?}");
    assert_eq!(room.names(), [""; 0]);
}

#[test]
fn a_pipe_learns_too_and_warns_before_it_connects() {
    let room = Room::new("pipe");
    let (listener, addr) = listener();
    fs::write(room.file(), r#"{"version":1,"#).unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"received").unwrap();
    });
    let target = addr.to_string();
    let mut command = Command::new(STAGGER);
    command.args(["connect", &target, "--pipe", "--history", &room.file()]).stdin(Stdio::null());
    let piped = run(&mut command);
    peer.join().unwrap();
    assert_eq!((piped.code, &piped.out[..]), (Some(0), "received"), "{piped:?}");
    assert!(piped.err.starts_with("warning: cannot use the history "), "{piped:?}");
    assert_eq!(entries(&room.file()).len(), 1);
}

#[test]
fn an_endpoint_takes_no_history() {
    let run = stagger(&["connect", "--endpoint", "tcp:127.0.0.1:9", "--history", "x"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("--history"), "{run:?}");
}
