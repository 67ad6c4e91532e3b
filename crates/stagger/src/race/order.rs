//! The order of the candidates of a race.

use smallvec::SmallVec;

use super::event::Id;
use crate::address::Family;

/// Arranges `list` so that families alternate: `first_count` of the leading family, then the others
/// and the leading family in turn, then the rest (RFC 8305 §4). Inside a family the order is kept.
pub(super) fn alternate(
    list: &[(Id, Option<Family>)],
    leader: Option<Family>,
    first_count: usize,
) -> SmallVec<[Id; 8]> {
    let mut leading = list.iter().filter(|(_, family)| *family == leader).map(|(id, _)| *id);
    let mut others = list.iter().filter(|(_, family)| *family != leader).map(|(id, _)| *id);
    let mut order = SmallVec::with_capacity(list.len());
    order.extend(leading.by_ref().take(first_count));
    while order.len() < list.len() {
        order.extend(others.next());
        order.extend(leading.next());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(families: &[u8], leader: u8, first_count: usize) -> Vec<(u8, usize)> {
        let family = |digit| Some(if digit == 6 { Family::Ipv6 } else { Family::Ipv4 });
        let list: Vec<_> =
            families.iter().enumerate().map(|(n, digit)| (Id(n), family(*digit))).collect();
        alternate(&list, family(leader), first_count)
            .into_iter()
            .map(|Id(n)| (families[n], n))
            .collect()
    }

    #[test]
    fn the_first_stays_and_the_other_family_is_second() {
        assert_eq!(arranged(&[4, 4, 6], 4, 1), [(4, 0), (6, 2), (4, 1)]);
    }

    #[test]
    fn equal_numbers_alternate() {
        let order = arranged(&[6, 6, 6, 4, 4, 4], 6, 1);
        assert_eq!(order, [(6, 0), (4, 3), (6, 1), (4, 4), (6, 2), (4, 5)]);
    }

    #[test]
    fn two_of_the_first_family_may_lead() {
        let order = arranged(&[6, 6, 6, 4, 4, 4], 6, 2);
        assert_eq!(order, [(6, 0), (6, 1), (4, 3), (6, 2), (4, 4), (4, 5)]);
    }

    #[test]
    fn the_remainder_of_unequal_lists_keeps_its_order_and_nobody_is_repeated() {
        let order = arranged(&[6, 4, 4, 4, 4], 6, 1);
        assert_eq!(order, [(6, 0), (4, 1), (4, 2), (4, 3), (4, 4)]);
        let order = arranged(&[4, 6, 6, 6, 6], 6, 1);
        assert_eq!(order, [(6, 1), (4, 0), (6, 2), (6, 3), (6, 4)]);
    }

    #[test]
    fn a_leader_without_candidates_leaves_the_order_alone() {
        assert_eq!(arranged(&[4, 4], 6, 1), [(4, 0), (4, 1)]);
    }

    #[test]
    fn candidates_without_a_family_keep_their_order() {
        let list: Vec<_> = (0..4).map(|n| (Id(n), None)).collect();
        assert_eq!(alternate(&list, None, 1)[..], [Id(0), Id(1), Id(2), Id(3)]);
    }
}
