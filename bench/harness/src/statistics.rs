//! Medians, spreads and percentiles.

use serde::{Deserialize, Serialize};

/// What the rounds of one figure say: the middle one, the quartiles and the extremes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    /// A quarter of the rounds lies below.
    pub(crate) lower: f64,
    /// A quarter of the rounds lies above.
    pub(crate) upper: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without values. What is not a number does not count.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self {
            median: quantile(&values, 0.5),
            lower: quantile(&values, 0.25),
            upper: quantile(&values, 0.75),
            min,
            max,
        })
    }

    /// Whether the middle halves of the rounds overlap: then the two were not told apart.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.lower <= other.upper && other.lower <= self.upper
    }
}

/// Between two values in proportion, as most programs have it; 0 without values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = sorted.len().saturating_sub(1) as f64 * share;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(0.0);
    let (below, above) = (at(place.floor()), at(place.ceil()));
    below + (above - below) * place.fract()
}

/// The value below which this share (0 to 1) of the sorted values lies; 0 without values.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_the_two() {
        let odd = Spread::of([3.0, 1.0, 2.0]).expect("values");
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).map(|even| even.median), Some(2.5));
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN, 5.0]).map(|spread| spread.median), Some(5.0));
    }

    #[test]
    fn the_quartiles_enclose_the_middle_half() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]).expect("values");
        assert_eq!((spread.lower, spread.upper), (2.0, 4.0));
        let spread = Spread::of([1.0, 2.0]).expect("values");
        assert_eq!((spread.lower, spread.upper), (1.25, 1.75));
    }

    #[test]
    fn spreads_are_told_apart_when_their_middle_halves_are_disjoint() {
        let spread = |values: [f64; 5]| Spread::of(values).expect("values");
        let low = spread([1.0, 2.0, 3.0, 4.0, 9.0]);
        assert!(low.overlaps(&spread([0.0, 4.0, 5.0, 6.0, 7.0])));
        assert!(!low.overlaps(&spread([0.0, 5.0, 6.0, 7.0, 8.0])));
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), 500.0);
        assert_eq!(percentile(&values, 0.999), 999.0);
        assert_eq!(percentile(&values, 1.0), 1000.0);
        assert_eq!(percentile(&[7.0], 0.5), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
