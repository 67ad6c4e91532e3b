use crate::run::{RUNTIMES, stagger};

#[test]
fn every_race_of_the_demo_goes_as_it_should() {
    for runtime in RUNTIMES {
        let run = stagger(&["demo", "--runtime", runtime]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            " was silent; ",
            " was tried at once",
            " The proxy was silent at ",
            " connected to demo.test:80 through 127.0.0.1:",
            " which never came; ",
            " AAAA, which had not come yet; ",
            " refused. The connect failed with the last",
        ] {
            assert!(words.contains(part), "{part}: {run:?}");
        }
        if cfg!(feature = "tls") {
            assert!(words.contains(" and then stalled in TLS; "), "{run:?}");
            assert!(run.out.contains("\n  ━ TCP  ═ TLS  "), "{run:?}");
        }
        let last = run.out.lines().last().unwrap();
        assert!(last.ends_with(" races went as they should."), "{run:?}");
        assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{run:?}");
    }
}
