//! The races of the demo: their set-up, the result that they must have, and its description. One
//! file past 400 lines: it is a list, and each entry has its own check.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stagger::report::{AttemptReport, QueryReport};
use stagger::resolve::Record;
use stagger::target::TargetError;
use stagger::{Policy, Report, Target};

use super::script::Line;
use super::source::{AnswerSource, Late};
use super::stage::{Behaviour, loopback};
use crate::picture::spelled;
use crate::race::{Race, attempt_error};
use crate::tls;

/// The name that the demo connects to. It is reserved (RFC 6761 §6.2), and only the demo's own name
/// servers are asked for it.
pub(super) const HOST: &str = "demo.test";

/// The name and the port of the target behind the proxy, whose addresses are those of a scene. The
/// proxy has its own table of names, and the port does not matter there.
const BEHIND: (&str, u16) = (HOST, 80);
const PROXY: &str = "proxy.test";

/// When the A query of a scene is answered, and the AAAA query after it.
const A_AFTER: Duration = Duration::from_millis(20);
const AAAA_AFTER: Duration = Duration::from_millis(60);

/// The records that the name servers answer late. No race waits for so long.
const LATE_AAAA: Late = Late { record: Record::Aaaa, by: Duration::from_secs(1) };
const LATE_A: Late = Late { record: Record::A, by: Duration::from_secs(5) };

/// One race of the demo.
pub(crate) struct Scene {
    pub(crate) heading: &'static str,
    /// The addresses, in the resolver's order.
    pub(crate) spots: Vec<(IpAddr, Behaviour)>,
    pub(crate) answers: Answers,
    /// Checks the race, and describes it in a sentence.
    ///
    /// Its error says how the race differed from what it should have been.
    pub(crate) judge: fn(&Race) -> Result<String, String>,
}

/// How the addresses of a scene become known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// All together and at once, as `getaddrinfo` answers.
    Together,
    /// The A query first, the AAAA query later.
    Trickling,
    /// The A query, and the AAAA query never.
    WithoutAaaa,
    /// From a name server, over UDP.
    OverDns(Late),
}

impl Scene {
    /// The target at this port, and the proxy that leads to it, if there is one. Then the port is
    /// that of the proxy.
    ///
    /// # Errors
    ///
    /// There is no such target.
    pub(crate) fn way(&self, port: u16) -> Result<(Target, Option<Target>), TargetError> {
        match self.is_proxied() {
            true => Ok((Target::try_from(BEHIND)?, Some(Target::try_from((PROXY, port))?))),
            false => Ok((Target::try_from((HOST, port))?, None)),
        }
    }

    /// The set-up, in a sentence or two. The target is the one whose addresses are raced.
    pub(crate) fn setting(&self, target: &Target, source: &AnswerSource) -> String {
        let spots = self.spots.iter();
        let spots: Vec<_> = spots.map(|(ip, behaviour)| format!("{ip} ({behaviour})")).collect();
        let spots = match self.answers {
            Answers::Together => spots.join(", then "),
            _ => spots.join(" and "),
        };
        match source {
            AnswerSource::Script(_) if self.is_proxied() => {
                let (host, port) = BEHIND;
                format!("{target} is {spots}, which knows the address of {host}:{port}.")
            }
            AnswerSource::Script(_) => format!("{target} is {spots}."),
            AnswerSource::Server { server, late } => {
                let server = server.addr();
                format!("{target} is {spots}. The name server {server} answers {late}.")
            }
        }
    }

    /// The source of the answers, for addresses with this port.
    ///
    /// # Errors
    ///
    /// The name server cannot be started.
    pub(crate) fn source(&self, port: u16) -> io::Result<AnswerSource> {
        let of = |wanted: fn(&IpAddr) -> bool| {
            let ips = self.spots.iter().map(|(ip, _)| *ip);
            ips.filter(wanted).collect::<Vec<_>>()
        };
        let finds = |after, record, ips: Vec<IpAddr>| {
            let addrs = ips.into_iter().map(|ip| SocketAddr::new(ip, port));
            Line::Finds(after, record, addrs.collect())
        };
        let a = || finds(A_AFTER, Record::A, of(IpAddr::is_ipv4));
        let aaaa = || finds(AAAA_AFTER, Record::Aaaa, of(IpAddr::is_ipv6));
        let lines = match self.answers {
            Answers::Together => vec![finds(Duration::ZERO, Record::Addresses, of(|_| true))],
            Answers::Trickling => vec![a(), aaaa()],
            Answers::WithoutAaaa => vec![a(), Line::Hangs],
            Answers::OverDns(late) => return AnswerSource::server(HOST, &of(|_| true), late),
        };
        Ok(AnswerSource::Script(lines))
    }

    /// Whether it connects over TLS.
    pub(crate) fn over_tls(&self) -> bool {
        self.spots.iter().any(|(_, behaviour)| *behaviour == Behaviour::HasTls)
    }

    /// Whether its addresses are those of a proxy.
    pub(crate) fn is_proxied(&self) -> bool {
        self.spots.iter().any(|(_, behaviour)| *behaviour == Behaviour::IsProxy)
    }

    fn needs_ipv6(&self) -> bool {
        match self.answers {
            Answers::Trickling => true,
            Answers::OverDns(late) => late.record == Record::A,
            Answers::Together | Answers::WithoutAaaa => false,
        }
    }
}

/// Every race; `ipv6` is the IPv6 loopback address, if there is one.
pub(crate) fn scenes(ipv6: Option<IpAddr>) -> Vec<Scene> {
    use Behaviour::{Accepts, HasTls, IsProxy, Refuses, Silent, Stalls};

    let first = ipv6.unwrap_or(loopback(2));
    let second = loopback(1);
    let scene = |heading, answers, spots: &[_], judge| Scene {
        heading,
        spots: spots.to_vec(),
        answers,
        judge,
    };
    let over_dns: Vec<_> = ipv6.into_iter().chain([second]).map(|ip| (ip, Accepts)).collect();
    let mut scenes = vec![
        scene("All is well", Answers::Together, &[(first, Accepts), (second, Accepts)], healthy),
        scene(
            "The first address is silent",
            Answers::Together,
            &[(first, Silent), (second, Accepts)],
            first_silent,
        ),
        scene(
            "The first address accepts, and then stalls in TLS",
            Answers::Together,
            &[(first, Stalls), (second, HasTls)],
            first_stalled,
        ),
        scene(
            "The first address of a proxy is silent",
            Answers::Together,
            &[(first, Silent), (second, IsProxy)],
            proxy_silent,
        ),
        scene(
            "The first address refuses",
            Answers::Together,
            &[(first, Refuses), (second, Accepts)],
            first_refused,
        ),
        scene(
            "The answers trickle in: A first, AAAA soon after",
            Answers::Trickling,
            &[(first, Accepts), (second, Accepts)],
            trickling,
        ),
        scene(
            "The answers trickle in: A, but never AAAA",
            Answers::WithoutAaaa,
            &[(second, Accepts)],
            without_aaaa,
        ),
        scene("Over DNS: AAAA is slow", Answers::OverDns(LATE_AAAA), &over_dns, aaaa_late),
        scene("Over DNS: A is slow", Answers::OverDns(LATE_A), &over_dns, a_late),
        scene(
            "Every address refuses",
            Answers::Together,
            &[(first, Refuses), (second, Refuses), (loopback(3), Refuses)],
            all_refused,
        ),
    ];
    if ipv6.is_none() {
        scenes.retain(|scene| !scene.needs_ipv6());
    }
    if !tls::PRESENT {
        scenes.retain(|scene| !scene.over_tls());
    }
    scenes
}

fn healthy(race: &Race) -> Result<String, String> {
    let first = attempt(&race.report, 0, "connected")?;
    Ok(format!(
        "{} was tried first and won in {}; {} was never tried.",
        first.address,
        spelled(race.report.elapsed()),
        race.report.untried().join(", "),
    ))
}

fn first_silent(race: &Race) -> Result<String, String> {
    let first = attempt(&race.report, 0, "dropped")?;
    let second = attempt(&race.report, 1, "connected")?;
    let gap = second.started.saturating_sub(first.started);
    if gap < Policy::ATTEMPT_DELAY {
        return Err(format!("the second attempt started only {} after the first", spelled(gap)));
    }
    Ok(format!(
        "{} was silent; {} was tried {} after it and won in {}.",
        first.address,
        second.address,
        spelled(gap),
        spelled(race.report.elapsed()),
    ))
}

fn first_stalled(race: &Race) -> Result<String, String> {
    let first = attempt(&race.report, 0, "dropped")?;
    let second = attempt(&race.report, 1, "connected")?;
    let Some(up) = first.progressed else {
        return Err(format!("{} did not accept", first.address));
    };
    let gap = second.started.saturating_sub(first.started);
    if gap < Policy::ATTEMPT_DELAY {
        return Err(format!("the second attempt started only {} after the first", spelled(gap)));
    }
    Ok(format!(
        "{} accepted after {} and then stalled in TLS; {} was tried {} after it and won in {}. \
         TLS after the race would still wait for {}.",
        first.address,
        spelled(up.saturating_sub(first.started)),
        second.address,
        spelled(gap),
        spelled(race.report.elapsed()),
        first.address,
    ))
}

fn proxy_silent(race: &Race) -> Result<String, String> {
    let through = attempt(&race.report, 0, "connected")?;
    let [inner] = &through.children[..] else {
        return Err(format!("{} races to the proxy were seen", through.children.len()));
    };
    let first = attempt(inner, 0, "dropped")?;
    let second = attempt(inner, 1, "connected")?;
    let gap = second.started.saturating_sub(first.started);
    if gap < Policy::ATTEMPT_DELAY {
        return Err(format!("the second attempt started only {} after the first", spelled(gap)));
    }
    Ok(format!(
        "The proxy was silent at {}; it was tried at {} {} later, and had connected to {} after {}.",
        first.address,
        second.address,
        spelled(gap),
        through.address,
        spelled(race.report.elapsed()),
    ))
}

fn first_refused(race: &Race) -> Result<String, String> {
    let first = attempt(&race.report, 0, "failed")?;
    let second = attempt(&race.report, 1, "connected")?;
    let gap = second.started.saturating_sub(first.ended);
    if gap > Duration::ZERO {
        return Err(format!("the second attempt started {} after the failure", spelled(gap)));
    }
    Ok(format!(
        "{} refused after {}; {} was tried at once, without the {} wait, and won in {}.",
        first.address,
        spelled(first.ended.saturating_sub(first.started)),
        second.address,
        spelled(Policy::ATTEMPT_DELAY),
        spelled(race.report.elapsed()),
    ))
}

fn trickling(race: &Race) -> Result<String, String> {
    let a = query(race, 0, Record::A)?;
    let aaaa = query(race, 1, Record::Aaaa)?;
    let first = attempt(&race.report, 0, "connected")?;
    let (Some(known), Some(complete)) = (a.ended, aaaa.ended) else {
        return Err("a query was not answered".to_owned());
    };
    if !aaaa.addresses.contains(&first.address) {
        return Err(format!("{} was tried before AAAA's address", first.address));
    }
    if first.started > complete {
        let late = spelled(first.started.saturating_sub(complete));
        return Err(format!("the first attempt started {late} after both answers"));
    }
    Ok(format!(
        "A was known after {} and waited for AAAA, which came {} later; so {} was tried first \
         and won.",
        spelled(known),
        spelled(complete.saturating_sub(known)),
        first.address,
    ))
}

fn without_aaaa(race: &Race) -> Result<String, String> {
    let (waited, first) = waited_for_aaaa(race)?;
    Ok(format!(
        "A waited {} for AAAA, which never came; then {} was tried and won.",
        spelled(waited),
        first.address,
    ))
}

fn aaaa_late(race: &Race) -> Result<String, String> {
    let (waited, first) = waited_for_aaaa(race)?;
    Ok(format!(
        "A waited {} for AAAA, which had not come yet; then {} was tried and won in {}.",
        spelled(waited),
        first.address,
        spelled(race.report.elapsed()),
    ))
}

/// How long A waited for the missing AAAA, and the attempt that then won.
fn waited_for_aaaa(race: &Race) -> Result<(Duration, &AttemptReport<String>), String> {
    let (known, first) = won_by_one(race, Record::A, Record::Aaaa)?;
    let waited = first.started.saturating_sub(known);
    if waited < Policy::RESOLUTION_DELAY {
        return Err(format!("A waited for AAAA only {}", spelled(waited)));
    }
    Ok((waited, first))
}

fn a_late(race: &Race) -> Result<String, String> {
    let (known, first) = won_by_one(race, Record::Aaaa, Record::A)?;
    let late = first.started.saturating_sub(known);
    if late > Duration::ZERO {
        return Err(format!("the first attempt started {} after AAAA", spelled(late)));
    }
    Ok(format!(
        "{} was tried as soon as AAAA was known, without waiting for A, which had not come yet, \
         and won in {}.",
        first.address,
        spelled(race.report.elapsed()),
    ))
}

/// When the query of one record was answered, and the first attempt. It must have won at an
/// address of that record, without an answer for the other.
fn won_by_one(
    race: &Race,
    prompt: Record,
    awaited: Record,
) -> Result<(Duration, &AttemptReport<String>), String> {
    let known = query(race, 0, prompt)?;
    if query(race, 1, awaited)?.ended.is_some() {
        return Err(format!("{awaited} was answered"));
    }
    let first = attempt(&race.report, 0, "connected")?;
    match known.ended {
        Some(ended) if known.addresses.contains(&first.address) => Ok((ended, first)),
        _ => Err(format!("{} is not in the answer for {prompt}", first.address)),
    }
}

fn all_refused(race: &Race) -> Result<String, String> {
    let Some(error) = &race.error else {
        return Err("the race connected".to_owned());
    };
    for index in 0..3 {
        attempt(&race.report, index, "failed")?;
    }
    let last = race.report.attempts().last().map(|attempt| attempt.ended);
    let late = race.report.elapsed().saturating_sub(last.unwrap_or_default());
    if late > Duration::ZERO {
        return Err(format!("the error came {} after the last failure", spelled(late)));
    }
    Ok(format!(
        "All {} refused. The connect failed with the last of them, after {}: \"{error}\".",
        race.report.attempts().len(),
        spelled(race.report.elapsed()),
    ))
}

/// The attempt with this index in the order of starts. It must have this outcome, a word of
/// [`AttemptOutcome::as_str`](stagger::report::AttemptOutcome::as_str).
fn attempt<'a>(
    report: &'a Report<String>,
    index: usize,
    outcome: &str,
) -> Result<&'a AttemptReport<String>, String> {
    let Some(attempt) = report.attempts().get(index) else {
        return Err(format!("there were only {index} attempts"));
    };
    if attempt.outcome.as_str() == outcome {
        return Ok(attempt);
    }
    let error = attempt_error(attempt).map(|error| format!(" ({error})")).unwrap_or_default();
    Err(format!(
        "the attempt at {} ended as {} instead of {outcome}{error}",
        attempt.address,
        attempt.outcome.as_str(),
    ))
}

/// The query with this index in the order of answers. It must be for this record.
fn query(race: &Race, index: usize, record: Record) -> Result<&QueryReport<String>, String> {
    match race.report.queries().get(index) {
        Some(query) if query.record == record => Ok(query),
        Some(query) => Err(format!("the answer was for {}, not for {record}", query.record)),
        None => Err(format!("there was no query for {record}")),
    }
}

#[cfg(test)]
mod tests;
