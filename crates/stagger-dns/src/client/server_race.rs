//! Which server is asked when, over which transport, and when its time is over.
//!
//! The race has no sockets and no clock. Its owner sends the messages that it returns, reports the
//! events of each message, and asks it again at its deadline. `docs/name-servers.md` has the rules.
//! The file is long because it has all of them.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::server_history::{EdnsSupport, RankedServer};
use crate::dns_error::{Detour, ServerError, Trouble};
use crate::message::code;
use crate::message::{Stray, Strays};

/// The most messages that ask one server one question: 3, the first and two more (RFC 9520 §3.1).
/// Messages that a reply requires, such as over TCP, do not count.
const MAX_TRIES: u32 = 3;

/// The longest wait before a silent server is asked again for the first time: 1 s. RFC 6298 §2.1
/// has that time for a first round trip. RFC 1035 §4.2.1 has 2 to 5 s, for the networks of 1987.
const RESEND: Duration = Duration::from_secs(1);

/// How many stray datagrams are read before the question goes over TCP: 16. The number is ours.
///
/// The socket is new and only receives from one server. So a stray datagram usually comes from an
/// attacker that guesses ids, and each one is another chance. RFC 5452 §9.3 allows to leave UDP
/// then. The limit also bounds the work of a flood.
const MAX_STRAYS: u32 = 16;

/// How long a message waits that this machine could not send, such as without a free descriptor: 50
/// ms. It doubles each time. The number is ours.
const SHORTAGE: Duration = Duration::from_millis(50);

/// The settings of the configuration for one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueryLimits {
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
    pub(super) tcp: bool,
}

/// Identifies one message of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageId(u32);

/// A message that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutgoingMessage {
    pub(super) id: MessageId,
    /// The server's index in the configuration.
    pub(super) server: usize,
    pub(super) tcp: bool,
    pub(super) edns: bool,
}

/// An event of a message, other than an answer.
#[derive(Debug)]
pub(super) enum MessageEvent {
    /// A datagram that does not belong to the message.
    Stray(Stray),
    /// The reply does not fit into a datagram.
    Truncated,
    /// The server failed.
    Failed(Trouble),
    /// This machine could not send the message, because a resource has run out.
    Shortage(Trouble),
}

/// The race of all servers for one question.
#[derive(Debug)]
pub(super) struct ServerRace {
    limits: QueryLimits,
    began: Instant,
    /// In the order in which they are asked.
    servers: Vec<RacingServer>,
    /// The positions in `servers` of the servers that wait for a turn, the next one first.
    queue: VecDeque<usize>,
    sent: Vec<SentMessage>,
    next_id: u32,
    /// When the next server in the queue is asked, because the servers before it are late.
    next_start: Instant,
}

#[derive(Debug)]
struct RacingServer {
    /// Its index in the configuration.
    index: usize,
    patience: Duration,
    /// Whether it is asked with EDNS first.
    edns: bool,
    has_rejected_edns: bool,
    probe: bool,
    /// When this machine first tried to send a message to it.
    first_tried: Option<Instant>,
    /// When its first message was sent.
    asked: Option<Instant>,
    /// When its time is over.
    over: Instant,
    /// How many turns it had, and how many messages it was sent.
    turns: u32,
    tries: u32,
    /// Whether the second message of this turn, which follows soon, is planned or sent.
    has_resent: bool,
    /// When it is asked again, if it stays silent.
    resend: Option<Instant>,
    /// The message that its last reply requires.
    follow_up: Option<FollowUp>,
    /// When this machine tries again to send, and how long it waits the next time.
    shortage: Option<Instant>,
    shortage_pause: Duration,
    detour: Option<Detour>,
    strays: Strays,
    trouble: Option<Trouble>,
    is_blameless: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FollowUp {
    /// Over the transport of the last message.
    WithoutEdns {
        tcp: bool,
    },
    OverTcp,
}

/// A message that is sent and not over.
#[derive(Debug)]
struct SentMessage {
    id: MessageId,
    /// The position in `servers`.
    position: usize,
    sent_at: Instant,
    tcp: bool,
    edns: bool,
    strays: u32,
}

impl ServerRace {
    pub(super) fn new(ranked: Vec<RankedServer>, limits: QueryLimits, now: Instant) -> Self {
        let server = |server: RankedServer| RacingServer {
            index: server.server,
            patience: server.patience,
            edns: server.edns,
            has_rejected_edns: false,
            probe: server.probe,
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
        let servers: Vec<_> = ranked.into_iter().map(server).collect();
        let queue = (0..servers.len()).collect();
        let (sent, next_id) = (Vec::new(), 0);
        Self { limits, began: now, servers, queue, sent, next_id, next_start: now }
    }

    /// Returns the next message to send, if one is due. It counts as sent.
    pub(super) fn next(&mut self, now: Instant) -> Option<OutgoingMessage> {
        self.expire(now);
        if let Some(position) = self.servers.iter().position(|server| server.follow_up.is_some()) {
            return Some(self.follow_up(position, now));
        }
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        let late = |server: &RacingServer| is_due(server.resend) || is_due(server.shortage);
        if let Some(position) = self.servers.iter().position(late) {
            return Some(self.ask(position, now));
        }
        let probe = |position: &usize| {
            let server = &self.servers[*position];
            server.probe && server.tries == 0
        };
        if !self.sent.is_empty()
            && let Some(turn) = self.queue.iter().position(probe)
        {
            let position = self.queue.remove(turn).expect("it was found there");
            return Some(self.begin_turn(position, now));
        }
        // The time of a server that failed may be over before its next turn comes.
        let servers = &self.servers;
        self.queue.retain(|position| {
            let server = &servers[*position];
            server.asked.is_none() || now < server.over
        });
        if self.is_idle() || self.next_start <= now {
            let position = self.queue.pop_front()?;
            self.next_start = now + self.servers[position].patience;
            return Some(self.begin_turn(position, now));
        }
        None
    }

    /// Whether no message is sent, and none waits for this machine.
    fn is_idle(&self) -> bool {
        self.sent.is_empty() && self.servers.iter().all(|server| server.shortage.is_none())
    }

    /// Whether every server has failed. Call [`next`](Self::next) before.
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty() && self.is_idle()
    }

    /// When to call [`next`](Self::next) again, if no event comes before.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let turn = (!self.queue.is_empty()).then_some(self.next_start);
        let sent = self.sent.iter().map(|message| self.deadline(message));
        let waits = |server: &RacingServer| [server.resend, server.shortage].into_iter().flatten();
        let servers = self.servers.iter().flat_map(waits);
        turn.into_iter().chain(sent).chain(servers).min()
    }

    fn deadline(&self, message: &SentMessage) -> Instant {
        match message.tcp {
            true => message.sent_at + self.limits.timeout,
            false => self.servers[message.position].over,
        }
    }

    /// Fails the messages whose time is over.
    fn expire(&mut self, now: Instant) {
        while let Some(message) = self.sent.iter().find(|message| self.deadline(message) <= now) {
            let (position, tcp) = (message.position, message.tcp);
            let server = &self.servers[position];
            let waited = match (tcp, server.asked) {
                (false, Some(asked)) => server.over - asked,
                _ => self.limits.timeout,
            };
            self.fail(position, Trouble::TimedOut(waited), now);
        }
    }

    fn begin_turn(&mut self, position: usize, now: Instant) -> OutgoingMessage {
        self.servers[position].turns += 1;
        self.servers[position].has_resent = false;
        self.ask(position, now)
    }

    /// Asks a server once more, or for the first time.
    fn ask(&mut self, position: usize, now: Instant) -> OutgoingMessage {
        let QueryLimits { timeout, attempts, tcp } = self.limits;
        let server = &mut self.servers[position];
        server.first_tried.get_or_insert(now);
        if server.asked.is_none() {
            server.asked = Some(now);
            server.over = now + timeout * attempts;
        }
        server.tries += 1;
        server.shortage = None;
        server.detour = tcp.then_some(Detour::Always);
        // A middlebox may drop EDNS, or the server may not understand it.
        let edns = server.edns && server.tries == 1;
        server.resend = if tcp { None } else { server.next_try(timeout, now) };
        self.send(position, tcp, edns, now)
    }

    /// Sends the message that a reply requires.
    fn follow_up(&mut self, position: usize, now: Instant) -> OutgoingMessage {
        let timeout = self.limits.timeout;
        let server = &mut self.servers[position];
        let follow_up = server.follow_up.take().expect("there is one");
        server.over = server.over.max(now + timeout);
        if follow_up == (FollowUp::WithoutEdns { tcp: false }) {
            server.resend = server.next_try(timeout, now);
        }
        // The next server is asked when this message is late.
        let patience = server.patience;
        let (tcp, edns) = match follow_up {
            FollowUp::WithoutEdns { tcp } => (tcp, false),
            FollowUp::OverTcp => (true, server.edns),
        };
        self.next_start = self.next_start.max(now + patience);
        self.send(position, tcp, edns, now)
    }

    fn send(&mut self, position: usize, tcp: bool, edns: bool, now: Instant) -> OutgoingMessage {
        let id = MessageId(self.next_id);
        self.next_id += 1;
        self.sent.push(SentMessage { id, position, sent_at: now, tcp, edns, strays: 0 });
        OutgoingMessage { id, server: self.servers[position].index, tcp, edns }
    }

    /// Whether this message is sent and not over, so that its events count.
    pub(super) fn is_sent(&self, id: MessageId) -> bool {
        self.sent.iter().any(|message| message.id == id)
    }

    fn position_of(&self, id: MessageId) -> usize {
        self.sent
            .iter()
            .position(|message| message.id == id)
            .expect("an event belongs to a message that is sent")
    }

    /// Takes an event of a message that is sent.
    pub(super) fn handle(&mut self, id: MessageId, event: MessageEvent, now: Instant) {
        let index = self.position_of(id);
        let SentMessage { position, tcp, edns, .. } = self.sent[index];
        match event {
            MessageEvent::Stray(_) if tcp => {
                let what = "it belongs to another question";
                self.fail(position, Trouble::Malformed(what), now);
            }
            MessageEvent::Stray(stray) => {
                self.servers[position].strays.add(stray);
                self.sent[index].strays += 1;
                if self.sent[index].strays == MAX_STRAYS {
                    self.servers[position].detour = Some(Detour::Strays);
                    self.follow_up_with(position, FollowUp::OverTcp);
                }
            }
            MessageEvent::Truncated if tcp => {
                let what = "it is cut short, though it came over TCP";
                self.fail(position, Trouble::Malformed(what), now);
            }
            MessageEvent::Truncated => {
                self.servers[position].detour = Some(Detour::Truncated);
                self.follow_up_with(position, FollowUp::OverTcp);
            }
            MessageEvent::Failed(Trouble::Code { code, .. }) if edns && rejects_edns(code) => {
                let server = &mut self.servers[position];
                (server.edns, server.has_rejected_edns) = (false, true);
                self.follow_up_with(position, FollowUp::WithoutEdns { tcp });
            }
            MessageEvent::Failed(trouble) => self.fail(position, trouble, now),
            MessageEvent::Shortage(trouble) => {
                self.sent.remove(index);
                self.postpone(position, trouble, now);
            }
        }
    }

    /// Replaces all messages to a server by another message.
    fn follow_up_with(&mut self, position: usize, follow_up: FollowUp) {
        self.sent.retain(|message| message.position != position);
        let server = &mut self.servers[position];
        server.resend = None;
        server.shortage = None;
        server.follow_up = Some(follow_up);
    }

    /// Records that a try has failed. If the server has tries left, it gets a turn after the
    /// others.
    fn fail(&mut self, position: usize, trouble: Trouble, now: Instant) {
        self.sent.retain(|message| message.position != position);
        let server = &mut self.servers[position];
        server.resend = None;
        server.shortage = None;
        server.follow_up = None;
        server.trouble = Some(trouble);
        server.is_blameless = false;
        let has_turns = server.turns < self.limits.attempts && server.tries < MAX_TRIES;
        if has_turns && now < server.over {
            self.queue.push_back(position);
        }
        if !server.probe {
            self.next_start = now;
        }
    }

    /// Records that a message could not be sent. It does not count as a try or a fault of the
    /// server.
    fn postpone(&mut self, position: usize, trouble: Trouble, now: Instant) {
        let end = self.began + self.limits.timeout;
        let server = &mut self.servers[position];
        server.tries -= 1;
        let next = now + server.shortage_pause;
        server.shortage_pause *= 2;
        let is_waiting = self.sent.iter().any(|message| message.position == position);
        server.resend = None;
        if !is_waiting {
            // The server was not asked, so it can't be late.
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

    /// Returns the server that has answered this message.
    ///
    /// It has the round trip, if the message shows it, and what the server has shown about EDNS.
    pub(super) fn answer(&self, id: MessageId, now: Instant) -> ServerAnswer {
        let message = &self.sent[self.position_of(id)];
        let server = &self.servers[message.position];
        let edns = match (message.edns, server.edns, server.has_rejected_edns) {
            (true, ..) => Some(EdnsSupport::Known),
            (false, _, true) => Some(EdnsSupport::Rejected),
            (false, true, _) => Some(EdnsSupport::Silent),
            (false, false, false) => None,
        };
        ServerAnswer {
            server: server.index,
            round_trip: (!message.tcp && server.detour.is_none())
                .then(|| now.saturating_duration_since(message.sent_at)),
            edns,
        }
    }

    /// Returns the servers in whose place another has answered, because they failed or are late.
    pub(super) fn left_behind(
        &self,
        winner: MessageId,
        now: Instant,
    ) -> impl Iterator<Item = usize> {
        let winner = self.sent[self.position_of(winner)].position;
        let is_behind = move |position: usize, server: &RacingServer| {
            let is_late = server.asked.is_some_and(|asked| asked + server.patience <= now);
            let has_failed = server.trouble.is_some() && !server.is_blameless;
            position != winner && (has_failed || is_late && !server.is_blameless)
        };
        let servers = self.servers.iter().enumerate();
        let behind = servers.filter(move |(position, server)| is_behind(*position, server));
        behind.map(|(_, server)| server.index)
    }

    /// Returns the failure of each server that was asked, in the order of the first tries.
    pub(super) fn into_errors(self, addresses: &[SocketAddr]) -> Vec<ServerError> {
        let mut servers = self.servers;
        servers.sort_by_key(|server| server.first_tried);
        let error = |server: RacingServer| {
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

/// A server that has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerAnswer {
    pub(super) server: usize,
    pub(super) round_trip: Option<Duration>,
    /// What it has shown about EDNS, if it was asked with EDNS.
    pub(super) edns: Option<EdnsSupport>,
}

impl RacingServer {
    /// Returns when it is asked again, if it stays silent. The first time is soon, because a
    /// datagram may be lost. The next times are at the end of each timeout.
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

/// Whether a server with this answer may not support EDNS (RFC 6891 §6.1.3 and §7).
fn rejects_edns(code: u16) -> bool {
    matches!(code, code::FORMAT_ERROR | code::NOT_IMPLEMENTED | code::BAD_VERSION)
}

#[cfg(test)]
mod tests;
