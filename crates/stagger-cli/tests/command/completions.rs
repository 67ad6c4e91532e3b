//! Completions in shells.

use std::process::Command;

use crate::run::{STAGGER, run, stagger};

/// The completions of bash for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let script = "source <(\"$0\" completions bash)\n\
                  COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n\
                  _stagger stagger \"${@: -1}\" \"${@: -2:1}\"\n\
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let run = run(Command::new("bash").args(["-c", script, STAGGER, "stagger"]).args(words));
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
    run.out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    assert_eq!(completed(&["co"]), ["connect", "completions"]);
    assert_eq!(completed(&["connect", "--pi"]), ["--pipe"]);
    assert_eq!(completed(&["resolve", "--la"]), ["--lanes"]);
    assert_eq!(completed(&["connect", "--runtime", ""]), ["tokio", "smol", "async-std"]);
    assert_eq!(completed(&["connect", "--family", "v"]), ["v4", "v6"]);
    assert_eq!(completed(&["man", "res"]), ["resolve"]);
    assert_eq!(completed(&["udp", "s"]), ["send"]);
    assert_eq!(completed(&["udp", "listen", "--jo"]), ["--join"]);
    assert_eq!(completed(&["man", "udp-"]), ["udp-listen", "udp-send"]);
}

#[test]
fn every_shell_has_a_script_that_knows_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = stagger(&["completions", shell]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        for word in ["connect", "resolve", "demo", "async-std", "pipe", "lanes", "udp", "join"] {
            // PowerShell and elvish do not complete values.
            let values = word == "async-std" && ["elvish", "powershell"].contains(&shell);
            assert!(values || run.out.contains(word), "{shell} does not know {word}");
        }
    }
    let run = stagger(&["completions", "csh"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
}

#[test]
fn bash_finds_no_fault_with_its_script() {
    let script = "\"$0\" completions bash | bash -n";
    let run = run(Command::new("bash").args(["-o", "pipefail", "-c", script, STAGGER]));
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
}
