//! Files of `--ca`, `--cert` and `--key` that cannot be used.

use super::kit::Room;
use crate::run::{Run, listener, stagger};

/// Connects with these options. The fault must be found before anything is connected.
#[track_caller]
fn refused(options: &[&str]) -> Run {
    let (listener, addr) = listener();
    let run = stagger(&[&["connect", &addr.to_string(), "--tls"], options].concat());
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "it has connected: {run:?}");
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    run
}

#[test]
fn a_file_without_usable_certificates_is_named_before_anything_is_connected() {
    let room = Room::new();
    let pem = room.authority.certificate_pem();
    let no_certificate = "it has no certificate in PEM (-----BEGIN CERTIFICATE-----)";
    let cut = &pem[..pem.len() - 30];
    let lines: Vec<_> = pem.lines().collect();
    let odd = pem.replacen(lines[1], "!not base64!", 1);
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let second_bad = format!("{pem}{no_der}");
    for (name, text, reason) in [
        ("empty.pem", "", no_certificate),
        ("text.pem", "hello\n", no_certificate),
        ("key.pem", &room.issued().key_pem(), no_certificate),
        ("cut.pem", cut, "it is not PEM: "),
        ("odd.pem", &odd, "it is not PEM: "),
        ("der.pem", no_der, "certificate 1 in it is bad: "),
        ("second.pem", &second_bad, "certificate 2 in it is bad: "),
    ] {
        let file = room.write(name, text);
        let run = refused(&["--ca", &file]);
        assert!(run.err.starts_with(&format!("error: bad --ca {file:?}: {reason}")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
    let missing = room.file("missing.pem");
    let folder = room.file("");
    for (file, reason) in [
        (&missing[..], "No such file or directory"),
        (&folder, "Is a directory"),
        ("/dev/zero", "it is larger than 16 MiB"),
    ] {
        let run = refused(&["--ca", file]);
        assert!(run.err.starts_with(&format!("error: bad --ca {file:?}: {reason}")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
    let (_listener, addr) = listener();
    let run = stagger(&["connect", &addr.to_string(), "--tls", "--ca", &missing, "--json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with(&format!("bad --ca {missing:?}: No such file")), "{error}");
    let run = stagger(&["connect", "--pipe", &addr.to_string(), "--tls", "--ca", &missing]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(run.err.starts_with(&format!("error: bad --ca {missing:?}: No such file")), "{run:?}");
}

#[test]
fn a_certificate_and_a_key_must_belong_together() {
    let room = Room::new();
    let [cert, key] = room.identity(&room.issued());
    let other = room.write("other.pem", &room.issued().key_pem());
    let empty = room.write("empty.pem", "");
    let odd =
        room.write("odd.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (files, wrong, reason) in [
        (
            [&cert, &other],
            ("--key", &other),
            "it is not the key of the first certificate of --cert",
        ),
        ([&cert, &empty], ("--key", &empty), "it has no private key in PEM"),
        ([&cert, &cert], ("--key", &cert), "it has no private key in PEM"),
        ([&key, &key], ("--cert", &key), "it has no certificate in PEM"),
        ([&cert, &odd], ("--key", &odd), "the private key cannot be used: "),
    ] {
        let run = refused(&["--insecure", "--cert", files[0], "--key", files[1]]);
        let start = format!("error: bad {} {:?}: {reason}", wrong.0, wrong.1);
        assert!(run.err.starts_with(&start), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn options_that_need_another_are_bad_usage_without_it() {
    for options in [
        &["--alpn", "h2"][..],
        &["--server-name", "x"],
        &["--insecure"],
        &["--cert", "x", "--key", "x"],
        &["--tls", "--cert", "x"],
        &["--tls", "--key", "x"],
        &["--tls", "--ca", "x", "--insecure"],
    ] {
        let run = stagger(&[&["connect", "127.0.0.1:9"], options].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        let reasons = ["required arguments were not provided", "cannot be used with"];
        assert!(reasons.iter().any(|reason| run.err.contains(reason)), "{run:?}");
    }
}
