//! A command as an endpoint.
#![cfg(all(target_os = "linux", feature = "futures", feature = "tokio"))]

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::process::Command as StdCommand;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use futures_lite::future::{block_on, poll_once, yield_now};
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use stagger::{Endpoint as _, Timer as _};
use stagger_ssh::{Command, CommandEndpoint, CommandError, CommandStream};

/// How long a condition may take. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(30);

type Smol = CommandEndpoint<stagger_smol::Reactor>;

fn script(text: &str) -> Command {
    Command::new("/bin/sh").with_arg("-c").with_arg(text)
}

fn wait_for(what: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// Runs the test in a process of its own, where nothing else opens descriptors.
fn is_alone(name: &str) -> bool {
    if env::var_os("STAGGER_ALONE").is_some() {
        return true;
    }
    let status = StdCommand::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("STAGGER_ALONE", "1")
        .status();
    assert!(status.unwrap().success());
    false
}

/// The children of this process, zombies included.
fn children() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let children =
        tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok());
    children.collect()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Whether a process runs. A zombie does not.
fn runs(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn failure(error: &io::Error) -> &CommandError {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn a_command_is_a_connection_on_smol() {
    block_on(async {
        let mut stream = Smol::new(Command::new("cat")).connect().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.close().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
    });
}

#[test]
fn a_command_is_a_connection_on_tokio() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    type Tokio = CommandEndpoint<stagger_tokio::Reactor>;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stream = Tokio::new(Command::new("cat")).connect().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");

        let failing = script("echo early; echo reason >&2; exit 9");
        let mut stream = Tokio::new(failing).with_greeting().connect().await.unwrap();
        let mut line = [0; 6];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"early\n");
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(failure(&error).status().code(), Some(9));
        assert_eq!(failure(&error).stderr(), "reason\n");
    });
}

#[test]
fn the_end_of_a_failed_command_is_an_error_and_of_another_is_the_end() {
    block_on(async {
        let read = async |text: &str| {
            let mut stream = Smol::new(script(text)).connect().await.unwrap();
            let mut bytes = Vec::new();
            let outcome = stream.read_to_end(&mut bytes).await;
            (outcome, bytes)
        };
        let (outcome, bytes) = read("echo data; echo chatter >&2").await;
        assert_eq!((outcome.unwrap(), &*bytes), (5, &b"data\n"[..]));

        let (outcome, bytes) = read("echo data; echo no route >&2; exit 7").await;
        let error = outcome.unwrap_err();
        assert_eq!(bytes, b"data\n");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(error.to_string(), "command sh ended with exit status: 7: no route");
        let (outcome, _) = read("kill -9 $$").await;
        assert_eq!(failure(&outcome.unwrap_err()).status().code(), None);
    });
}

#[test]
fn a_command_that_leaves_its_input_unread_is_explained_too() {
    block_on(async {
        let command = script("head -c 1 >/dev/null; echo full >&2; exit 4");
        let mut stream = Smol::new(command).connect().await.unwrap();
        let error = loop {
            if let Err(error) = stream.write_all(&[0; 4096]).await {
                break error;
            }
        };
        assert_eq!(failure(&error).stderr(), "full\n");
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(failure(&error).status().code(), Some(4));
    });
}

#[test]
fn a_command_never_waits_for_its_standard_error() {
    block_on(async {
        let command = script("head -c 3000000 /dev/zero >&2; echo last >&2; echo done; cat");
        let mut stream = Smol::new(command).connect().await.unwrap();
        let mut text = [0; 5];
        stream.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"done\n");
        stream.close().await.unwrap();
        assert_eq!(stream.read(&mut text).await.unwrap(), 0);
        assert_eq!(stream.stderr().len(), 4096);
        assert!(stream.stderr().ends_with("\0last\n"));
    });
}

#[test]
fn a_half_that_is_polled_no_more_takes_no_wake_from_the_other() {
    use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

    // A socket of tokio keeps only the last waker.
    type Tokio = CommandEndpoint<stagger_tokio::Reactor>;
    let path = env::temp_dir().join(format!("stagger-ssh-halves-{}", std::process::id()));
    assert!(StdCommand::new("mkfifo").arg(&path).status().unwrap().success());
    let text = format!("cat {}; head -c 3000000 /dev/zero >&2; printf done", path.display());
    let work = async {
        let stream = Tokio::new(script(&text)).connect().await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut bytes = [0; 4];
        let mut read = pin!(reader.read_exact(&mut bytes));
        assert!(poll_once(&mut read).await.is_none());
        // The command reads nothing, so at last a write has to wait.
        let mut other = Context::from_waker(Waker::noop());
        while Pin::new(&mut writer).poll_write(&mut other, &[0; 4096]).is_ready() {}
        fs::write(&path, "").unwrap();
        // The standard error of the command wakes this task, and not only the writer's.
        let mut was_polled = false;
        poll_fn(|cx| match std::mem::replace(&mut was_polled, true) {
            true => read.as_mut().poll(cx),
            false => Poll::Pending,
        })
        .await
        .unwrap();
        assert_eq!(&bytes, b"done");
    };
    let late = async {
        stagger_tokio::Timer.sleep(PATIENCE).await;
        panic!("nothing has woken the reader");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(futures_lite::future::or(work, late));
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_greeting_is_waited_for_and_not_lost() {
    block_on(async {
        // The command writes nothing before the test opens the pipe.
        let folder = env::temp_dir().join(format!("stagger-ssh-greeting-{}", std::process::id()));
        let path = folder.to_str().unwrap().to_owned();
        assert!(StdCommand::new("mkfifo").arg(&path).status().unwrap().success());
        let endpoint = Smol::new(script(&format!("cat {path}"))).with_greeting();
        let mut connect = pin!(endpoint.connect());
        assert!(poll_once(&mut connect).await.is_none());
        let writer = thread::spawn({
            let path = path.clone();
            move || fs::write(path, "hello").unwrap()
        });
        let mut stream = connect.await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
        writer.join().unwrap();
        fs::remove_file(path).unwrap();
    });
}

#[test]
fn a_command_that_ends_before_its_greeting_is_a_failed_connect() {
    block_on(async {
        let connect = async |text| Smol::new(script(text)).with_greeting().connect().await;
        let error = connect("echo no >&2; exit 2").await.unwrap_err();
        assert_eq!(error.to_string(), "command sh ended with exit status: 2: no");
        let error = connect("exit 0").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(error.to_string(), "command sh ended without a byte");
    });
}

/// Python shuts down its output, and ends after its input.
const HALF_CLOSED: &str = "import socket, sys\ns = socket.socket(fileno=0)\ns.sendall(b'data')\n\
    s.shutdown(socket.SHUT_WR)\nassert s.recv(9) == b'more'\nassert s.recv(9) == b''\nsys.exit(5)";

#[test]
fn a_command_that_only_stops_writing_is_not_waited_for() {
    block_on(async {
        let command = Command::new("/usr/bin/python3").with_args(["-c", HALF_CLOSED]);
        let mut stream = Smol::new(command).connect().await.unwrap();
        let mut bytes = Vec::new();
        // The command waits for our input, so to wait for the command would have no end.
        stream.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"data");
        stream.write_all(b"more").await.unwrap();
        stream.close().await.unwrap();
        let error = stream.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(failure(&error).status().code(), Some(5));
    });
}

#[test]
fn a_command_that_closes_its_output_before_its_greeting_is_a_failed_connect() {
    let text = "import socket\ns = socket.socket(fileno=0)\ns.shutdown(socket.SHUT_WR)\ns.recv(9)";
    let command = Command::new("/usr/bin/python3").with_args(["-c", text]);
    let error = block_on(Smol::new(command).with_greeting().connect()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_missing_program_is_not_found() {
    let error = block_on(Smol::new(Command::new("/nowhere/ssh")).connect()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_shell_line_runs_as_ssh_runs_it() {
    block_on(async {
        let line = "printf '%s' \"$PPID\"";
        let mut stream = Smol::new(Command::shell(line)).connect().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        // `exec` leaves no shell between.
        assert_eq!(text, std::process::id().to_string());
    });
}

#[test]
fn dropping_a_stream_kills_all_that_the_command_runs() {
    if !is_alone("dropping_a_stream_kills_all_that_the_command_runs") {
        return;
    }
    block_on(async {
        let command = script("sleep 1000 & echo $!; wait");
        let mut stream = Smol::new(command).connect().await.unwrap();
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            line.extend(byte);
        }
        let sleeper = String::from_utf8(line).unwrap().trim().to_owned();
        assert!(runs(&sleeper));
        drop(stream);
        wait_for("the process behind the command ends", || !runs(&sleeper));
        wait_for("the command is reaped", || children().is_empty());
    });
}

#[test]
fn dropping_a_connect_at_any_poll_leaves_no_process_and_no_descriptor() {
    if !is_alone("dropping_a_connect_at_any_poll_leaves_no_process_and_no_descriptor") {
        return;
    }
    // Threads and the reactor keep descriptors of their own.
    block_on(exchange(usize::MAX));
    wait_for("the first command is reaped", || children().is_empty());
    // Other threads may still close some. A leak would grow with every poll.
    let mut before = descriptors();
    let mut polls = 0;
    while !block_on(exchange(polls)) {
        wait_for("the command is reaped", || children().is_empty());
        wait_for("the descriptors are closed", || {
            before = before.min(descriptors());
            descriptors() == before
        });
        polls += 1;
    }
    assert!(polls > 1, "it ended after {polls} polls");
}

/// A connect, a read and the wait for the end, dropped at its nth poll. Returns whether it ended
/// before.
async fn exchange(polls: usize) -> bool {
    let mut work = pin!(async {
        // It waits for a line, and the task yields before it writes one. So more than one poll is
        // needed, however fast the command is.
        let command = script("echo hello; read -r line; echo $line; exit 3");
        let mut stream: CommandStream<_> =
            Smol::new(command).with_greeting().connect().await.unwrap();
        yield_now().await;
        stream.write_all(b"again\n").await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap_err();
        assert_eq!(bytes, b"hello\nagain\n");
    });
    let mut left = polls;
    poll_fn(|cx: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(cx).map(|()| true)
    })
    .await
}
