//! The order of the candidates of a race.

use smallvec::{SmallVec, smallvec};

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

/// The candidates of `sorted` that are later in their families than in `list`. Both lists have the
/// same candidates.
pub(super) fn moved_back(list: &[Listed], sorted: &[Listed]) -> SmallVec<[Id; 8]> {
    let ids = list.iter().map(|it| it.id.0 + 1).max().unwrap_or(0);
    let mut former: SmallVec<[usize; 16]> = smallvec![0; ids];
    for_each_in_family(list, |it, place| former[it.id.0] = place);
    let mut moved = SmallVec::new();
    for_each_in_family(sorted, |it, place| {
        if place > former[it.id.0] {
            moved.push(it.id);
        }
    });
    moved
}

/// Calls `visit` with each candidate of a list and its place in its family.
fn for_each_in_family(list: &[Listed], mut visit: impl FnMut(&Listed, usize)) {
    let mut counts = [0; 3];
    for it in list {
        let count = &mut counts[match it.family {
            Some(Family::Ipv6) => 0,
            Some(Family::Ipv4) => 1,
            None => 2,
        }];
        visit(it, *count);
        *count += 1;
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
        let list = ranked_in_two_families();
        let mut sorted = list.clone();
        sort_by_rank(&mut sorted);
        let order: Vec<usize> = sorted.iter().map(|it| it.id.0).collect();
        assert_eq!(order, [2, 1, 0, 5, 4, 3]);
        assert_eq!(moved_back(&list, &sorted)[..], [Id(0), Id(3)]);
    }

    /// Two have a lower rank than an earlier candidate of their family. One has an equal rank, and
    /// one has none.
    fn ranked_in_two_families() -> Vec<Listed> {
        let (six, four) = (Some(Family::Ipv6), Some(Family::Ipv4));
        let ranks = [Some(6), None, Some(0), Some(9), Some(6), Some(1)];
        let families = [six, six, six, four, six, four];
        let standing = |rank: Option<u8>| rank.map_or_else(Standing::default, Standing::ranked);
        let listed = |n| Listed { id: Id(n), family: families[n], standing: standing(ranks[n]) };
        (0..6).map(listed).collect()
    }

    #[test]
    fn an_order_that_stays_moves_nobody_back() {
        let list = ranked_in_two_families();
        assert!(moved_back(&list, &list).is_empty());
        assert!(moved_back(&[], &[]).is_empty());
        // Another mixture of the families is not another place in a family.
        let (mut six, four): (Vec<Listed>, Vec<Listed>) =
            list.iter().partition(|it| it.family == Some(Family::Ipv6));
        six.extend(four);
        assert!(moved_back(&list, &six).is_empty());
    }
}
