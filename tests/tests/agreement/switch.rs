//! `nsswitch.conf`.

use super::row::{Name, ROW, Row, differs, same};
use super::why::{LAST, LOCAL, MERGE, NEWLINE, SYNTAX};

const HOSTS: &str = "192.0.2.71 both.test file.test nodata.test fails.test\n";

const fn row(about: &'static str, text: &'static str, names: &'static [Name]) -> Row {
    Row { about, nsswitch_conf: Some(text), hosts: Some(HOSTS), names, ..ROW }
}

pub(crate) const ROWS: &[Row] = &[
    row(
        "files dns",
        "hosts: files dns\n",
        &[
            same("both.test", "192.0.2.71"),
            same("file.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
            same("nowhere.test", "nothing"),
            same("nodata.test", "192.0.2.71"),
            same("fails.test", "192.0.2.71"),
        ],
    ),
    row(
        "dns files",
        "hosts: dns files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
            same("nowhere.test", "nothing"),
            same("nodata.test", "192.0.2.71"),
            same("fails.test", "192.0.2.71"),
        ],
    ),
    row("files", "hosts: files\n", &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")]),
    row(
        "dns",
        "hosts: dns\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("file.test", "nothing")],
    ),
    Row {
        about: "no file",
        nsswitch_conf: None,
        hosts: Some(HOSTS),
        names: &[
            same("both.test", "192.0.2.71"),
            same("file.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
        ],
        ..ROW
    },
    row("an empty file", "", &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")]),
    row(
        "no line for hosts",
        "passwd: files\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "a line without services",
        "hosts:\n",
        &[same("both.test", "failed"), same("v4.test", "failed")],
    ),
    row(
        "two lines",
        "hosts: files\nhosts: dns\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("v4.test", "192.0.2.4"),
            same("file.test", "nothing"),
        ],
    ),
    row(
        "comments before the line",
        "# hosts: dns\n#\nhosts: files # dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "a comment in the line",
        "hosts: dns # files\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("file.test", "192.0.2.71")],
    ),
    row(
        "a comment right after a service",
        "hosts: files# dns\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "a comment before the first service",
        "hosts: # files dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "a comment in an action",
        "hosts: files [NOTFOUND=return # really\n] dns\n",
        &[differs("both.test", "192.0.2.71", "nothing", SYNTAX), same("v4.test", "nothing")],
    ),
    row(
        "spaces before the line",
        "  hosts: files\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "no spaces",
        "hosts:files dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "spaces before the colon",
        "hosts : files\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "tabs",
        "hosts:\t\tfiles\t[NOTFOUND=return]\tdns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "carriage returns",
        "hosts: dns files\r\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("file.test", "192.0.2.71")],
    ),
    row(
        "the name in upper case",
        "HOSTS: files\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "services in upper case",
        "hosts: FILES dns\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("file.test", "nothing")],
    ),
    row(
        "an action in lower case",
        "hosts: files [notfound=RETURN] dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "spaces in an action",
        "hosts: files [ NOTFOUND = return ] dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "an action right after its service",
        "hosts: files[NOTFOUND=return]dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "two actions",
        "hosts: dns [NOTFOUND=return UNAVAIL=continue] files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "nothing"),
            same("fails.test", "192.0.2.71"),
        ],
    ),
    row(
        "NOTFOUND=return",
        "hosts: files [NOTFOUND=return] dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing"), same("v6.test", "nothing")],
    ),
    row(
        "NOTFOUND=return after dns",
        "hosts: dns [NOTFOUND=return] files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "nothing"),
            same("nodata.test", "nothing"),
            same("fails.test", "192.0.2.71"),
        ],
    ),
    row(
        "!UNAVAIL=return after dns",
        "hosts: dns [!UNAVAIL=return] files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "nothing"),
            same("nodata.test", "nothing"),
            same("fails.test", "192.0.2.71"),
        ],
    ),
    row(
        "TRYAGAIN=return after dns",
        "hosts: dns [TRYAGAIN=return] files\n",
        &[same("file.test", "192.0.2.71"), same("fails.test", "192.0.2.71")],
    ),
    row(
        "SUCCESS=continue",
        "hosts: files [SUCCESS=continue] dns\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "nothing"),
            same("v4.test", "192.0.2.4"),
        ],
    ),
    row(
        "SUCCESS=merge",
        "hosts: files [SUCCESS=merge] dns\n",
        &[
            differs("both.test", "failed", "nothing", MERGE),
            differs("file.test", "failed", "nothing", MERGE),
            same("v4.test", "192.0.2.4"),
        ],
    ),
    row(
        "an unknown status",
        "hosts: files [FOO=return] dns\n",
        &[
            differs("both.test", "192.0.2.71", "nothing", SYNTAX),
            differs("v4.test", "192.0.2.4", "nothing", SYNTAX),
        ],
    ),
    row(
        "an unknown action",
        "hosts: dns [NOTFOUND=stop] files\n",
        &[
            differs("both.test", "2001:db8::10 192.0.2.10", "nothing", SYNTAX),
            differs("file.test", "192.0.2.71", "nothing", SYNTAX),
        ],
    ),
    row(
        "an action without an end",
        "hosts: files [NOTFOUND=return dns\n",
        &[differs("both.test", "192.0.2.71", "nothing", SYNTAX), same("v4.test", "nothing")],
    ),
    row(
        "an action before the services",
        "hosts: [NOTFOUND=return] dns files\n",
        &[
            differs("both.test", "2001:db8::10 192.0.2.10", "failed", SYNTAX),
            differs("file.test", "192.0.2.71", "failed", SYNTAX),
        ],
    ),
    row(
        "mdns4_minimal, as Debian with Avahi has it",
        "hosts: files mdns4_minimal [NOTFOUND=return] dns\n",
        &[
            same("both.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
            differs("printer.local", "failed", "192.0.2.50", LOCAL),
            differs("a.printer.local", "failed", "192.0.2.51", LOCAL),
            same("local", "192.0.2.52"),
        ],
    ),
    row(
        "mdns_minimal, and mdns at the end",
        "hosts: files mdns_minimal [NOTFOUND=return] dns mdns\n",
        &[same("v4.test", "192.0.2.4"), differs("printer.local", "failed", "192.0.2.50", LOCAL)],
    ),
    row(
        "resolve, as systemd has it",
        "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n",
        &[
            same("both.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
            same("printer.local", "192.0.2.50"),
        ],
    ),
    row(
        "myhostname",
        "hosts: files dns myhostname\n",
        &[
            same("machine", "192.0.2.57"),
            same("both.test", "192.0.2.71"),
            same("_gateway", "192.0.2.59"),
            differs("nowhere.test", "nothing", "failed", LAST),
        ],
    ),
    row(
        "myhostname before dns",
        "hosts: files myhostname [SUCCESS=return] dns\n",
        &[same("machine", "192.0.2.57"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "a service that is not there",
        "hosts: absent [NOTFOUND=return] dns\n",
        &[same("both.test", "2001:db8::10 192.0.2.10"), same("file.test", "nothing")],
    ),
    row(
        "a service that is not there ends the lookup",
        "hosts: absent [UNAVAIL=return] dns\n",
        &[same("both.test", "failed")],
    ),
    row(
        "a service twice",
        "hosts: files files dns dns\n",
        &[
            same("both.test", "192.0.2.71"),
            same("v4.test", "192.0.2.4"),
            same("nowhere.test", "nothing"),
        ],
    ),
    row("only a service that is not there", "hosts: absent\n", &[same("both.test", "failed")]),
    row(
        "garbage",
        "hosts files dns\nhosts = files\n:: files\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "no newline at the end, after a line that has one",
        "hosts: dns\nhosts: files",
        &[
            differs("both.test", "192.0.2.71", "2001:db8::10 192.0.2.10", NEWLINE),
            differs("v4.test", "nothing", "192.0.2.4", NEWLINE),
        ],
    ),
    row(
        "no colon",
        "hosts dns files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("v4.test", "192.0.2.4"),
            same("file.test", "192.0.2.71"),
        ],
    ),
    row(
        "a colon twice",
        "hosts: : dns:files\n",
        &[same("both.test", "failed"), same("v4.test", "failed"), same("file.test", "failed")],
    ),
    row(
        "an action that is empty",
        "hosts: files [] dns\n",
        &[
            differs("both.test", "192.0.2.71", "nothing", SYNTAX),
            differs("v4.test", "192.0.2.4", "nothing", SYNTAX),
        ],
    ),
    row(
        "an action with a space for its sign",
        "hosts: files [NOTFOUND return] dns\n",
        &[
            differs("both.test", "192.0.2.71", "nothing", SYNTAX),
            differs("v4.test", "192.0.2.4", "nothing", SYNTAX),
        ],
    ),
    row(
        "a service with a path",
        "hosts: files ../dns dns/ dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "192.0.2.4")],
    ),
    row(
        "!SUCCESS=return after files",
        "hosts: files [!SUCCESS=return] dns\n",
        &[same("both.test", "192.0.2.71"), same("v4.test", "nothing")],
    ),
    row(
        "SUCCESS=continue after dns",
        "hosts: dns [SUCCESS=continue] files\n",
        &[
            same("both.test", "192.0.2.71"),
            same("v4.test", "nothing"),
            same("file.test", "192.0.2.71"),
        ],
    ),
    row(
        "UNAVAIL=return after dns",
        "hosts: dns [UNAVAIL=return] files\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("file.test", "192.0.2.71"),
            same("fails.test", "failed"),
        ],
    ),
    Row {
        asks_alike: Err(NEWLINE),
        ..row(
            "no newline at the end",
            "hosts: dns files",
            &[
                differs("both.test", "2001:db8::10 192.0.2.10", "192.0.2.71", NEWLINE),
                same("file.test", "192.0.2.71"),
            ],
        )
    },
];
