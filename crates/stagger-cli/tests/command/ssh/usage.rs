//! Wrong combinations of options.

use crate::run::stagger;

#[test]
fn a_wrong_host_or_combination_is_bad_usage_in_one_line() {
    for (words, message) in [
        (&["connect", "--ssh", "", "a:1"][..], "bad --ssh: the destination has no host"),
        (&["connect", "--ssh", "ssh://a:b"], "bad --ssh: "),
        (&["resolve", "--ssh", "-oProxyCommand=x"], "unexpected argument '-o' found"),
        (&["resolve", "--ssh=-oProxyCommand=x"], "bad --ssh: the host \"-oProxyCommand=x\" begins"),
        (&["connect", "--ssh", "a", "--tls"], "bad --tls: --ssh alone leads to an SSH server"),
        (
            &["connect", "--ssh", "a", "--proxy", "http://p:1"],
            "bad --proxy: --ssh alone leads to an SSH server",
        ),
        (&["connect", "--ssh", "a", "db"], "bad target \"db\": the service is missing"),
        (&["connect", "--ssh", "a", "--bind", "x"], "bad --bind \"x\""),
        (&["connect", "--ssh", "a", "--nat64", "x"], "bad --nat64 \"x\""),
        (&["connect", "--ssh", "a", "b:1", "--nat64", "x"], "bad --nat64 \"x\""),
        (&["connect", "--ssh", "a", "--ca", "/x"], "bad --ca \"/x\": nothing is checked"),
    ] {
        let run = stagger(words);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{words:?}: {run:?}");
        assert!(run.err.contains(message), "{words:?}: {run:?}");
        assert!(run.err.starts_with("error: "), "{run:?}");
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for (words, message) in [
        (&["connect", "a:1", "--ssh-config", "f"][..], "--ssh <HOST>"),
        (&["connect", "a:1", "--ssh-backend", "command"], "--ssh <HOST>"),
        (&["connect", "a:1", "--ssh-match-exec"], "--ssh <HOST>"),
        (&["connect", "--endpoint", "ssh:a", "--ssh", "a"], "cannot be used with"),
        (&["connect", "127.0.0.1:1", "--history", "f", "--ssh-config", "f"], "--ssh <HOST>"),
        (&["connect", "127.0.0.1:1", "--nat64", "auto", "--ssh-match-exec"], "--ssh <HOST>"),
        (
            &["connect", "--endpoint", "tcp:127.0.0.1:1", "--ssh-backend", "command"],
            "cannot be used with",
        ),
        (&["resolve", "127.0.0.1:1", "--ssh-config", "f"], "cannot be used with"),
        (&["resolve", "127.0.0.1:1", "--ssh-match-exec"], "cannot be used with"),
        (&["connect", "--ssh", "a", "--ssh", "b"], "cannot be used multiple times"),
        (
            &["connect", "--ssh", "a", "--ssh-backend", "russh"],
            "[possible values: control, command]",
        ),
        (&["resolve", "a:1", "--ssh", "a"], "cannot be used with"),
        (&["resolve", "--ssh", "a", "--answers"], "cannot be used with"),
        (&["resolve", "--ssh", "a", "--explain"], "cannot be used with"),
        (&["resolve", "--ssh", "a", "--family", "v4"], "cannot be used with"),
        (&["connect"], "required arguments were not provided"),
        (&["resolve"], "required arguments were not provided"),
    ] {
        let run = stagger(words);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{words:?}: {run:?}");
        assert!(run.err.contains(message), "{words:?}: {run:?}");
    }
}
