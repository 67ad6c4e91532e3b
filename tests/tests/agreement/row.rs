//! A row of the table, and how it is compared.

use std::fs;
use std::io;
use std::process::Command;

use stagger_tests::{Scratch, namespace};

use super::zone::{Question, Servers};

/// A machine, and what is found on it. A file that is `None` does not exist.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// What the row is about.
    pub(crate) about: &'static str,
    pub(crate) resolv_conf: Option<&'static str>,
    pub(crate) hosts: Option<&'static str>,
    pub(crate) nsswitch_conf: Option<&'static str>,
    pub(crate) gai_conf: Option<&'static str>,
    pub(crate) host_conf: Option<&'static str>,
    /// The environment variables `LOCALDOMAIN` and `RES_OPTIONS`.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) host_name: &'static str,
    pub(crate) names: &'static [Name],
    /// Whether the servers get the same questions about the names that agree, or why not.
    pub(crate) asks_alike: Result<(), &'static str>,
}

/// A machine that asks one name server, and has no names of its own.
pub(crate) const ROW: Row = Row {
    about: "",
    resolv_conf: Some("nameserver 127.0.0.1\n"),
    hosts: Some(""),
    nsswitch_conf: Some("hosts: files dns\n"),
    gai_conf: None,
    // As Debian has it. Without it glibc finds one line of a hosts file (host.conf(5)).
    host_conf: Some("multi on\n"),
    variables: &[],
    host_name: "machine",
    names: &[],
    asks_alike: Ok(()),
};

/// A name that is looked up, and what is found.
///
/// The text is the addresses in order, `nothing` (there is no such name, or it has no address),
/// `failed` (the lookup failed) or `refused` (the text is no name).
#[derive(Clone, Copy)]
pub(crate) struct Name {
    name: &'static str,
    ours: &'static str,
    theirs: &'static str,
    verdict: Verdict,
}

/// What the table says of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Differs(&'static str),
}

/// A name for which `DnsResolver::system` finds what `getaddrinfo` finds.
pub(crate) const fn same(name: &'static str, found: &'static str) -> Name {
    Name { name, ours: found, theirs: found, verdict: Verdict::Same }
}

/// A name for which the two differ on purpose, and the reason.
pub(crate) const fn differs(
    name: &'static str,
    ours: &'static str,
    theirs: &'static str,
    why: &'static str,
) -> Name {
    Name { name, ours, theirs, verdict: Verdict::Differs(why) }
}

/// Runs the rows on the machine that this namespace is, and panics with all disagreements.
pub(crate) fn agree(rows: &[Row]) {
    let etc = namespace::etc(&[]);
    hide_modules();
    let servers = Servers::start();
    let mut faults = Vec::new();
    for row in rows {
        row.write(&etc);
        let (alike, apart): (Vec<_>, Vec<_>) =
            row.names.iter().partition(|name| name.verdict == Verdict::Same);
        let asked = row.compare(&alike, &servers, &mut faults);
        if asked.is_empty() == row.asks_alike.is_err() {
            let (about, alike) = (row.about, row.asks_alike);
            faults.push(format!("{about}: asked by one of the two: {asked:?}, and not {alike:?}"));
        }
        row.compare(&apart, &servers, &mut faults);
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Hides the modules of the name service switch that only some machines have.
fn hide_modules() {
    namespace::shell(
        "for module in /lib/*/libnss_mdns* /lib/*/libnss_my* /lib/*/libnss_resolve*; do \
            test ! -e $module || mount --bind /dev/null $module || exit 1; \
        done",
    );
}

impl Row {
    fn write(&self, etc: &Scratch) {
        for (name, text) in [
            ("resolv.conf", self.resolv_conf),
            ("hosts", self.hosts),
            ("nsswitch.conf", self.nsswitch_conf),
            ("gai.conf", self.gai_conf),
            ("host.conf", self.host_conf),
        ] {
            match text {
                Some(text) => {
                    etc.write(name, text);
                }
                None => match fs::remove_file(etc.path().join(name)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.expect("a file can be removed"),
                },
            }
        }
    }

    /// Compares what is found of these names. Returns the questions that only one of the two sent.
    fn compare(
        &self,
        names: &[&Name],
        servers: &Servers,
        faults: &mut Vec<String>,
    ) -> Vec<Question> {
        if names.is_empty() {
            return Vec::new();
        }
        let [(ours, ours_asked), (theirs, theirs_asked)] =
            ["ours", "system"].map(|way| (self.resolve(way, names), servers.asked()));
        for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
            faults.extend(name.fault(self.about, ours, theirs));
        }
        ours_asked.symmetric_difference(&theirs_asked).cloned().collect()
    }

    /// What one of the two finds of each name, in a new process.
    fn resolve(&self, way: &str, names: &[&Name]) -> Vec<Found> {
        let mut command = Command::new("unshare");
        command.args(["-u", "sh", "-c", "hostname \"$0\" && exec \"$@\"", self.host_name]);
        command.arg(env!("CARGO_BIN_EXE_resolve-as")).arg(way);
        command.args(names.iter().map(|name| name.name));
        command.env_remove("LOCALDOMAIN").env_remove("RES_OPTIONS");
        command.envs(self.variables.iter().copied());
        let output = command.output().expect("a process starts");
        assert!(output.status.success(), "{}: {output:?}", self.about);
        let text = String::from_utf8(output.stdout).expect("it is text");
        let found: Vec<_> = text.lines().map(Found::read).collect();
        assert_eq!(found.len(), names.len(), "{text}");
        found
    }
}

/// What was found of a name.
struct Found {
    /// Whether addresses of both families are in one order.
    joined: bool,
    text: String,
}

impl Found {
    fn read(line: &str) -> Self {
        let mut fields = line.split('\t').skip(1);
        let mut field = || fields.next().expect("a line has three fields");
        let (word, addresses) = (field(), field());
        let text = if addresses.is_empty() { word } else { addresses };
        Self { joined: word != "apart", text: text.to_owned() }
    }

    /// The text with the family of the first address before the other.
    fn apart(&self) -> String {
        let addresses: Vec<_> = self.text.split(' ').collect();
        let leads = addresses[0].contains(':');
        let (mut all, others): (Vec<&str>, Vec<&str>) =
            addresses.iter().partition(|address| address.contains(':') == leads);
        all.extend(others);
        all.join(" ")
    }
}

impl Name {
    /// What is not as the table says.
    fn fault(&self, about: &str, ours: &Found, theirs: &Found) -> Option<String> {
        let Self { name, .. } = self;
        let text = |found: &Found| {
            if ours.joined && theirs.joined { found.text.clone() } else { found.apart() }
        };
        let (ours, theirs) = (text(ours), text(theirs));
        let is_right = ours == self.ours && theirs == self.theirs;
        let is_honest = match self.verdict {
            Verdict::Same => true,
            Verdict::Differs(why) => !why.is_empty() && ours != theirs,
        };
        (!is_right || !is_honest).then(|| {
            format!(
                "{about}: {name}\n  ours  {ours}\n        {} in the table\n  glibc {theirs}\n        {} in the table",
                self.ours, self.theirs,
            )
        })
    }
}
