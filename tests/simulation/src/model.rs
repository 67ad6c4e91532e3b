//! The numbers of the model. All of them are ours.

/// A class of networks: what is wrong with them, if anything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Both families work.
    Healthy,
    /// One family is silent.
    BlackHole,
    /// One family is unreachable, and the system says so at once.
    Unreachable,
    /// One family is slower, as through a tunnel.
    Slow,
    /// One family works and is silent in turns.
    Flapping,
    /// Packets are lost often.
    Lossy,
    /// Some addresses of some hosts are silent.
    DeadAddresses,
    /// IPv6 is silent, and works from some time on.
    Heals,
    /// One family works, and is silent from some time on.
    Breaks,
    /// The round-trip times become others, again and again.
    Changes,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 10] = [
        Self::Healthy,
        Self::BlackHole,
        Self::Unreachable,
        Self::Slow,
        Self::Flapping,
        Self::Lossy,
        Self::DeadAddresses,
        Self::Heals,
        Self::Breaks,
        Self::Changes,
    ];

    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::BlackHole => "black hole",
            Self::Unreachable => "unreachable",
            Self::Slow => "one family slow",
            Self::Flapping => "flapping",
            Self::Lossy => "lossy",
            Self::DeadAddresses => "dead addresses",
            Self::Heals => "heals",
            Self::Breaks => "breaks",
            Self::Changes => "changes",
        }
    }
}

/// The parameters of a population of networks. Times are milliseconds.
#[derive(Clone, Debug)]
pub struct Model {
    /// How many networks of 1,000 each class has.
    pub shares: [u32; 10],
    /// The hosts that a client of a network connects to.
    pub hosts: usize,
    /// The connects on each network.
    pub connects: usize,
    /// The median of the round-trip times, and the deviation of their logarithm.
    pub round_trip: (f64, f64),
    /// The deviation of the logarithm between the families of a host.
    pub family_deviation: f64,
    /// The mean of the random part that is added to a round-trip time, relative to it.
    pub jitter: f64,
    /// How likely 1, 2, 3 and 4 addresses are, for each family of a host.
    pub addresses: [f64; 4],
    /// The exponent of Zipf's law: the host at place n is as likely as 1 / n to this power.
    pub zipf: f64,
    /// The loss of packets, everywhere and on lossy networks: from and to.
    pub loss: [(f64, f64); 2],
    /// How likely IPv6 is the family that is silent, unreachable or flapping.
    pub broken_ipv6: f64,
    /// What the slow family adds to each round-trip time.
    pub slower: f64,
    /// How likely an address is dead on a network with dead addresses.
    pub dead: f64,
    /// How long a family works, and is silent, on a flapping network: the mean of both.
    pub flap: f64,
    /// How long round-trip times stay as they are on a network that changes, on average.
    pub change: f64,
    /// The mean time between two connects within a burst, and between two bursts.
    pub gaps: (f64, f64),
    /// How likely a connect is the last of its burst.
    pub burst_end: f64,
}

impl Model {
    /// The model of the published tables.
    pub fn new() -> Self {
        Self {
            shares: [740, 40, 20, 80, 20, 20, 20, 20, 20, 20],
            hosts: 30,
            connects: 200,
            round_trip: (40.0, 0.7),
            family_deviation: 0.1,
            jitter: 0.1,
            addresses: [8.0, 4.0, 2.0, 1.0],
            zipf: 1.0,
            loss: [(0.0, 0.005), (0.02, 0.06)],
            broken_ipv6: 0.9,
            slower: 120.0,
            dead: 0.3,
            flap: 600_000.0,
            change: 1_800_000.0,
            gaps: (2_000.0, 300_000.0),
            burst_end: 0.2,
        }
    }

    /// How long a client stays on a network, on average.
    pub fn stay(&self) -> f64 {
        let gap = self.gaps.0 * (1.0 - self.burst_end) + self.gaps.1 * self.burst_end;
        gap * self.connects as f64
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}
