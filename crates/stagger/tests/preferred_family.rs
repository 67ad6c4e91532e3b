//! The preferred family: the race waits for its answer, and it leads if no answer sets a leading
//! family. The tests use the machine at exact times, and dials.

mod support;

use stagger::address::Family;
use stagger::policy::Order;
use stagger::race::Loss;
use stagger::resolve::{Families, Record};
use stagger::{Answer, Policy};
use stagger_testkit::{Place, Script, ScriptedError, ScriptedResolver, ms};
use support::{TARGET, World, connects};

use Family::{Ipv4, Ipv6};
use Record::{A, Aaaa, Addresses, Https};

mod machine {
    use super::*;

    fn plain() -> Policy {
        Policy::unlimited()
    }

    #[test]
    fn a_waits_for_aaaa_where_nothing_is_said() {
        let mut race = Script::unresolved(plain());
        race.at(5).answers(A, ["v4"]).waits_until(55);
        race.at(55).starts("v4");
    }

    #[test]
    fn a_waits_for_nothing_where_routes_prefer_ipv4() {
        let mut race = Script::unresolved(plain());
        race.at(0).prefers(Ipv4).waits_for_events();
        race.at(5).answers(A, ["v4"]).starts("v4");
    }

    #[test]
    fn a_preference_with_the_answer_counts_whichever_is_told_first() {
        let mut race = Script::unresolved(plain());
        race.at(5).prefers(Ipv4).answers(A, ["v4"]).starts("v4");
        let mut race = Script::unresolved(plain());
        race.at(5).answers(A, ["v4"]).prefers(Ipv4).starts("v4");
    }

    #[test]
    fn a_preference_ends_a_wait_that_has_begun() {
        let mut race = Script::unresolved(plain());
        race.at(0).answers(A, ["v4"]).waits_until(50);
        race.at(20).prefers(Ipv4).starts("v4");
    }

    #[test]
    fn a_preference_for_what_is_not_there_yet_leaves_the_wait_as_it_was() {
        let mut race = Script::unresolved(plain());
        race.at(0).answers(A, ["v4"]).waits_until(50);
        race.at(20).prefers(Ipv6).waits_until(50);
        race.at(50).starts("v4");
    }

    #[test]
    fn aaaa_waits_for_a_where_routes_prefer_ipv4_and_a_leads() {
        let mut race = Script::unresolved(plain());
        race.at(3).prefers(Ipv4).answers(Aaaa, ["v6"]).waits_until(53);
        race.at(30).answers(A, ["v4"]).starts("v4").waits_until(280);
        race.at(280).starts("v6");
    }

    #[test]
    fn aaaa_waits_for_a_no_longer_than_the_resolution_delay() {
        let mut race = Script::unresolved(plain());
        race.at(3).prefers(Ipv4).answers(Aaaa, ["v6"]).waits_until(53);
        race.at(53).starts("v6");
    }

    #[test]
    fn the_last_preference_holds() {
        let mut race = Script::unresolved(plain());
        race.at(0).prefers(Ipv4).prefers(Ipv6);
        race.at(5).answers(A, ["v4"]).waits_until(55);
        race.at(10).answers(Aaaa, ["v6"]).starts("v6").waits_until(260);
    }

    #[test]
    fn bindings_are_awaited_whatever_is_preferred() {
        let mut race = Script::unresolved(plain().with_https(true));
        race.at(0).prefers(Ipv4).answers(A, ["v4"]).waits_until(50);
        race.at(10).answers(Https, []).starts("v4");
    }

    #[test]
    fn a_preference_after_attempts_began_changes_which_comes_next() {
        let begin = |race: &mut Script| {
            race.at(0).answers(Aaaa, ["v6a", "v6b"]).starts("v6a");
            race.at(100).answers(A, ["v4a", "v4b"]).waits_until(250);
        };
        let mut race = Script::unresolved(plain());
        begin(&mut race);
        race.at(250).starts("v4a");
        race.at(500).starts("v6b");
        let mut race = Script::unresolved(plain());
        begin(&mut race);
        race.at(200).prefers(Ipv4).waits_until(250);
        race.at(250).starts("v4a");
        race.at(500).starts("v4b");
        race.at(750).starts("v6b");
    }

    #[test]
    fn an_answer_that_says_which_leads_wins_over_a_preference() {
        for preference_first in [true, false] {
            let mut race = Script::unresolved(plain());
            let instant = race.at(0).answers(Aaaa, ["v6"]);
            let instant = if preference_first {
                instant.prefers(Ipv4).leads(Ipv6)
            } else {
                instant.leads(Ipv6).prefers(Ipv4)
            };
            // The race still waits for the preferred family's answer.
            instant.waits_until(50);
            race.at(9).answers(A, ["v4"]).starts("v6").waits_until(259);
        }
    }

    #[test]
    fn a_full_answer_leads_by_its_own_first_address() {
        let mut race = Script::unresolved(plain());
        race.at(0).prefers(Ipv4).answers(Addresses, ["v6", "v4"]).starts("v6");
        race.at(250).starts("v4");
    }

    #[test]
    fn an_order_that_the_policy_decrees_is_kept_whatever_is_preferred() {
        let mut race = Script::unresolved(plain().with_order(Order::Ipv6First));
        race.at(0).prefers(Ipv4).answers(Aaaa, ["v6"]).answers(A, ["v4"]).starts("v6");
        let mut race = Script::unresolved(plain().with_order(Order::Resolver));
        race.at(0).prefers(Ipv4).answers(Aaaa, ["v6"]).answers(A, ["v4"]).starts("v6");
    }

    #[test]
    fn the_family_that_the_policy_prefers_wins_over_that_of_the_routes() {
        let mut race = Script::unresolved(plain().with_preferred_family(Ipv6));
        race.at(0).prefers(Ipv4).answers(A, ["v4"]).waits_until(50);
        race.at(10).answers(Aaaa, ["v6"]).starts("v6");
        let mut race = Script::unresolved(plain().with_preferred_family(Ipv4));
        race.at(0).prefers(Ipv6).answers(Aaaa, ["v6"]).waits_until(50);
        race.at(10).answers(A, ["v4"]).starts("v4");
    }

    #[test]
    fn the_only_family_asked_for_is_the_preferred_one() {
        let policy = || plain().with_families(Families::Ipv4);
        let mut race = Script::unresolved(policy());
        race.at(0).prefers(Ipv6).answers(A, ["v4"]).starts("v4");
        let mut race = Script::unresolved(policy().with_preferred_family(Ipv6));
        race.at(0).answers(A, ["v4"]).starts("v4");
        let policy = plain().with_families(Families::Ipv6).with_preferred_family(Ipv4);
        let mut race = Script::unresolved(policy);
        race.at(0).prefers(Ipv4).answers(Aaaa, ["v6"]).starts("v6");
    }

    #[test]
    fn a_preference_makes_no_room_under_the_limit_on_addresses() {
        let mut race = Script::unresolved(plain().with_max_addresses(2).unwrap());
        race.at(0).answers(Aaaa, ["v6a", "v6b"]).answers(A, ["v4"]).starts("v6a");
        race.at(10).prefers(Ipv4).waits_until(250);
        race.at(250).starts("v4");
        race.at(260).fails("v6a").fails("v4").loses(Loss::AllFailed).drops([]);
    }
}

/// The starts of a dial with these answers. Each attempt connects after 300 ms.
#[track_caller]
fn starts(
    policy: Policy,
    answers: impl FnOnce(ScriptedResolver) -> ScriptedResolver,
) -> Vec<String> {
    let world = World::new();
    let connector = world.connector([("v6", connects(300)), ("v4", connects(300))]);
    let dialer = world.dialer(answers(world.resolver()).never_ends(), connector);
    assert!(world.run(dialer.with_policy(policy).connect(TARGET)).is_ok());
    world.starts()
}

fn found(record: Record, place: &'static str) -> Answer<Place, ScriptedError> {
    Answer::found(record, [Place(place)])
}

#[test]
fn a_host_with_no_ipv6_default_route_does_not_hold_a_back() {
    let answers = |resolver: ScriptedResolver| {
        resolver.answers(ms(5), found(A, "v4").with_preferred_family(Ipv4)).finds(
            ms(40),
            Aaaa,
            ["v6"],
        )
    };
    assert_eq!(starts(Policy::new(), answers), ["5 v4", "255 v6"]);
    let silent =
        |resolver: ScriptedResolver| resolver.finds(ms(5), A, ["v4"]).finds(ms(40), Aaaa, ["v6"]);
    assert_eq!(starts(Policy::new(), silent), ["40 v6", "290 v4"]);
}

#[test]
fn aaaa_of_such_a_host_waits_for_a() {
    let answers = |resolver: ScriptedResolver| {
        resolver.answers(ms(5), found(Aaaa, "v6").with_preferred_family(Ipv4)).finds(
            ms(40),
            A,
            ["v4"],
        )
    };
    assert_eq!(starts(Policy::new(), answers), ["40 v4", "290 v6"]);
}

#[test]
fn the_policys_preferred_family_wins_over_the_resolvers() {
    let answers = |resolver: ScriptedResolver| {
        resolver.answers(ms(5), found(A, "v4").with_preferred_family(Ipv4))
    };
    assert_eq!(starts(Policy::new().with_preferred_family(Ipv6), answers), ["55 v4"]);
    let answers = |resolver: ScriptedResolver| {
        resolver.answers(ms(5), found(Aaaa, "v6").with_preferred_family(Ipv6))
    };
    assert_eq!(starts(Policy::new().with_preferred_family(Ipv4), answers), ["55 v6"]);
}

#[test]
fn an_interim_answer_with_a_preference_still_counts_its_preference() {
    let answers = |preferred: Option<Family>| {
        move |resolver: ScriptedResolver| {
            let provisional =
                Answer::failed(Aaaa, ScriptedError::new("no name server")).with_provisional(true);
            let provisional = match preferred {
                Some(family) => provisional.with_preferred_family(family),
                None => provisional,
            };
            resolver.answers(ms(5), provisional).finds(ms(10), A, ["v4"])
        }
    };
    assert_eq!(starts(Policy::new(), answers(Some(Ipv4))), ["10 v4"]);
    assert_eq!(starts(Policy::new(), answers(Some(Ipv6))), ["60 v4"]);
    assert_eq!(starts(Policy::new(), answers(None)), ["60 v4"]);
}

#[test]
fn a_preference_that_comes_during_the_wait_ends_it() {
    let answers = |resolver: ScriptedResolver| {
        let provisional = Answer::negative(Aaaa).with_provisional(true).with_preferred_family(Ipv4);
        resolver.finds(ms(10), A, ["v4"]).answers(ms(30), provisional)
    };
    assert_eq!(starts(Policy::new(), answers), ["30 v4"]);
}
