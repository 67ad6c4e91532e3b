//! The examples of RFC 6724 §10.3 to §10.7, in which a custom table changes the order.

use super::*;

/// RFC 6724 §10.3.
#[test]
fn ipv4_may_be_preferred_by_the_table() {
    let sorter = with_rows([("::ffff:0:0", 96, 100, 4)]);
    let right =
        [("2001:db8:1::1", "2001:db8:1::2", AS_IS), ("198.51.100.121", "169.254.13.78", AS_IS)];
    assert_order_of(&sorter, right, Rule::MatchingScope);
    let right = [("198.51.100.121", "198.51.100.117", AS_IS), ("2001:db8:1::1", "fe80::1", AS_IS)];
    assert_order_of(&sorter, right, Rule::MatchingScope);
    let right = [("10.1.2.3", "10.1.2.4", AS_IS), ("2001:db8:1::1", "2001:db8:1::2", AS_IS)];
    assert_order_of(&sorter, right, Rule::Precedence);
}

/// RFC 6724 §10.4.
#[test]
fn global_addresses_may_be_preferred_to_link_local_ones_by_the_table() {
    let sorter = with_rows([("fe80::", 10, 33, 1)]);
    let right = [("2001:db8:1::1", "2001:db8:1::2", AS_IS), ("fe80::1", "fe80::2", AS_IS)];
    assert_order_of(&sorter, right, Rule::Precedence);
    let deprecated = |source| SourceAddress { deprecated: Some(true), ..source };
    let right = [("fe80::1", "fe80::2", AS_IS), ("2001:db8:1::1", "2001:db8:1::2", deprecated)];
    assert_order_of(&sorter, right, Rule::Deprecated);
}

/// RFC 6724 §10.5: two sites share an expensive provider, and each also has its usual provider.
#[test]
fn a_site_of_two_providers_may_keep_one_of_them_for_its_partner() {
    let partner = ("2001:db8:1bbb::b", "2001:db8:1aaa::a", AS_IS);
    let partner_otherwise = ("2001:db8:70bb::b", "2001:db8:70aa::a", AS_IS);
    let other = ("2001:db8:6ccc::c", "2001:db8:70aa::a", AS_IS);
    assert_order([partner_otherwise, partner], Rule::LongestPrefix);
    assert_order([("2001:db8:1ccc::c", "2001:db8:1aaa::a", AS_IS), other], Rule::LongestPrefix);

    let sorter = with_rows([("2001:db8:1aaa::", 48, 43, 6), ("2001:db8:1bbb::", 48, 43, 6)]);
    assert_order_of(&sorter, [partner, partner_otherwise], Rule::Precedence);
    // The labels now make the system choose the other source address for this destination.
    let expensive = ("2001:db8:1ccc::c", "2001:db8:70aa::a", AS_IS);
    assert_order_of(&sorter, [other, expensive], Rule::LongestPrefix);
}

/// RFC 6724 §10.6.
#[test]
fn unique_local_addresses_of_the_own_site_may_be_preferred_by_the_table() {
    let global = ("2001:db8:2::2", "2001:db8:1::1", AS_IS);
    let elsewhere = ("fd22:2222:2222:2::2", "fd11:1111:1111:1::1", AS_IS);
    let here = ("fd11:1111:1111:2::2", "fd11:1111:1111:1::1", AS_IS);
    assert_order([global, elsewhere], Rule::Precedence);
    assert_order([global, here], Rule::Precedence);

    let sorter = with_rows([("fd11:1111:1111::", 48, 45, 14)]);
    // The row changes the label of only one end of the other site's pair, so its labels no longer
    // match. Rule 5 then decides what the RFC's text ascribes to rule 6. The order is the same.
    assert_order_of(&sorter, [global, elsewhere], Rule::MatchingLabel);
    assert_order_of(&sorter, [here, global], Rule::Precedence);
}

/// RFC 6724 §10.7.
#[test]
fn addresses_of_6to4_may_be_preferred_to_translated_ipv4_by_the_table() {
    let translated = ("203.0.113.1", "10.1.2.3", AS_IS);
    let relayed = ("2001:db8:1::1", "2002:c633:6401::2", AS_IS);
    assert_order([translated, relayed], Rule::MatchingLabel);
    let within = ("2002:c633:6401:2::2", "2002:c633:6401:1::1", AS_IS);
    assert_order([translated, within], Rule::Precedence);

    let sorter = with_rows([("2002:c633:6401::", 48, 45, 14)]);
    assert_order_of(&sorter, [within, translated], Rule::Precedence);
}
