use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

fn read(variables: &[(&str, &str)]) -> io::Result<Passed> {
    Passed::read(7, |name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
    })
}

fn numbers(variables: &[(&str, &str)], chosen: Chosen) -> Result<Vec<RawFd>, String> {
    let numbers = read(variables).and_then(|passed| passed.numbers(&chosen));
    numbers.map_err(|error| error.to_string())
}

const PASSED: [(&str, &str); 3] =
    [("LISTEN_PID", "7"), ("LISTEN_FDS", "3"), ("LISTEN_FDNAMES", "web:admin:web")];

#[test]
fn what_is_passed_is_chosen_by_its_index_or_by_its_name() {
    assert_eq!(numbers(&PASSED, Chosen::Index(0)), Ok(vec![3]));
    assert_eq!(numbers(&PASSED, Chosen::Index(2)), Ok(vec![5]));
    assert_eq!(numbers(&PASSED, Chosen::Name("admin".into())), Ok(vec![4]));
    assert_eq!(numbers(&PASSED, Chosen::Name("web".into())), Ok(vec![3, 5]));
    assert_eq!(numbers(&PASSED[..2], Chosen::Index(1)), Ok(vec![4]));
}

#[test]
fn what_is_not_passed_is_an_error_that_says_what_is() {
    let index = |variables: &[_]| numbers(variables, Chosen::Index(3)).unwrap_err();
    assert_eq!(index(&PASSED), "is not passed: LISTEN_FDS is 3");
    let unset = "nothing is passed to this process: LISTEN_PID is not set";
    assert_eq!(index(&[]), unset);
    let unset = "nothing is passed to this process: LISTEN_FDS is not set";
    assert_eq!(index(&PASSED[..1]), unset);
    let other = "LISTEN_PID is 8: what is passed is not for this process";
    assert_eq!(index(&[("LISTEN_PID", "8"), PASSED[1]]), other);
    for (text, words) in [
        ("-1", "LISTEN_FDS is \"-1\", which is no number"),
        ("\u{1b}", "LISTEN_FDS is \"\\u{1b}\", which is no number"),
        ("4294967296", "LISTEN_FDS is \"4294967296\", which is no number"),
    ] {
        assert_eq!(index(&[PASSED[0], ("LISTEN_FDS", text)]), words);
    }
    let name = |variables: &[_]| numbers(variables, Chosen::Name("mail".into())).unwrap_err();
    assert_eq!(name(&PASSED), "is not passed: LISTEN_FDNAMES is \"web:admin:web\"");
    assert_eq!(name(&PASSED[..2]), "is not passed: LISTEN_FDNAMES is not set");
    // A name beyond the number of descriptors belongs to no descriptor.
    let few = [PASSED[0], ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "web:mail")];
    assert!(name(&few).starts_with("is not passed"));
}

#[test]
fn a_number_that_no_descriptor_has_is_an_error() {
    let variables = [PASSED[0], ("LISTEN_FDS", "4294967295")];
    let error = numbers(&variables, Chosen::Index(u32::MAX - 1)).unwrap_err();
    assert_eq!(error, "no descriptor has so large a number");
}

#[test]
fn what_this_process_has_opened_is_refused_whatever_the_variables_say() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let number = socket.as_raw_fd();
    // It looks at no more numbers than necessary.
    let found = open_now(u32::MAX).unwrap();
    assert_eq!(found.get(&number), Some(&Found::Foreign));
    let error = check(number, found.get(&number), Kind::Udp).unwrap_err();
    assert!(
        error.to_string().ends_with(" was opened by this process: it is close-on-exec"),
        "{error}"
    );
    let error = check(RawFd::MAX, found.get(&RawFd::MAX), Kind::Udp).unwrap_err();
    assert!(error.to_string().ends_with(" is not open"), "{error}");
}

/// A descriptor in the state in which exec(3) passes it on.
fn inheritable() -> OwnedFd {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // SAFETY: the call accepts any number, and returns a new descriptor or -1.
    let number = unsafe { libc::dup(socket.as_raw_fd()) };
    assert_ne!(number, -1);
    // SAFETY: the descriptor is new, so it has no other owner.
    unsafe { OwnedFd::from_raw_fd(number) }
}

#[test]
fn a_first_look_that_fails_half_way_is_kept() {
    let passed = [inheritable(), inheritable(), inheritable()];
    let mut numbers = passed.each_ref().map(OwnedFd::as_raw_fd);
    numbers.sort_unstable();
    let (mut found, mut asked) = (None, Vec::new());
    let fails_from_the_second_on = |number| {
        // Only the descriptors of this test, because other tests run in this process.
        let Some(index) = numbers.iter().position(|own| *own == number) else { return Ok(()) };
        asked.push(number);
        match index {
            0 => close_on_exec(number),
            index => Err(io::Error::other(format!("no {index}"))),
        }
    };
    let error = look(&mut found, u32::MAX, fails_from_the_second_on).unwrap_err();
    let words = format!("could not make descriptor {} close-on-exec: no 1", numbers[1]);
    assert_eq!(stagger::text::WithCauses(&error).to_string(), words);
    assert_eq!(asked, numbers, "a failure is in no other's way");
    assert_eq!(flags(numbers[0]), Some(libc::FD_CLOEXEC));
    // The next call uses the result of the first, and changes nothing.
    let found = look(&mut found, u32::MAX, |_| panic!("it looks once")).unwrap();
    for number in numbers {
        check(number, found.get(&number), Kind::Udp).unwrap();
    }
}

#[test]
fn what_the_first_look_has_not_seen_is_refused_and_not_said_to_be_closed() {
    let socket = inheritable();
    let number = socket.as_raw_fd();
    let mut found = None;
    // The variables name only the descriptors before this one.
    let before = u32::try_from(number).unwrap() - FIRST;
    look(&mut found, before, |_| Ok(())).unwrap();
    // Later they name all descriptors.
    let found = look(&mut found, u32::MAX, |_| Ok(())).unwrap();
    let error = check(number, found.get(&number), Kind::Udp).unwrap_err();
    assert!(
        error.to_string().ends_with(" was not passed when this process first looked"),
        "{error}"
    );
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn what_was_passed_and_is_another_file_now_is_refused() {
    let [was, is] = [(); 2].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let passed = |socket: &std::net::UdpSocket| {
        Found::Passed(identity(socket.as_raw_fd()).unwrap().unwrap())
    };
    let number = is.as_raw_fd();
    check(number, Some(&passed(&is)), Kind::Udp).unwrap();
    let error = check(number, Some(&passed(&was)), Kind::Udp).unwrap_err();
    assert!(error.to_string().ends_with(" was closed, and is another file now"), "{error}");
    // No test opens so many descriptors that this number is ever in use.
    let error = check(RawFd::MAX, Some(&passed(&was)), Kind::Udp).unwrap_err();
    assert!(error.to_string().ends_with(" was closed"), "{error}");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_descriptor_that_another_thread_closes_during_the_look_is_no_error() {
    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(Ordering::Relaxed) {
                drop(inheritable());
            }
        });
        let looks = (0..20_000).map(|_| open_now(64)).find(Result::is_err);
        end.store(true, Ordering::Relaxed);
        assert!(looks.is_none(), "{looks:?}");
    });
}
