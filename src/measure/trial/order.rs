//! The order of the processes of each pair.

use crate::model::Arm;
use crate::stats::SplitMix64;

/// The order in which the arms of a pair run, drawn for each pair independently.
///
/// The test of the differences is then a randomisation test: it is valid whatever
/// disturbs the machine. If the order of a pair followed from another pair's, a
/// disturbance with a period of a few processes could favour a side.
pub(super) fn draw(mut arms: Vec<Arm>, random: &mut SplitMix64) -> Vec<Arm> {
    random.shuffle(&mut arms);
    arms
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the blocks of two pairs, starting at that pair, have equal orders.
    fn equal(orders: &[Vec<Arm>], first: usize) -> usize {
        orders[first..].chunks_exact(2).filter(|block| block[0] == block[1]).count()
    }

    #[test]
    fn successive_orders_are_independent() {
        let mut random = SplitMix64::new(1);
        let orders: Vec<_> =
            (0..4002).map(|_| draw(vec![Arm::Base, Arm::Head], &mut random)).collect();
        // Five standard deviations of 2,000 coin flips are 112.
        for first in [0, 1] {
            let equal = equal(&orders, first);
            assert!(equal.abs_diff(1000) < 112, "{equal} of 2000, from {first}");
        }
    }
}
