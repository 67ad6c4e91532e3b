//! One network: its hosts, and the fate of an attempt at each of their addresses at any time.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use stagger::address::Family;

use crate::{Class, Model, Random};

/// The first wait before a lost first packet is sent again: 1 s (RFC 6298 §2.1). It doubles.
const RETRANSMIT: f64 = 1000.0;

/// A lost packet is sent again at most this often: Linux's default of `tcp_syn_retries`.
const MAX_LOST: i32 = 6;

/// How likely two addresses of one family of a host are in one prefix, and equally far.
const TOGETHER: f64 = 0.5;

/// The deviation of the logarithm of round-trip times between addresses that are not.
const APART: f64 = 0.3;

/// A network, as a source of connects.
#[derive(Debug)]
pub struct Network<'a> {
    model: &'a Model,
    class: Class,
    random: Random,
    hosts: Vec<Host>,
    weights: Vec<f64>,
    loss: f64,
    /// The family with a fault, if its class has one.
    family: Family,
    /// When the network heals, breaks, flaps or changes next.
    turn: f64,
    /// Whether the family works.
    works: bool,
    now: f64,
}

#[derive(Debug)]
struct Host {
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    address: SocketAddr,
    family: Family,
    round_trip: f64,
    dead: bool,
}

/// A connect: the fates of its addresses, in the order in which a resolver returns them.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The time since the connect before, in milliseconds.
    pub gap: f64,
    /// The addresses and their fates.
    pub fates: Vec<(SocketAddr, Fate)>,
    /// Whether the network has healed.
    pub healed: bool,
}

/// What comes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It connects after this many milliseconds.
    Connects(f64),
    /// Nothing answers.
    Silent,
    /// The system has no route.
    Unreachable,
}

impl Connect {
    /// The time of the fastest address.
    ///
    /// # Panics
    ///
    /// Panics if no address connects, which no network allows.
    pub fn best(&self) -> f64 {
        let times = self.fates.iter().filter_map(|(_, fate)| fate.time());
        times.reduce(f64::min).expect("an address of each host connects")
    }
}

impl Fate {
    /// When it connects.
    pub fn time(self) -> Option<f64> {
        match self {
            Self::Connects(time) => Some(time),
            Self::Silent | Self::Unreachable => None,
        }
    }
}

impl<'a> Network<'a> {
    /// Makes the network of this seed.
    pub fn new(model: &'a Model, class: Class, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (low, high) = model.loss[usize::from(class == Class::Lossy)];
        let loss = random.between(low, high);
        let ipv6 = match class {
            Class::Heals => 1.0,
            Class::Slow => 0.5,
            _ => model.broken_ipv6,
        };
        let family = if random.chance(ipv6) { Family::Ipv6 } else { Family::Ipv4 };
        let turn = match class {
            Class::Heals | Class::Breaks => model.stay() * random.between(0.2, 0.6),
            Class::Flapping => random.exponential(model.flap),
            Class::Changes => random.exponential(model.change),
            _ => f64::INFINITY,
        };
        let works = match class {
            Class::BlackHole | Class::Unreachable | Class::Heals => false,
            Class::Flapping => random.chance(0.5),
            _ => true,
        };
        let mut prefixes = 0;
        let host = |place: usize| Host::new(model, class, place as u16, &mut prefixes, &mut random);
        let hosts = (0..model.hosts).map(host).collect();
        let weights = (1..=model.hosts).map(|place| (place as f64).powf(-model.zipf)).collect();
        let mut network =
            Self { model, class, random, hosts, weights, loss, family, turn, works, now: 0.0 };
        network.draw_round_trips();
        network
    }

    fn draw_round_trips(&mut self) {
        let (median, deviation) = self.model.round_trip;
        for host in &mut self.hosts {
            let of_host = median * self.random.lognormal(deviation);
            for family in [Family::Ipv6, Family::Ipv4] {
                let mut of_family = of_host * self.random.lognormal(self.model.family_deviation);
                if self.class == Class::Slow && family == self.family {
                    of_family += self.model.slower;
                }
                let mut last = (None, of_family);
                for place in host.places.iter_mut().filter(|place| place.family == family) {
                    let prefix = stagger::history::Subnet::of(place.address.ip());
                    let is_apart = last.0.is_some_and(|last| last != prefix);
                    let time = match is_apart {
                        true => of_family * self.random.lognormal(APART),
                        false => last.1,
                    };
                    last = (Some(prefix), time);
                    place.round_trip = time;
                }
            }
        }
    }

    /// The next connect.
    pub fn next_connect(&mut self) -> Connect {
        let model = self.model;
        let mean = if self.random.chance(model.burst_end) { model.gaps.1 } else { model.gaps.0 };
        let gap = self.random.exponential(mean);
        self.now += gap;
        while self.now >= self.turn {
            self.take_turn();
        }
        let host = self.random.weighted(&self.weights);
        // A busy link slows all addresses of a connect alike.
        let busy = 1.0 + self.random.exponential(model.jitter);
        let Self { class, random, hosts, loss, family, works, .. } = self;
        let fate = |place: &Place| {
            let mut lost = 0;
            while lost < MAX_LOST && random.chance(*loss) {
                lost += 1;
            }
            let waited = RETRANSMIT * (2_f64.powi(lost) - 1.0);
            let fate = match (*works || place.family != *family, *class) {
                _ if place.dead => Fate::Silent,
                (false, Class::Unreachable) => Fate::Unreachable,
                (false, _) => Fate::Silent,
                (true, _) => Fate::Connects(place.round_trip * busy + waited),
            };
            (place.address, fate)
        };
        let fates = hosts[host].places.iter().map(fate).collect();
        Connect { gap, fates, healed: *class == Class::Heals && *works }
    }

    fn take_turn(&mut self) {
        match self.class {
            Class::Flapping => {
                self.works = !self.works;
                self.turn += self.random.exponential(self.model.flap);
            }
            Class::Changes => {
                self.draw_round_trips();
                self.turn += self.random.exponential(self.model.change);
            }
            _ => {
                self.works = !self.works;
                self.turn = f64::INFINITY;
            }
        }
    }
}

impl Host {
    fn new(
        model: &Model,
        class: Class,
        number: u16,
        prefixes: &mut u16,
        random: &mut Random,
    ) -> Self {
        let mut places: Vec<Place> = Vec::new();
        for family in [Family::Ipv6, Family::Ipv4] {
            let count = 1 + random.weighted(&model.addresses);
            for place in 0..count {
                if place == 0 || !random.chance(TOGETHER) {
                    *prefixes += 1;
                }
                let in_prefix = places.len() as u16 + 1;
                let ip = match family {
                    Family::Ipv6 => {
                        Ipv6Addr::new(0x2001, 0xdb8, *prefixes, 0, 0, 0, number, in_prefix).into()
                    }
                    Family::Ipv4 => {
                        let [high, low] = prefixes.to_be_bytes();
                        Ipv4Addr::new(10, high, low, in_prefix as u8).into()
                    }
                };
                let dead = class == Class::DeadAddresses && random.chance(model.dead);
                let address = SocketAddr::new(ip, 443);
                places.push(Place { address, family, round_trip: 0.0, dead });
            }
        }
        if places.iter().all(|place| place.dead) {
            places[0].dead = false;
        }
        Self { places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connects(class: Class) -> Vec<Connect> {
        let model = Model::new();
        let mut network = Network::new(&model, class, 7);
        (0..model.connects).map(|_| network.next_connect()).collect()
    }

    #[test]
    fn a_seed_makes_the_same_network_again() {
        for class in Class::ALL {
            assert_eq!(format!("{:?}", connects(class)), format!("{:?}", connects(class)));
        }
    }

    #[test]
    fn every_connect_has_an_address_that_works() {
        for connect in Class::ALL.into_iter().flat_map(connects) {
            assert!(connect.best() > 0.0);
        }
    }

    #[test]
    fn each_class_has_its_own_faults() {
        let has = |class, fate: fn(Fate) -> bool| {
            let fates = connects(class).into_iter().flat_map(|connect| connect.fates);
            fates.filter(|(_, it)| fate(*it)).count() > 0
        };
        for class in Class::ALL {
            let silent = matches!(
                class,
                Class::BlackHole
                    | Class::Flapping
                    | Class::DeadAddresses
                    | Class::Heals
                    | Class::Breaks
            );
            assert_eq!(has(class, |fate| fate == Fate::Silent), silent, "{class:?}");
            let unreachable = class == Class::Unreachable;
            assert_eq!(has(class, |fate| fate == Fate::Unreachable), unreachable, "{class:?}");
        }
        assert!(has(Class::Lossy, |fate| fate.time().is_some_and(|time| time > RETRANSMIT)));
    }

    #[test]
    fn a_network_heals_and_another_breaks_once_and_for_all() {
        let is_silent = |connect: &Connect| connect.fates.iter().any(|it| it.1 == Fate::Silent);
        let healing: Vec<bool> = connects(Class::Heals).iter().map(is_silent).collect();
        assert!(healing[0] && !healing[199] && healing.is_sorted_by(|a, b| a >= b));
        let breaking: Vec<bool> = connects(Class::Breaks).iter().map(is_silent).collect();
        assert!(!breaking[0] && breaking[199] && breaking.is_sorted());
        let healed = connects(Class::Heals);
        assert!(healed.iter().all(|connect| connect.healed != is_silent(connect)));
    }
}
