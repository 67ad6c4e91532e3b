//! The order of the candidates of a race.

use smallvec::SmallVec;

use super::event::{Id, Standing};
use crate::address::Family;

/// A candidate in a list to arrange.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub(super) id: Id,
    pub(super) family: Option<Family>,
    pub(super) standing: Standing,
}

/// Sorts the candidates of each family that have a rank, lowest first, among the places that they
/// hold (draft-ietf-happy-happyeyeballs-v3 §5.3). Equal ranks keep their order. All other
/// candidates keep their places, because nothing is known that compares them. That reading is ours.
pub(super) fn sort_by_rank(list: &mut [Listed]) {
    for family in [Some(Family::Ipv6), Some(Family::Ipv4), None] {
        let is_ranked = |it: &Listed| it.family == family && it.standing.rank().is_some();
        let places: SmallVec<[usize; 8]> =
            (0..list.len()).filter(|place| is_ranked(&list[*place])).collect();
        let mut ranked: SmallVec<[Listed; 8]> = places.iter().map(|place| list[*place]).collect();
        ranked.sort_by_key(|it| it.standing.rank());
        for (place, candidate) in places.into_iter().zip(ranked) {
            list[place] = candidate;
        }
    }
}

/// Arranges `list` so that families alternate: `first_count` of the leading family, then the others
/// and the leading family in turn, then the rest (RFC 8305 §4). Inside a family the order is kept.
pub(super) fn alternate(
    list: &[Listed],
    leader: Option<Family>,
    first_count: usize,
) -> SmallVec<[Id; 8]> {
    let mut leading = list.iter().filter(|it| it.family == leader).map(|it| it.id);
    let mut others = list.iter().filter(|it| it.family != leader).map(|it| it.id);
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

    fn unknown(n: usize, family: Option<Family>) -> Listed {
        Listed { id: Id(n), family, standing: Standing::default() }
    }

    fn arranged(families: &[u8], leader: u8, first_count: usize) -> Vec<(u8, usize)> {
        let family = |digit| Some(if digit == 6 { Family::Ipv6 } else { Family::Ipv4 });
        let listed = |(n, digit): (usize, &u8)| unknown(n, family(*digit));
        let list: Vec<_> = families.iter().enumerate().map(listed).collect();
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
        let list: Vec<_> = (0..4).map(|n| unknown(n, None)).collect();
        assert_eq!(alternate(&list, None, 1)[..], [Id(0), Id(1), Id(2), Id(3)]);
    }

    #[test]
    fn ranks_are_sorted_among_their_own_places_in_each_family() {
        let (six, four) = (Some(Family::Ipv6), Some(Family::Ipv4));
        let ranks = [Some(6), None, Some(0), Some(9), Some(6), Some(1)];
        let families = [six, six, six, four, six, four];
        let standing = |rank: Option<u8>| rank.map_or_else(Standing::default, Standing::ranked);
        let mut list: Vec<Listed> = (0..6)
            .map(|n| Listed { id: Id(n), family: families[n], standing: standing(ranks[n]) })
            .collect();
        sort_by_rank(&mut list);
        let order: Vec<usize> = list.iter().map(|it| it.id.0).collect();
        assert_eq!(order, [2, 1, 0, 5, 4, 3]);
    }
}
