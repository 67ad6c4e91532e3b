//! `gai.conf`, and the order of addresses. Long because it is a table.

use super::row::{Name, ROW, Row, differs, same};
use super::why::{NO_IPV4, NO_IPV6, TIE};

/// What is found with the default tables.
const DEFAULT: &[Name] = &[
    same("both.test", "2001:db8::10 192.0.2.10"),
    same("on-net.test", "192.0.2.8 192.0.2.60 198.51.100.1"),
    same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1"),
    same(
        "many6.test",
        "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8::8 2001:db8::ffff 2001:db8:0:1::1 2001:db8:ffff::1"),
    same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
    same("ula.test", "fd00:7::10 192.0.2.10"),
    same("far-ula.test", "fd00:9::10 192.0.2.10"),
    same("six-to-four.test", "192.0.2.10 2002:c000:201::1"),
    same("teredo.test", "192.0.2.10 2001::1"),
    same("private.test", "2001:db8::10 10.1.2.3"),
    same("scopes.test", "192.0.2.10 10.1.2.3 169.254.7.7"),
    same("compatible.test", "192.0.2.10 ::c000:201"),
    same("site.test", "192.0.2.10 fec0::1"),
    same("nowhere6.test", "3ffe::1 192.0.2.10"),
    same("zero.test", "0.0.0.0 ::"),
];

/// What is found where IPv4 is preferred.
const IPV4_FIRST: &[Name] = &[
    same("both.test", "192.0.2.10 2001:db8::10"),
    same("on-net.test", "192.0.2.8 192.0.2.60 198.51.100.1"),
    same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1"),
    same(
        "many6.test",
        "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8::8 2001:db8::ffff 2001:db8:0:1::1 2001:db8:ffff::1"),
    same("mixed.test", "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1"),
    same("ula.test", "192.0.2.10 fd00:7::10"),
    same("far-ula.test", "192.0.2.10 fd00:9::10"),
    same("six-to-four.test", "192.0.2.10 2002:c000:201::1"),
    same("teredo.test", "192.0.2.10 2001::1"),
    same("private.test", "10.1.2.3 2001:db8::10"),
    same("scopes.test", "192.0.2.10 10.1.2.3 169.254.7.7"),
    same("compatible.test", "192.0.2.10 ::c000:201"),
    same("site.test", "192.0.2.10 fec0::1"),
    same("nowhere6.test", "192.0.2.10 3ffe::1"),
    same("zero.test", "0.0.0.0 ::"),
];

/// What is found with the default tables.
const DEFAULT_LOCAL: &[Name] = &[
    same("both.test", "192.0.2.10 2001:db8::10"),
    same("on-net.test", "198.51.100.1 192.0.2.60 192.0.2.8"),
    same("many4.test", "127.0.0.9 10.1.2.3 198.51.100.1 203.0.113.9 169.254.1.1"),
    same(
        "many6.test",
        "::1 fd00:7::20 fd00:9::1 2001:db8:1::1 2001:db8::20 2001::1 64:ff9b::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8:ffff::1 2001:db8:0:1::1 2001:db8::ffff 2001:db8::8"),
    same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
    same("ula.test", "fd00:7::10 192.0.2.10"),
    same("far-ula.test", "fd00:9::10 192.0.2.10"),
    same("six-to-four.test", "192.0.2.10 2002:c000:201::1"),
    same("teredo.test", "192.0.2.10 2001::1"),
    same("private.test", "10.1.2.3 2001:db8::10"),
    same("scopes.test", "10.1.2.3 192.0.2.10 169.254.7.7"),
    same("compatible.test", "192.0.2.10 ::c000:201"),
    same("site.test", "192.0.2.10 fec0::1"),
    same("nowhere6.test", "192.0.2.10 3ffe::1"),
    same("zero.test", "0.0.0.0 ::"),
];

/// What is found with the default tables.
const DEFAULT_DEPRECATED: &[Name] = &[
    same("both.test", "192.0.2.10 2001:db8::10"),
    same("on-net.test", "192.0.2.8 192.0.2.60 198.51.100.1"),
    same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1"),
    same(
        "many6.test",
        "::1 2001:db8::20 2001:db8:1::1 64:ff9b::1 2001::1 fd00:7::20 fd00:9::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8::8 2001:db8::ffff 2001:db8:0:1::1 2001:db8:ffff::1"),
    same("mixed.test", "192.0.2.10 198.51.100.1 2001:db8::10 fd00:7::10 2002:c000:201::1"),
    same("ula.test", "192.0.2.10 fd00:7::10"),
    same("far-ula.test", "192.0.2.10 fd00:9::10"),
    same("six-to-four.test", "192.0.2.10 2002:c000:201::1"),
    same("teredo.test", "192.0.2.10 2001::1"),
    same("private.test", "10.1.2.3 2001:db8::10"),
    same("scopes.test", "192.0.2.10 10.1.2.3 169.254.7.7"),
    same("compatible.test", "192.0.2.10 ::c000:201"),
    same("site.test", "192.0.2.10 fec0::1"),
    same("nowhere6.test", "192.0.2.10 3ffe::1"),
    same("zero.test", "0.0.0.0 ::"),
];

/// What is found with the default tables.
const DEFAULT_IPV4: &[Name] = &[
    differs("both.test", "192.0.2.10", "192.0.2.10 2001:db8::10", NO_IPV6),
    differs(
        "on-net.test",
        "192.0.2.8 192.0.2.60 198.51.100.1",
        "198.51.100.1 192.0.2.60 192.0.2.8",
        NO_IPV6,
    ),
    same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 10.1.2.3 169.254.1.1"),
    differs(
        "many6.test",
        "nothing",
        "::1 2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2001::1 64:ff9b::1 2002:c000:201::1",
        NO_IPV6,
    ),
    differs(
        "prefix.test",
        "nothing",
        "2001:db8:ffff::1 2001:db8:0:1::1 2001:db8::ffff 2001:db8::8",
        NO_IPV6,
    ),
    differs(
        "mixed.test",
        "192.0.2.10 198.51.100.1",
        "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1",
        NO_IPV6,
    ),
    differs("ula.test", "192.0.2.10", "192.0.2.10 fd00:7::10", NO_IPV6),
    differs("far-ula.test", "192.0.2.10", "192.0.2.10 fd00:9::10", NO_IPV6),
    differs("six-to-four.test", "192.0.2.10", "192.0.2.10 2002:c000:201::1", NO_IPV6),
    differs("teredo.test", "192.0.2.10", "192.0.2.10 2001::1", NO_IPV6),
    differs("private.test", "10.1.2.3", "10.1.2.3 2001:db8::10", NO_IPV6),
    differs(
        "scopes.test",
        "192.0.2.10 10.1.2.3 169.254.7.7",
        "10.1.2.3 192.0.2.10 169.254.7.7",
        NO_IPV6,
    ),
    differs("compatible.test", "192.0.2.10", "192.0.2.10 ::c000:201", NO_IPV6),
    differs("site.test", "192.0.2.10", "192.0.2.10 fec0::1", NO_IPV6),
    differs("nowhere6.test", "192.0.2.10", "192.0.2.10 3ffe::1", NO_IPV6),
    differs("zero.test", "0.0.0.0", "0.0.0.0 ::", NO_IPV6),
];

/// What is found with the default tables.
const DEFAULT_IPV6: &[Name] = &[
    differs("both.test", "2001:db8::10", "2001:db8::10 192.0.2.10", NO_IPV4),
    differs("on-net.test", "nothing", "198.51.100.1 192.0.2.60 192.0.2.8", NO_IPV4),
    differs(
        "many4.test",
        "nothing",
        "127.0.0.9 169.254.1.1 198.51.100.1 203.0.113.9 10.1.2.3",
        NO_IPV4,
    ),
    same(
        "many6.test",
        "::1 2001:db8::20 2001:db8:1::1 64:ff9b::1 2001::1 fd00:7::20 fd00:9::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8::8 2001:db8::ffff 2001:db8:0:1::1 2001:db8:ffff::1"),
    differs(
        "mixed.test",
        "2001:db8::10 fd00:7::10 2002:c000:201::1",
        "2001:db8::10 fd00:7::10 2002:c000:201::1 192.0.2.10 198.51.100.1",
        NO_IPV4,
    ),
    differs("ula.test", "fd00:7::10", "fd00:7::10 192.0.2.10", NO_IPV4),
    differs("far-ula.test", "fd00:9::10", "fd00:9::10 192.0.2.10", NO_IPV4),
    differs("six-to-four.test", "2002:c000:201::1", "2002:c000:201::1 192.0.2.10", NO_IPV4),
    differs("teredo.test", "2001::1", "2001::1 192.0.2.10", NO_IPV4),
    differs("private.test", "2001:db8::10", "2001:db8::10 10.1.2.3", NO_IPV4),
    differs("scopes.test", "nothing", "169.254.7.7 10.1.2.3 192.0.2.10", NO_IPV4),
    differs("compatible.test", "::c000:201", "::c000:201 192.0.2.10", NO_IPV4),
    differs("site.test", "fec0::1", "fec0::1 192.0.2.10", NO_IPV4),
    differs("nowhere6.test", "3ffe::1", "3ffe::1 192.0.2.10", NO_IPV4),
    differs("zero.test", "::", "0.0.0.0 ::", NO_IPV4),
];

/// What is found with the default tables.
const DEFAULT_NOWHERE: &[Name] = &[
    same("both.test", "2001:db8::10 192.0.2.10"),
    same("on-net.test", "198.51.100.1 192.0.2.60 192.0.2.8"),
    same("many4.test", "127.0.0.9 169.254.1.1 198.51.100.1 203.0.113.9 10.1.2.3"),
    same(
        "many6.test",
        "::1 2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2001::1 64:ff9b::1 2002:c000:201::1",
    ),
    same("prefix.test", "2001:db8:ffff::1 2001:db8:0:1::1 2001:db8::ffff 2001:db8::8"),
    same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
    same("ula.test", "fd00:7::10 192.0.2.10"),
    same("far-ula.test", "fd00:9::10 192.0.2.10"),
    same("six-to-four.test", "2002:c000:201::1 192.0.2.10"),
    same("teredo.test", "2001::1 192.0.2.10"),
    same("private.test", "2001:db8::10 10.1.2.3"),
    same("scopes.test", "169.254.7.7 10.1.2.3 192.0.2.10"),
    same("compatible.test", "::c000:201 192.0.2.10"),
    same("site.test", "fec0::1 192.0.2.10"),
    same("nowhere6.test", "3ffe::1 192.0.2.10"),
    same("zero.test", "0.0.0.0 ::"),
];

const fn row(about: &'static str, text: &'static str, names: &'static [Name]) -> Row {
    Row { about, gai_conf: Some(text), names, ..ROW }
}

pub(crate) const ROWS: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT, ..ROW },
    row("an empty gai.conf", "", DEFAULT),
    row("IPv4 first", "precedence ::ffff:0:0/96 100\n", IPV4_FIRST),
    row(
        "IPv4 first, as Debian's file has it",
        "#precedence  ::1/128       50\n#precedence  ::/0          40\n#\nprecedence ::ffff:0:0/96  100\n",
        IPV4_FIRST,
    ),
    row(
        "the whole default table, with IPv4 first",
        "precedence ::1/128 50\nprecedence ::/0 40\nprecedence 2002::/16 30\nprecedence ::/96 20\nprecedence ::ffff:0:0/96 100\n",
        IPV4_FIRST,
    ),
    row(
        "the table of RFC 6724",
        "precedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\nprecedence 2002::/16 30\nprecedence 2001::/32 5\nprecedence fc00::/7 3\nprecedence ::/96 1\nprecedence fec0::/10 1\nprecedence 3ffe::/16 1\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "::1 2001:db8::20 2001:db8:1::1 64:ff9b::1 fd00:7::20 fd00:9::1 2002:c000:201::1 2001::1",
            ),
            same("mixed.test", "2001:db8::10 fd00:7::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("ula.test", "192.0.2.10 fd00:7::10"),
            same("far-ula.test", "192.0.2.10 fd00:9::10"),
            same("nowhere6.test", "192.0.2.10 3ffe::1"),
        ],
    ),
    row(
        "a ULA is preferred",
        "precedence fd00:7::/48 100\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "fd00:7::20 ::1 2001:db8::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
        ],
    ),
    row(
        "one network of IPv4 is preferred",
        "precedence ::ffff:198.51.100.0/120 100\n",
        &[
            differs("both.test", "2001:db8::10 192.0.2.10", "192.0.2.10 2001:db8::10", TIE),
            same("on-net.test", "198.51.100.1 192.0.2.8 192.0.2.60"),
            same("many4.test", "198.51.100.1 127.0.0.9 203.0.113.9 10.1.2.3 169.254.1.1"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
            ),
            same("mixed.test", "198.51.100.1 192.0.2.10 fd00:7::10 2001:db8::10 2002:c000:201::1"),
            differs("ula.test", "fd00:7::10 192.0.2.10", "192.0.2.10 fd00:7::10", TIE),
            differs("far-ula.test", "fd00:9::10 192.0.2.10", "192.0.2.10 fd00:9::10", TIE),
            differs("private.test", "2001:db8::10 10.1.2.3", "10.1.2.3 2001:db8::10", TIE),
            differs("nowhere6.test", "3ffe::1 192.0.2.10", "192.0.2.10 3ffe::1", TIE),
        ],
    ),
    row("a prefix of IPv4 in its own form", "precedence 198.51.100.0/24 100\n", DEFAULT),
    row(
        "labels",
        "label ::1/128 0\nlabel ::/0 1\nlabel 2002::/16 2\nlabel ::/96 3\nlabel ::ffff:0:0/96 4\nlabel fd00:7::/48 1\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 2001::1 64:ff9b::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("teredo.test", "2001::1 192.0.2.10"),
        ],
    ),
    row(
        "one label",
        "label 2001:db8::/32 9\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 2001::1 64:ff9b::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("nowhere6.test", "192.0.2.10 3ffe::1"),
            same("zero.test", ":: 0.0.0.0"),
        ],
    ),
    row(
        "IPv4 and IPv6 have one label",
        "label ::/0 1\nlabel ::ffff:0:0/96 1\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 2001::1 64:ff9b::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("six-to-four.test", "2002:c000:201::1 192.0.2.10"),
            same("teredo.test", "2001::1 192.0.2.10"),
            same("compatible.test", "::c000:201 192.0.2.10"),
            same("zero.test", ":: 0.0.0.0"),
        ],
    ),
    row(
        "scopev4: private networks are global by default",
        "scopev4 ::ffff:169.254.0.0/112 2\nscopev4 ::ffff:127.0.0.0/104 2\nscopev4 ::ffff:0.0.0.0/96 14\n",
        DEFAULT,
    ),
    row(
        "scopev4: private networks are site-local",
        "scopev4 ::ffff:169.254.0.0/112 2\nscopev4 ::ffff:127.0.0.0/104 2\nscopev4 ::ffff:10.0.0.0/104 5\nscopev4 ::ffff:172.16.0.0/108 5\nscopev4 ::ffff:192.168.0.0/112 5\nscopev4 ::ffff:0.0.0.0/96 14\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 169.254.1.1 10.1.2.3"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("scopes.test", "192.0.2.10 169.254.7.7 10.1.2.3"),
        ],
    ),
    row(
        "scopev4: a network is site-local, in the form of IPv4",
        "scopev4 198.51.100.0/24 5\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("many4.test", "127.0.0.9 203.0.113.9 10.1.2.3 169.254.1.1 198.51.100.1"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
        ],
    ),
    row(
        "scopev4 of one network alone",
        "scopev4 ::ffff:10.0.0.0/104 5\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("many4.test", "127.0.0.9 198.51.100.1 203.0.113.9 169.254.1.1 10.1.2.3"),
            same(
                "many6.test",
                "::1 2001:db8::20 fd00:7::20 2001:db8:1::1 fd00:9::1 64:ff9b::1 2001::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("scopes.test", "192.0.2.10 169.254.7.7 10.1.2.3"),
        ],
    ),
    row("reload yes", "reload yes\nprecedence ::ffff:0:0/96 100\n", IPV4_FIRST),
    row("reload no, at the end", "precedence ::ffff:0:0/96 100\nreload no\n", IPV4_FIRST),
    row(
        "comments in odd places",
        "# IPv4 first\n  # really\nprecedence ::ffff:0:0/96 100 # yes\n#precedence ::/0 200\n",
        IPV4_FIRST,
    ),
    row("a comment within a line", "precedence ::ffff:0:0/96 # 100\n", DEFAULT),
    row("a comment right after the value", "precedence ::ffff:0:0/96 100#yes\n", IPV4_FIRST),
    row(
        "spaces, tabs and carriage returns",
        "\t precedence\t::ffff:0:0/96 \t 100 \t\r\n",
        IPV4_FIRST,
    ),
    row("keywords in upper case", "PRECEDENCE ::ffff:0:0/96 100\n", DEFAULT),
    row("an unknown keyword", "prefer ::ffff:0:0/96 100\nprecedence\nprecedence x y\n", DEFAULT),
    row("a precedence that is no number", "precedence ::ffff:0:0/96 high\n", DEFAULT),
    row("a precedence with a tail", "precedence ::ffff:0:0/96 100x\n", DEFAULT),
    row("a negative precedence", "precedence ::ffff:0:0/96 -1\n", DEFAULT),
    row("a large precedence", "precedence ::ffff:0:0/96 4294967296\n", DEFAULT),
    row(
        "a precedence above a byte",
        "precedence ::/0 40\nprecedence ::ffff:0:0/96 300\n",
        IPV4_FIRST,
    ),
    row("a length that is too long", "precedence ::ffff:0:0/129 100\n", DEFAULT),
    row("a hexadecimal value", "precedence ::ffff:0:0/0x60 0x64\n", DEFAULT),
    row(
        "the same prefix twice",
        "precedence ::ffff:0:0/96 100\nprecedence ::ffff:0:0/96 10\n",
        IPV4_FIRST,
    ),
    row("bits below the prefix", "precedence ::ffff:1.2.3.4/96 100\n", IPV4_FIRST),
    row("words after the value", "precedence ::ffff:0:0/96 100 200 300\n", IPV4_FIRST),
    row("no newline at the end", "precedence ::ffff:0:0/96 100", IPV4_FIRST),
    row("garbage", "<html>\n\u{1}\u{2}\nprecedence\u{a0}::ffff:0:0/96 100\n", DEFAULT),
];

pub(crate) const LOCAL: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT_LOCAL, ..ROW },
    row(
        "IPv4 first",
        "precedence ::ffff:0:0/96 100\n",
        &[
            same("both.test", "192.0.2.10 2001:db8::10"),
            same(
                "many6.test",
                "::1 fd00:7::20 fd00:9::1 2001:db8:1::1 2001:db8::20 2002:c000:201::1 2001::1 64:ff9b::1",
            ),
            same("mixed.test", "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1"),
            same("ula.test", "192.0.2.10 fd00:7::10"),
            same("far-ula.test", "192.0.2.10 fd00:9::10"),
        ],
    ),
    row(
        "the table of RFC 6724",
        "label ::1/128 0\nlabel ::/0 1\nlabel ::ffff:0:0/96 4\nlabel 2002::/16 2\nlabel 2001::/32 5\nlabel fc00::/7 13\nlabel ::/96 3\nlabel fec0::/10 11\nlabel 3ffe::/16 12\nprecedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\nprecedence 2002::/16 30\nprecedence 2001::/32 5\nprecedence fc00::/7 3\nprecedence ::/96 1\nprecedence fec0::/10 1\nprecedence 3ffe::/16 1\n",
        &[
            same("both.test", "192.0.2.10 2001:db8::10"),
            same(
                "many6.test",
                "::1 fd00:7::20 fd00:9::1 2001:db8:1::1 2001:db8::20 64:ff9b::1 2002:c000:201::1 2001::1",
            ),
            same("mixed.test", "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1"),
            same("ula.test", "192.0.2.10 fd00:7::10"),
            same("far-ula.test", "192.0.2.10 fd00:9::10"),
        ],
    ),
    row(
        "a ULA has the label of the rest of IPv6",
        "label ::1/128 0\nlabel ::/0 1\nlabel 2002::/16 2\nlabel ::/96 3\nlabel ::ffff:0:0/96 4\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same(
                "many6.test",
                "::1 fd00:7::20 fd00:9::1 2001:db8:1::1 2001:db8::20 2001::1 64:ff9b::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("teredo.test", "2001::1 192.0.2.10"),
            same("private.test", "2001:db8::10 10.1.2.3"),
            same("nowhere6.test", "3ffe::1 192.0.2.10"),
        ],
    ),
    row(
        "private networks are site-local",
        "scopev4 ::ffff:169.254.0.0/112 2\nscopev4 ::ffff:127.0.0.0/104 2\nscopev4 ::ffff:10.0.0.0/104 5\nscopev4 ::ffff:0.0.0.0/96 14\n",
        &[
            same("both.test", "2001:db8::10 192.0.2.10"),
            same("many4.test", "127.0.0.9 10.1.2.3 169.254.1.1 198.51.100.1 203.0.113.9"),
            same(
                "many6.test",
                "::1 fd00:7::20 fd00:9::1 2001:db8:1::1 2001:db8::20 2001::1 64:ff9b::1 2002:c000:201::1",
            ),
            same("mixed.test", "fd00:7::10 2001:db8::10 2002:c000:201::1 192.0.2.10 198.51.100.1"),
            same("six-to-four.test", "2002:c000:201::1 192.0.2.10"),
            same("teredo.test", "2001::1 192.0.2.10"),
            same("scopes.test", "10.1.2.3 169.254.7.7 192.0.2.10"),
            same("compatible.test", "::c000:201 192.0.2.10"),
            same("nowhere6.test", "3ffe::1 192.0.2.10"),
        ],
    ),
];

pub(crate) const DEPRECATED: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT_DEPRECATED, ..ROW },
    row(
        "IPv4 first",
        "precedence ::ffff:0:0/96 100\n",
        &[
            same("both.test", "192.0.2.10 2001:db8::10"),
            same(
                "many6.test",
                "::1 2001:db8::20 2001:db8:1::1 64:ff9b::1 2001::1 2002:c000:201::1 fd00:7::20 fd00:9::1",
            ),
            same("mixed.test", "192.0.2.10 198.51.100.1 2001:db8::10 2002:c000:201::1 fd00:7::10"),
        ],
    ),
];

pub(crate) const WITHOUT_IPV6: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT_IPV4, asks_alike: Err(NO_IPV6), ..ROW },
    row(
        "IPv4 first",
        "precedence ::ffff:0:0/96 100\n",
        &[
            differs("both.test", "192.0.2.10", "192.0.2.10 2001:db8::10", NO_IPV6),
            differs(
                "many6.test",
                "nothing",
                "::1 2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2002:c000:201::1 2001::1 64:ff9b::1",
                NO_IPV6,
            ),
            differs(
                "mixed.test",
                "192.0.2.10 198.51.100.1",
                "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1",
                NO_IPV6,
            ),
        ],
    ),
    row(
        "IPv4 last",
        "precedence ::ffff:0:0/96 1\n",
        &[
            differs("both.test", "192.0.2.10", "192.0.2.10 2001:db8::10", NO_IPV6),
            differs(
                "many6.test",
                "nothing",
                "::1 2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2002:c000:201::1 2001::1 64:ff9b::1",
                NO_IPV6,
            ),
            differs(
                "mixed.test",
                "192.0.2.10 198.51.100.1",
                "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1",
                NO_IPV6,
            ),
        ],
    ),
];

pub(crate) const WITHOUT_IPV4: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT_IPV6, asks_alike: Err(NO_IPV4), ..ROW },
    Row {
        asks_alike: Err(NO_IPV4),
        ..row(
            "IPv4 first",
            "precedence ::ffff:0:0/96 100\n",
            &[
                differs("both.test", "2001:db8::10", "2001:db8::10 192.0.2.10", NO_IPV4),
                same(
                    "many6.test",
                    "::1 2001:db8::20 2001:db8:1::1 64:ff9b::1 2001::1 2002:c000:201::1 fd00:7::20 fd00:9::1",
                ),
                differs(
                    "mixed.test",
                    "2001:db8::10 2002:c000:201::1 fd00:7::10",
                    "2001:db8::10 2002:c000:201::1 fd00:7::10 192.0.2.10 198.51.100.1",
                    NO_IPV4,
                ),
            ],
        )
    },
];

pub(crate) const NOWHERE: &[Row] = &[
    Row { about: "no gai.conf", names: DEFAULT_NOWHERE, ..ROW },
    row(
        "IPv4 first",
        "precedence ::ffff:0:0/96 100\n",
        &[
            same("both.test", "192.0.2.10 2001:db8::10"),
            same(
                "many6.test",
                "::1 2001:db8:1::1 2001:db8::20 fd00:7::20 fd00:9::1 2002:c000:201::1 2001::1 64:ff9b::1",
            ),
            same("mixed.test", "192.0.2.10 198.51.100.1 fd00:7::10 2001:db8::10 2002:c000:201::1"),
            same("ula.test", "192.0.2.10 fd00:7::10"),
            same("far-ula.test", "192.0.2.10 fd00:9::10"),
            same("six-to-four.test", "192.0.2.10 2002:c000:201::1"),
            same("teredo.test", "192.0.2.10 2001::1"),
            same("private.test", "10.1.2.3 2001:db8::10"),
            same("compatible.test", "192.0.2.10 ::c000:201"),
            same("site.test", "192.0.2.10 fec0::1"),
            same("nowhere6.test", "192.0.2.10 3ffe::1"),
        ],
    ),
];
