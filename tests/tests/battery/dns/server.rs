//! Servers that are short, slow, wrong or gone.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use stagger::resolve::Families;
use stagger_dns::Config;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::place::has_ipv6;
use stagger_tests::{Runtime, battery};

use super::{PATIENCE, asking, configured, lines};

battery! {
    {
        a_reply_that_does_not_fit_comes_over_tcp_also_byte_by_byte,
        a_long_reply_over_tcp_comes_whole,
        garbage_before_the_reply_is_ignored_and_a_flood_of_it_avoided,
        a_server_with_wrong_ids_or_questions_is_followed_by_the_next,
        a_refused_server_is_followed_by_the_next_at_once,
        a_server_that_ends_a_reply_over_tcp_too_early_is_followed_by_the_next,
        a_server_with_an_ipv6_address_is_asked,
        every_question_comes_from_a_port_and_with_an_id_of_its_own,
    }
}

const NAME: &str = "www.stagger.test";
const TARGET: &str = "www.stagger.test:80";
const FOUND: [&str; 1] = ["A 127.0.0.1:80"];

fn v4() -> Reply {
    Reply::addresses(["127.0.0.1"])
}

fn saying(reply: Reply) -> NameServer {
    let server = NameServer::start().unwrap();
    server.otherwise(reply);
    server
}

/// Over what each question came, of which there were so many.
fn over_tcp(server: &NameServer) -> Vec<bool> {
    server.questions().iter().map(|question| question.over_tcp).collect()
}

fn found<R: Runtime>(servers: &[&NameServer]) -> Vec<String> {
    lines(&R::new(), &asking::<R>(servers), TARGET, Families::Ipv4)
}

fn a_reply_that_does_not_fit_comes_over_tcp_also_byte_by_byte<R: Runtime>() {
    for reply in [v4().over_tcp(), v4().over_tcp().byte_by_byte()] {
        let server = saying(reply);
        assert_eq!(found::<R>(&[&server]), FOUND);
        assert_eq!(over_tcp(&server), [false, true]);
    }
}

fn a_long_reply_over_tcp_comes_whole<R: Runtime>() {
    for reply in [Reply::many(1000).over_tcp(), Reply::many(1000).over_tcp().byte_by_byte()] {
        let server = saying(reply);
        let lines = found::<R>(&[&server]);
        assert_eq!(lines[0].split(' ').count(), 1001);
    }
}

fn garbage_before_the_reply_is_ignored_and_a_flood_of_it_avoided<R: Runtime>() {
    let some = saying(v4().after_garbage(15));
    assert_eq!(found::<R>(&[&some]), FOUND);
    assert_eq!(over_tcp(&some), [false]);
    let flood = saying(v4().after_garbage(500));
    assert_eq!(found::<R>(&[&flood]), FOUND);
    assert_eq!(over_tcp(&flood), [false, true]);
}

fn a_server_with_wrong_ids_or_questions_is_followed_by_the_next<R: Runtime>() {
    let wrong = || Reply::addresses(["127.0.0.66"]).times(16);
    for reply in [wrong().with_wrong_id(), wrong().with_wrong_question()] {
        let (liar, honest) = (saying(reply), saying(v4()));
        assert_eq!(found::<R>(&[&liar, &honest]), FOUND);
        assert_eq!((over_tcp(&liar), over_tcp(&honest)), (vec![false, true], vec![false]));
    }
}

fn a_refused_server_is_followed_by_the_next_at_once<R: Runtime>() {
    // A port that is taken, by a socket that hears somebody else alone.
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    taken.connect((Ipv4Addr::LOCALHOST, 9)).unwrap();
    let honest = saying(v4());
    let servers = [taken.local_addr().unwrap(), honest.addr()];
    let config = Config::new().with_servers(servers).and_then(|it| it.with_timeout(PATIENCE));
    let resolver = configured::<R>(config.unwrap());
    let begun = std::time::Instant::now();
    assert_eq!(lines(&R::new(), &resolver, TARGET, Families::Ipv4), FOUND);
    // The refusal was heard, and its time not waited for.
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(honest.asked(NAME, Record::A), 1);
}

fn a_server_that_ends_a_reply_over_tcp_too_early_is_followed_by_the_next<R: Runtime>() {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    // Over UDP it says that the reply does not fit; over TCP it claims a length that never comes.
    let honest = saying(v4());
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let liar = tcp.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        for said in [&[][..], &[0xff], &[0xff, 0xff], &[0xff, 0xff, 1, 2, 3]] {
            let (mut stream, _) = tcp.accept().unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(said).unwrap();
        }
    });
    let config = Config::new().with_servers([liar, honest.addr()]).unwrap().with_use_vc(true);
    let config = config.with_timeout(PATIENCE).unwrap();
    for number in 0..4 {
        let resolver = configured::<R>(config.clone());
        let found = lines(&R::new(), &resolver, TARGET, Families::Ipv4);
        assert_eq!((number, found), (number, FOUND.map(String::from).to_vec()));
    }
    serving.join().unwrap();
    assert_eq!(over_tcp(&honest), [true; 4]);
}

fn a_server_with_an_ipv6_address_is_asked<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let server = NameServer::start_at("[::1]:0".parse().unwrap()).unwrap();
    server.otherwise(v4().over_tcp());
    assert_eq!(found::<R>(&[&server]), FOUND);
    assert!(server.questions().iter().all(|question| question.from.is_ipv6()));
}

fn every_question_comes_from_a_port_and_with_an_id_of_its_own<R: Runtime>() {
    let server = saying(v4());
    let resolver = asking::<R>(&[&server]);
    let runtime = R::new();
    for number in 0..50 {
        lines(&runtime, &resolver, &format!("n{number}.stagger.test:80"), Families::Ipv4);
    }
    let questions = server.questions();
    assert!(questions.iter().all(|it| it.from.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let distinct = |mut numbers: Vec<u16>| {
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    };
    // By lot: of 50 hardly any two are equal.
    let ports = distinct(questions.iter().map(|it| it.from.port()).collect());
    let ids = distinct(questions.iter().map(|it| it.id).collect());
    assert!(ports > 40 && ids > 40, "{ports} ports, {ids} ids");
}
