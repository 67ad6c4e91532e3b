//! The table of schemes, without a runtime.

use futures_lite::future::block_on;
use stagger::connect::{connector_fn, endpoint_fn};
use stagger::{Endpoint as _, Target};
use stagger_endpoint::EndpointErrorKind as Kind;
use stagger_endpoint::{ClientEndpoint, EndpointText, Hop, Login, Schemes};
use stagger_testkit::Clock;

type Layer = ClientEndpoint<String>;

fn says(text: &str) -> Layer {
    let text = text.to_owned();
    ClientEndpoint::new(endpoint_fn(move || {
        let text = text.clone();
        async { Ok::<_, std::io::Error>(text) }
    }))
}

/// `say:TEXT` yields its text, and that of a login.
fn schemes() -> Schemes<String> {
    Schemes::new().with_client("say", |hop| {
        let login = hop.login().map(|login| login.password().unwrap_or_default());
        let password = String::from_utf8_lossy(login.unwrap_or_default()).into_owned();
        Ok(says(&format!("{}{password}", hop.text()?)))
    })
}

#[test]
fn a_scheme_that_is_made_of_itself_is_an_error_and_no_endless_loop() {
    let schemes = schemes()
        .with_client("snake", |hop| hop.make_as("snake"))
        .with_client("speak", |hop| hop.make_as("say"))
        .with_client("lost", |hop| hop.make_as("nothing"));
    let error = schemes.client("snake:x").unwrap_err();
    assert_eq!(error.reason(), "there is no scheme snake to make it of");
    let error = schemes.client("lost:x").unwrap_err();
    assert_eq!((error.kind(), error.place()), (Kind::Failed, 0..6));
    let speaking = schemes.client("speak:hello").unwrap();
    assert_eq!(block_on(speaking.connect()).unwrap(), "hello");
    assert_eq!(speaking.to_string(), "speak:hello");
}

#[test]
fn a_scheme_is_replaced_and_removed() {
    let other = schemes().with_client("say", |hop| Ok(says(&hop.text()?.to_uppercase())));
    assert_eq!(block_on(other.client("say:a").unwrap().connect()).unwrap(), "A");
    let none = other.without_client("say");
    assert_eq!(none.client_names().count(), 0);
    assert_eq!(none.client("say:a").unwrap_err().kind(), Kind::UnknownScheme);
}

#[test]
fn a_text_of_parts_makes_the_same_endpoint_with_its_password() {
    let hop =
        Hop::new("say").unwrap().with_text("a|b").with_login(Login::new("me").with_password("%"));
    let text = EndpointText::new(hop);
    let endpoint = schemes().client_of(&text).unwrap();
    assert_eq!(block_on(endpoint.connect()).unwrap(), "a|b%");
    assert_eq!(endpoint.to_string(), "say:me:***@a%7Cb");
    assert_eq!(endpoint.boxed().to_string(), "say:me:***@a%7Cb");
}

#[test]
fn only_clones_are_equal_because_a_name_hides_the_password() {
    let make = |text| schemes().client(text).unwrap();
    let one = make("say:me:one@x");
    let two = make("say:me:two@x");
    assert_eq!(one.to_string(), two.to_string());
    assert_eq!(one, one.clone());
    assert_ne!(one, two);
}

#[test]
fn a_changed_clone_is_not_equal_so_that_a_race_tries_both() {
    let one = says("one").with_name("one");
    let target = || "example.com:80".try_into().unwrap();
    let twice = |text: String, _| async move { Ok::<_, std::io::Error>(text.repeat(2)) };
    let relay = connector_fn(|_: Target| async { Ok::<_, std::io::Error>(String::new()) });
    for other in [
        one.clone().and_then(twice),
        one.clone().with_target(target()),
        one.clone().without_target(),
        one.clone().with_name("one"),
        one.clone().with_relay(relay),
        one.clone().without_relay(),
    ] {
        assert_ne!(other, one);
        assert_eq!(other.to_string(), "one");
        assert_eq!(other, other.clone());
    }
    let failing = || async { Err::<String, _>(std::io::Error::other("it fails")) };
    let first = ClientEndpoint::new(endpoint_fn(failing));
    let other = first.clone().with_target(target());
    let clock = Clock::new();
    let connect = first.dialer(clock.clone()).connect_addresses([first, other]).with_report();
    let error = clock.run(connect).unwrap_err();
    assert_eq!(error.report().attempts().len(), 2);
}

#[test]
fn an_error_of_another_type_is_the_source_and_has_the_place_of_its_hop() {
    let schemes = schemes().with_client("fails", |_| Err("no luck".into()));
    let error = schemes.client("say:a | fails?x=1").unwrap_err();
    assert_eq!(error.to_string(), "bad endpoint at byte 8: cannot make fails");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no luck");
    assert_eq!(error.place(), 8..17);
}

#[test]
fn a_hop_over_others_is_made_of_the_layer_below() {
    let schemes = schemes().with_client("loud", |hop| {
        Ok(hop
            .below()?
            .and_then(|text, _| async move { Ok::<_, std::io::Error>(text.to_uppercase()) }))
    });
    let endpoint = schemes.client("say:a | loud | loud").unwrap();
    assert_eq!(block_on(endpoint.connect()).unwrap(), "A");
    assert_eq!(endpoint.target(), None);
    let error = schemes.client("say:a | say:b").unwrap_err();
    assert_eq!((error.kind(), error.place()), (Kind::TakesNoBelow, 8..13));
}
