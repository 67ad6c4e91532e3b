//! Names of services that are similar to a wrong one.

use std::fs;
use std::path::PathBuf;

/// How many similar names a message has.
const MAX_SHOWN: usize = 3;

/// The most bytes that are read of the file. Debian's has 13 KB; the bound is ours.
const MAX_FILE: usize = 1024 * 1024;

/// A TCP service of the services file: a name or an alias, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    name: String,
    port: u16,
}

/// What to write instead of a service that does not exist.
pub(crate) fn instead(name: &str) -> String {
    let similar = similar(name, &services(&file()));
    let similar: Vec<_> =
        similar.iter().map(|Service { name, port }| format!("{name} ({port})")).collect();
    match &similar[..] {
        [] => "write its port number instead".to_owned(),
        [one] => format!("did you mean {one}?"),
        [most @ .., last] => format!("did you mean {} or {last}?", most.join(", ")),
    }
}

/// The port of a TCP service in the services file.
pub(crate) fn port(name: &str) -> Option<u16> {
    let services = services(&file());
    services.into_iter().find(|service| service.name == name).map(|service| service.port)
}

/// The text of the services file, or nothing if it cannot be read: a hint is no more than a hint.
fn file() -> String {
    let path = match std::env::var_os("SystemRoot").filter(|_| cfg!(windows)) {
        Some(root) => PathBuf::from(root).join(r"System32\drivers\etc\services"),
        None => PathBuf::from("/etc/services"),
    };
    let mut bytes = fs::read(path).unwrap_or_default();
    bytes.truncate(MAX_FILE);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The TCP services of such a file (services(5)).
fn services(file: &str) -> Vec<Service> {
    let mut services = Vec::new();
    for line in file.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
        let Some(port) = port.strip_suffix("/tcp").and_then(|port| port.parse().ok()) else {
            continue;
        };
        let names = std::iter::once(name).chain(words);
        services.extend(names.map(|name| Service { name: name.to_owned(), port }));
    }
    services
}

/// The services with the most similar names, the most similar first. A name is similar if at most a
/// third of its characters must be changed. Capital letters are no difference.
fn similar(name: &str, services: &[Service]) -> Vec<Service> {
    let name = name.to_lowercase();
    let most = name.chars().count() / 3;
    let measured =
        services.iter().map(|service| (distance(&name, &service.name.to_lowercase()), service));
    let mut near: Vec<_> = measured.filter(|(distance, _)| *distance <= most).collect();
    // The sort is stable: the better known services come first in the file.
    let first = name.chars().next();
    near.sort_by_key(|(distance, service)| (*distance, service.name.chars().next() != first));
    if near.first().is_some_and(|(distance, _)| *distance == 0) {
        near.retain(|(distance, _)| *distance == 0);
    }
    let mut shown: Vec<Service> = Vec::new();
    for (_, service) in near {
        if shown.len() < MAX_SHOWN && !shown.contains(service) {
            shown.push(service.clone());
        }
    }
    shown
}

/// How many characters must be added, removed, replaced, or swapped with their neighbour (optimal
/// string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<_>, Vec<_>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let differs = usize::from(from[i - 1] != to[j - 1]);
            let mut least = rows[i - 1][j - 1] + differs;
            least = least.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# a comment\n\
        ftp 21/tcp\n\
        ssh\t\t22/tcp\t# of a line\n\
        domain 53/tcp\n\
        domain 53/udp\n\
        http 80/tcp www www-http\n\
        ntp 123/udp\n\
        https 443/tcp\n\
        broken\n\
        worse 70000/tcp\n";

    fn names(name: &str) -> Vec<String> {
        let similar = similar(name, &services(FILE));
        similar.into_iter().map(|Service { name, port }| format!("{name}={port}")).collect()
    }

    #[test]
    fn the_tcp_services_of_a_file_are_read_with_their_aliases() {
        let read: Vec<_> =
            services(FILE).into_iter().map(|Service { name, port }| (name, port)).collect();
        let expected = [
            ("ftp", 21),
            ("ssh", 22),
            ("domain", 53),
            ("http", 80),
            ("www", 80),
            ("www-http", 80),
            ("https", 443),
        ];
        assert_eq!(read, expected.map(|(name, port)| (name.to_owned(), port)));
    }

    #[test]
    fn similar_names_are_found_the_most_similar_first() {
        for (name, similar) in [
            ("htps", &["https=443"][..]),
            ("htpt", &["http=80"]),
            ("htp", &["http=80", "ftp=21"]),
            ("HTTPS", &["https=443"]),
            ("httpss", &["https=443", "http=80"]),
            ("shs", &["ssh=22"]),
            ("w", &[]),
            ("ntp", &["ftp=21"]),
            ("nosuchsvc", &[]),
        ] {
            assert_eq!(names(name), similar, "{name}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_change() {
        for (from, to, expected) in
            [("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("abc", "ca", 3), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }
}
