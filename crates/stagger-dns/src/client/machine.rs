//! Which server is asked when, over what, and when it has had its time.
//!
//! It has no sockets and no clock. Whoever drives it sends what it says, tells it what came of each
//! message, and asks it again when its time has come. `docs/name-servers.md` has the rules. Long,
//! because all of them are in this one place.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::standing::Entrant;
use crate::code;
use crate::error::{Detour, ServerError, Trouble};
use crate::message::{Stray, Strays};

/// The most messages that ask one server one question: 3, the first and two more (RFC 9520 §3.1).
/// What a reply calls for, such as TCP, is not counted.
const MAX_TRIES: u32 = 3;

/// The longest wait before a silent server is asked again for the first time: 1 s, the time that RFC
/// 6298 §2.1 gives a first round trip. RFC 1035 §4.2.1 has 2 to 5 s, for the networks of 1987.
const RESEND: Duration = Duration::from_secs(1);

/// How many datagrams that belong to something else are read before the question goes over TCP: 16.
///
/// The socket is new and hears one server alone, so such a datagram is hardly ever an honest
/// mistake: somebody guesses ids. RFC 5452 §9.3 allows to leave UDP then, where each datagram more
/// is a chance more. The number is ours; it bounds the work of a flood as well.
const MAX_STRAYS: u32 = 16;

/// How long a message waits that this machine could not send, for want of a descriptor for instance:
/// 50 ms. It doubles each time. The number is ours.
const SHORTAGE: Duration = Duration::from_millis(50);

/// What the configuration says of one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
    pub(super) tcp: bool,
}

/// Names one message of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u32);

/// A message that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: Id,
    /// The server's place in the configuration.
    pub(super) server: usize,
    pub(super) tcp: bool,
    pub(super) edns: bool,
}

/// What came of a message, but for an answer.
#[derive(Debug)]
pub(super) enum Heard {
    /// A datagram that does not belong to the message.
    Stray(Stray),
    /// The reply does not fit into a datagram.
    Truncated,
    /// The server failed.
    Failed(Trouble),
    /// The message could not be sent for want of something that this machine has too little of.
    Shortage(Trouble),
}

/// One question on its way through the servers.
#[derive(Debug)]
pub(super) struct Machine {
    limits: Limits,
    began: Instant,
    /// In the order in which they are to be asked.
    servers: Vec<Server>,
    /// The places in `servers` of those that have a turn, the next one first.
    queue: VecDeque<usize>,
    out: Vec<Out>,
    next_id: u32,
    /// When the next in the queue is asked beside those that are late.
    next_start: Instant,
}

#[derive(Debug)]
struct Server {
    /// Its place in the configuration.
    index: usize,
    patience: Duration,
    /// Whether it is asked with EDNS first.
    edns: bool,
    has_rejected_edns: bool,
    probe: bool,
    /// When a message to it was first tried to be sent.
    first_tried: Option<Instant>,
    /// When its first message went out.
    asked: Option<Instant>,
    /// When it has had its time.
    over: Instant,
    /// How often it had its turn, and how many messages it was sent.
    turns: u32,
    tries: u32,
    /// Whether the message that comes soon after the first of this turn is planned or sent.
    has_resent: bool,
    /// When it is asked again if it stays silent.
    resend: Option<Instant>,
    /// What its last reply calls for.
    follow_up: Option<FollowUp>,
    /// When this machine may be able to send, and how long it waits the next time.
    shortage: Option<Instant>,
    shortage_pause: Duration,
    detour: Option<Detour>,
    strays: Strays,
    trouble: Option<Trouble>,
    is_blameless: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FollowUp {
    /// On the way on which the last message went.
    WithoutEdns {
        tcp: bool,
    },
    OverTcp,
}

/// A message that is out.
#[derive(Debug)]
struct Out {
    id: Id,
    /// The place in `servers`.
    place: usize,
    sent: Instant,
    tcp: bool,
    edns: bool,
    strays: u32,
}

impl Machine {
    pub(super) fn new(entrants: Vec<Entrant>, limits: Limits, now: Instant) -> Self {
        let server = |entrant: Entrant| Server {
            index: entrant.server,
            patience: entrant.patience,
            edns: entrant.edns,
            has_rejected_edns: false,
            probe: entrant.probe,
            first_tried: None,
            asked: None,
            over: now,
            turns: 0,
            tries: 0,
            has_resent: false,
            resend: None,
            follow_up: None,
            shortage: None,
            shortage_pause: SHORTAGE,
            detour: None,
            strays: Strays::default(),
            trouble: None,
            is_blameless: false,
        };
        let servers: Vec<_> = entrants.into_iter().map(server).collect();
        let queue = (0..servers.len()).collect();
        let (out, next_id) = (Vec::new(), 0);
        Self { limits, began: now, servers, queue, out, next_id, next_start: now }
    }

    /// The next message to send, if one is due. It is out then.
    pub(super) fn next(&mut self, now: Instant) -> Option<Message> {
        self.expire(now);
        if let Some(place) = self.servers.iter().position(|server| server.follow_up.is_some()) {
            return Some(self.follow_up(place, now));
        }
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        let late = |server: &Server| is_due(server.resend) || is_due(server.shortage);
        if let Some(place) = self.servers.iter().position(late) {
            return Some(self.ask(place, now));
        }
        let probe = |place: &usize| {
            let server = &self.servers[*place];
            server.probe && server.tries == 0
        };
        if !self.out.is_empty()
            && let Some(turn) = self.queue.iter().position(probe)
        {
            let place = self.queue.remove(turn).expect("it was found there");
            return Some(self.begin_turn(place, now));
        }
        if self.is_idle() || self.next_start <= now {
            let place = self.queue.pop_front()?;
            self.next_start = now + self.servers[place].patience;
            return Some(self.begin_turn(place, now));
        }
        None
    }

    /// Whether nothing is out and nothing waits for this machine.
    fn is_idle(&self) -> bool {
        self.out.is_empty() && self.servers.iter().all(|server| server.shortage.is_none())
    }

    /// Whether every server has failed. [`next`](Self::next) has been asked before.
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty() && self.is_idle()
    }

    /// When [`next`](Self::next) is to be asked again, if nothing comes before.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let turn = (!self.queue.is_empty()).then_some(self.next_start);
        let out = self.out.iter().map(|out| self.deadline(out));
        let waits = |server: &Server| [server.resend, server.shortage].into_iter().flatten();
        let servers = self.servers.iter().flat_map(waits);
        turn.into_iter().chain(out).chain(servers).min()
    }

    fn deadline(&self, out: &Out) -> Instant {
        match out.tcp {
            true => out.sent + self.limits.timeout,
            false => self.servers[out.place].over,
        }
    }

    /// Ends what has had its time.
    fn expire(&mut self, now: Instant) {
        while let Some(out) = self.out.iter().find(|out| self.deadline(out) <= now) {
            let (place, tcp) = (out.place, out.tcp);
            let server = &self.servers[place];
            let waited = match (tcp, server.asked) {
                (false, Some(asked)) => server.over - asked,
                _ => self.limits.timeout,
            };
            self.fail(place, Trouble::TimedOut(waited), now);
        }
    }

    fn begin_turn(&mut self, place: usize, now: Instant) -> Message {
        self.servers[place].turns += 1;
        self.servers[place].has_resent = false;
        self.ask(place, now)
    }

    /// Asks a server once more, or for the first time.
    fn ask(&mut self, place: usize, now: Instant) -> Message {
        let Limits { timeout, attempts, tcp } = self.limits;
        let server = &mut self.servers[place];
        server.first_tried.get_or_insert(now);
        if server.asked.is_none() {
            server.asked = Some(now);
            server.over = now + timeout * attempts;
        }
        server.tries += 1;
        server.shortage = None;
        server.detour = None;
        // What was silent or failed may be a box that drops EDNS, or a server that it confuses.
        let edns = server.edns && server.tries == 1;
        server.resend = if tcp { None } else { server.next_try(timeout, now) };
        self.send(place, tcp, edns, now)
    }

    /// Does what a reply called for.
    fn follow_up(&mut self, place: usize, now: Instant) -> Message {
        let timeout = self.limits.timeout;
        let server = &mut self.servers[place];
        let follow_up = server.follow_up.take().expect("there is one");
        server.over = server.over.max(now + timeout);
        if follow_up == (FollowUp::WithoutEdns { tcp: false }) {
            server.resend = server.next_try(timeout, now);
        }
        // The next server has its turn when this message is late.
        let patience = server.patience;
        let (tcp, edns) = match follow_up {
            FollowUp::WithoutEdns { tcp } => (tcp, false),
            FollowUp::OverTcp => (true, server.edns),
        };
        self.next_start = self.next_start.max(now + patience);
        self.send(place, tcp, edns, now)
    }

    fn send(&mut self, place: usize, tcp: bool, edns: bool, now: Instant) -> Message {
        let id = Id(self.next_id);
        self.next_id += 1;
        self.out.push(Out { id, place, sent: now, tcp, edns, strays: 0 });
        Message { id, server: self.servers[place].index, tcp, edns }
    }

    /// Whether this message is out, so that what comes of it counts.
    pub(super) fn is_out(&self, id: Id) -> bool {
        self.out.iter().any(|out| out.id == id)
    }

    fn place_of(&self, id: Id) -> usize {
        self.out.iter().position(|out| out.id == id).expect("what is heard is of a message out")
    }

    /// Takes in what came of a message that is out.
    pub(super) fn hear(&mut self, id: Id, heard: Heard, now: Instant) {
        let index = self.place_of(id);
        let Out { place, tcp, edns, .. } = self.out[index];
        match heard {
            Heard::Stray(_) if tcp => {
                let what = "it belongs to another question";
                self.fail(place, Trouble::Malformed(what), now);
            }
            Heard::Stray(stray) => {
                self.servers[place].strays.add(stray);
                self.out[index].strays += 1;
                if self.out[index].strays == MAX_STRAYS {
                    self.servers[place].detour = Some(Detour::Strays);
                    self.turn_to(place, FollowUp::OverTcp);
                }
            }
            Heard::Truncated if tcp => {
                let what = "it is cut short, though it came over TCP";
                self.fail(place, Trouble::Malformed(what), now);
            }
            Heard::Truncated => {
                self.servers[place].detour = Some(Detour::Truncated);
                self.turn_to(place, FollowUp::OverTcp);
            }
            Heard::Failed(Trouble::Code { code, .. }) if edns && rejects_edns(code) => {
                let server = &mut self.servers[place];
                (server.edns, server.has_rejected_edns) = (false, true);
                self.turn_to(place, FollowUp::WithoutEdns { tcp });
            }
            Heard::Failed(trouble) => self.fail(place, trouble, now),
            Heard::Shortage(trouble) => {
                self.out.remove(index);
                self.run_short(place, trouble, now);
            }
        }
    }

    /// Leaves what is out to a server for another message to it.
    fn turn_to(&mut self, place: usize, follow_up: FollowUp) {
        self.out.retain(|out| out.place != place);
        let server = &mut self.servers[place];
        server.resend = None;
        server.shortage = None;
        server.follow_up = Some(follow_up);
    }

    /// A try has failed. The server has another turn behind the others, if it has tries left.
    fn fail(&mut self, place: usize, trouble: Trouble, now: Instant) {
        self.out.retain(|out| out.place != place);
        let server = &mut self.servers[place];
        server.resend = None;
        server.shortage = None;
        server.follow_up = None;
        server.trouble = Some(trouble);
        server.is_blameless = false;
        let has_turns = server.turns < self.limits.attempts && server.tries < MAX_TRIES;
        if has_turns && now < server.over {
            self.queue.push_back(place);
        }
        if !server.probe {
            self.next_start = now;
        }
    }

    /// A message could not be sent. That is no try, and no fault of the server.
    fn run_short(&mut self, place: usize, trouble: Trouble, now: Instant) {
        let end = self.began + self.limits.timeout;
        let server = &mut self.servers[place];
        server.tries -= 1;
        let next = now + server.shortage_pause;
        server.shortage_pause *= 2;
        let is_waiting = self.out.iter().any(|out| out.place == place);
        server.resend = None;
        if !is_waiting {
            // It was not asked, so it can't be late.
            server.asked = None;
            server.has_resent = false;
        }
        if next < end {
            server.shortage = Some(next);
        } else if !is_waiting {
            server.trouble = Some(trouble);
            server.is_blameless = true;
        }
    }

    /// Whose reply to this message is an answer: the server, and how long it took if that says how
    /// far away it is. Says too whether it answers only without EDNS.
    pub(super) fn answer(&self, id: Id, now: Instant) -> Answered {
        let out = &self.out[self.place_of(id)];
        let server = &self.servers[out.place];
        let edns = match (out.edns, server.edns, server.has_rejected_edns) {
            (true, ..) => Some(Edns::Known),
            (false, _, true) => Some(Edns::Rejected),
            (false, true, _) => Some(Edns::Silent),
            (false, false, false) => None,
        };
        Answered {
            server: server.index,
            round_trip: (!out.tcp && server.detour.is_none())
                .then(|| now.saturating_duration_since(out.sent)),
            edns,
        }
    }

    /// The servers that another one has answered in place of: they failed, or they are late.
    pub(super) fn left_behind(&self, winner: Id, now: Instant) -> impl Iterator<Item = usize> {
        let winner = self.out[self.place_of(winner)].place;
        let is_behind = move |place: usize, server: &Server| {
            let is_late = server.asked.is_some_and(|asked| asked + server.patience <= now);
            let has_failed = server.trouble.is_some() && !server.is_blameless;
            place != winner && (has_failed || is_late && !server.is_blameless)
        };
        let servers = self.servers.iter().enumerate();
        let behind = servers.filter(move |(place, server)| is_behind(*place, server));
        behind.map(|(_, server)| server.index)
    }

    /// What each server did that was asked, in the order of the first tries.
    pub(super) fn into_errors(self, addresses: &[SocketAddr]) -> Vec<ServerError> {
        let mut servers = self.servers;
        servers.sort_by_key(|server| server.first_tried);
        let error = |server: Server| {
            let trouble = server.trouble?;
            Some(ServerError::new(
                addresses[server.index],
                trouble,
                server.tries.max(1),
                server.detour,
                server.strays,
            ))
        };
        servers.into_iter().filter_map(error).collect()
    }
}

/// What is known of a server that has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) server: usize,
    pub(super) round_trip: Option<Duration>,
    /// What it has shown of EDNS, if it was asked with EDNS.
    pub(super) edns: Option<Edns>,
}

/// What a server has shown of EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edns {
    /// It has answered a message with EDNS.
    Known,
    /// It has rejected one, and answered without.
    Rejected,
    /// It has not answered one, or failed, and has answered one without.
    Silent,
}

impl Server {
    /// When it is asked again if it stays silent: once soon, for a datagram may be lost, and then
    /// whenever a try has had its time.
    fn next_try(&mut self, timeout: Duration, now: Instant) -> Option<Instant> {
        if self.tries >= MAX_TRIES {
            return None;
        }
        let soon = now + (self.patience * 2).min(RESEND);
        if !mem::replace(&mut self.has_resent, true) && soon < now + timeout {
            return Some(soon);
        }
        let asked = self.asked.unwrap_or(now);
        let mut ends = std::iter::successors(Some(asked + timeout), |end| Some(*end + timeout));
        ends.find(|end| *end > now).filter(|end| *end < self.over)
    }
}

/// Whether a server with such an answer may know no EDNS (RFC 6891 §6.1.3 and §7).
fn rejects_edns(code: u16) -> bool {
    matches!(code, code::FORMAT_ERROR | code::NOT_IMPLEMENTED | code::BAD_VERSION)
}

#[cfg(test)]
mod tests;
