//! One case, a test on three runtimes, and what most cases need.

use stagger::text::with_causes;
use stagger_ssh::SshErrorKind;
use stagger_tests::ssh::{
    Connecting, Setup, SshAdapter as _, SshRuntime, SshStreamOf, connect_through, ssh_error,
};

/// Makes each case a test on tokio, smol and async-std, within the namespaces of this name. A login
/// costs a tenth of a second, so these are not all ways to run a connect.
macro_rules! on_runtimes {
    ($($setup:ident { $($case:ident),* $(,)? })*) => {
        stagger_tests::battery!(
            @module tokio TokioMultiThread $((within $setup) { $($case)* })*
        );
        stagger_tests::battery!(@module smol SmolBlockOn $((within $setup) { $($case)* })*);
        stagger_tests::battery!(
            @module async_std AsyncStdTask $((within $setup) { $($case)* })*
        );
    };
}

/// Connects, and returns what the server says first. Each SSH server says its version (RFC 4253
/// §4.2).
pub(crate) fn banner<R: SshRuntime>(runtime: &R, connect: Connecting<SshStreamOf<R>>) -> String {
    runtime.run(async move {
        let mut stream = connect.await.unwrap_or_else(|error| panic!("{error}"));
        let banner = R::Adapter::read_banner(&mut stream).await;
        banner.unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Connects to the SSH server of a destination, and checks that it is one.
pub(crate) fn reach<R: SshRuntime>(runtime: &R, setup: &Setup, destination: &str) {
    let banner = banner::<R>(runtime, R::Adapter::connect_ssh(setup, destination));
    assert!(banner.starts_with("SSH-2.0-OpenSSH"), "{destination}: {banner}");
}

/// Connects to an SSH server through a destination, and checks that it is one.
pub(crate) fn reach_through<R: SshRuntime>(
    runtime: &R,
    setup: &Setup,
    destination: &str,
    target: &str,
) {
    let connect = connect_through::<R>(setup, destination, target);
    let banner = banner::<R>(runtime, connect);
    assert!(banner.starts_with("SSH-2.0-OpenSSH"), "{target} through {destination}: {banner}");
}

/// Sends a message to an echo server through a destination.
pub(crate) fn echo_through<R: SshRuntime>(
    runtime: &R,
    setup: &Setup,
    destination: &str,
    target: &str,
    message: Vec<u8>,
) {
    let connect = connect_through::<R>(setup, destination, target);
    let same = runtime.run(async move {
        let stream = connect.await.unwrap_or_else(|error| panic!("{error}"));
        let answer = R::Adapter::exchange_ssh(stream, message.clone()).await;
        answer.unwrap_or_else(|error| panic!("{error}")) == message
    });
    assert!(same, "{target} through {destination} sends something else back");
}

/// Connects in vain.
pub(crate) fn fail<R: SshRuntime>(runtime: &R, connect: Connecting<SshStreamOf<R>>) -> Failure {
    let error = runtime.run(connect).map(drop).unwrap_err();
    let inner = ssh_error(&error);
    Failure { kind: inner.kind(), text: with_causes(inner), is_final: error.is_final() }
}

/// What is known of a failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: SshErrorKind,
    /// The error and its causes.
    pub(crate) text: String,
    /// Whether it ended the race.
    pub(crate) is_final: bool,
}
