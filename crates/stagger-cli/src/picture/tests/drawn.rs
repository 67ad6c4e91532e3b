//! Pictures as they are, to the letter.

use super::*;

#[test]
fn a_race_has_a_bar_for_each_query_and_candidate_and_says_who_won() {
    assert_eq!(
        drawn(&won(), 80),
        "                ms  0        100       200      300  start    end
                    ├─────────┼─────────┼─────────┼
  query all         ┤                                  0.0    3.0  ┤ 4 addresses
  [2001:db8::1]:80  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╱    3.0  303.0  ╱ dropped
  192.0.2.1:80                               ━✗      253.0  263.0  ✗ failed
                    no route\\u{1b}[m
  192.0.2.2:80                                ━━━━✓  263.0  303.0  ✓ won
  192.0.2.3:80      ◦                                              ◦ not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_wide_terminal_has_longer_bars_and_causes_beside_them() {
    assert_eq!(
        drawn(&won(), 200),
        "                ms  0                      50                   100                    150                   200                    250                    300  start    end
                    ├──────────────────────┼─────────────────────┼──────────────────────┼─────────────────────┼──────────────────────┼──────────────────────┼─
  query all         ─┤                                                                                                                                            0.0    3.0  ┤ 4 addresses
  [2001:db8::1]:80   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╱    3.0  303.0  ╱ dropped
  192.0.2.1:80                                                                                                                        ━━━━━✗                    253.0  263.0  ✗ failed: no route\\u{1b}[m
  192.0.2.2:80                                                                                                                             ━━━━━━━━━━━━━━━━━━✓  263.0  303.0  ✓ won
  192.0.2.3:80       ◦                                                                                                                                                        ◦ not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_narrow_terminal_has_no_bars() {
    assert_eq!(
        drawn(&won(), 40),
        "  query all
      0.0    3.0 ms  ┤ 4 addresses
  [2001:db8::1]:80
      3.0  303.0 ms  ╱ dropped
  192.0.2.1:80
    253.0  263.0 ms  ✗ failed
    no route\\u{1b}[m
  192.0.2.2:80
    263.0  303.0 ms  ✓ won
  192.0.2.3:80
    ◦ not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn where_bars_do_not_fit_but_columns_do_there_are_columns() {
    assert_eq!(
        drawn(&won(), 60),
        "  query all           0.0    3.0 ms  ┤ 4 addresses
  [2001:db8::1]:80    3.0  303.0 ms  ╱ dropped
  192.0.2.1:80      253.0  263.0 ms  ✗ failed
    no route\\u{1b}[m
  192.0.2.2:80      263.0  303.0 ms  ✓ won
  192.0.2.3:80                       ◦ not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn without_unicode_every_meaning_has_an_ascii_character() {
    assert_eq!(
        timeline(&won(), &Look { unicode: false, ..LOOK }),
        "                ms  0        100       200      300  start    end
                    |---------+---------+---------+
  query all         |                                  0.0    3.0  | 4 addresses
  [2001:db8::1]:80  ==============================/    3.0  303.0  / dropped
  192.0.2.1:80                               =x      253.0  263.0  x failed
                    no route\\u{1b}[m
  192.0.2.2:80                                ====*  263.0  303.0  * won
  192.0.2.3:80      o                                              o not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_race_that_is_lost_shows_every_cause_and_has_no_sentence() {
    assert_eq!(
        drawn(&lost(), 80),
        "            ms  0                50             100  start    end
                ├────────────────┼───────────────┼─
  query A       ┤                                      0.0    0.0  ┤ 3 addresses
                waited 1.0 ms for the preferred family
  query AAAA    ✗                                      0.0    1.0  ✗ failed
                AAAA lookup failed
  192.0.2.3:80  ⊘                                                  ⊘ skipped
                192.0.2.3:80 refused
  192.0.2.1:80  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━✗    1.0  101.0  ✗ timed out
                no connection within the attempt timeout
  192.0.2.2:80                                    ✗  101.0  102.0  ✗ failed
                the network said something that does not fit on one line of a
                terminal
"
    );
}

#[test]
fn on_a_few_columns_everything_is_still_said() {
    assert_eq!(
        drawn(&lost(), 20),
        "  query A
      0.0    0.0 ms
    ┤ 3 addresses
    waited 1.0 ms
    for the
    preferred family
  query AAAA
      0.0    1.0 ms
    ✗ failed
    AAAA lookup
    failed
  192.0.2.3:80
    ⊘ skipped
    192.0.2.3:80
    refused
  192.0.2.1:80
      1.0  101.0 ms
    ✗ timed out
    no connection
    within the
    attempt timeout
  192.0.2.2:80
    101.0  102.0 ms
    ✗ failed
    the network said
    something that
    does not fit on
    one line of a
    terminal
"
    );
}

#[test]
fn an_attempt_that_the_deadline_cut_off_did_not_lose_and_a_wait_is_dotted() {
    assert_eq!(
        drawn(&cut_off(), 80),
        "            ms  0         200         400       600  start    end
                ├──────────┼───────────┼──────────┼
  query A       ─┤···                                  0.0   20.0  ┤ 1 address
                waited 50.0 ms for the preferred family
  query AAAA    ──────────────────────────────────?    0.0         ? no answer
  192.0.2.1:80      ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╱   70.0  600.0  ╱ time was up
"
    );
}

#[test]
fn a_race_of_no_length_has_an_axis_and_a_long_address_a_line_of_its_own() {
    assert_eq!(
        drawn(&instant(), 80),
        "            ms  0               0.05          0.10  start    end
                ├────────────────┼───────────────┼
  query all     ┤                                   0.000  0.000  ┤ 21 addresses
  [2001:db8:1111:2222:3333:4444:5555:6666]:65535
                ✓                                   0.000  0.000  ✓ won
  192.0.2.1:80  ◦                                                 ◦ not tried
  192.0.2.2:80  ◦                                                 ◦ not tried
  192.0.2.3:80  ◦                                                 ◦ not tried
  192.0.2.4:80  ◦                                                 ◦ not tried
  192.0.2.5:80  ◦                                                 ◦ not tried
  192.0.2.6:80  ◦                                                 ◦ not tried
  192.0.2.7:80  ◦                                                 ◦ not tried
  192.0.2.8:80  ◦                                                 ◦ not tried
  12 more                                                         ◦ not tried

connected to [2001:db8:1111:2222:3333:4444:5555:6666]:65535 in 0.0 ms (from 192.0.2.200:4000)
"
    );
}
