//! Who is first, and whether it is: servers whose rounds overlap too much share a place.

use crate::catalog::{BASE, Entry};
use crate::report::{Row, WorkloadResults};
use crate::statistics::Spread;
use crate::workload::Workload;

/// The place of a server in a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) row: &'a Row,
    /// Counted from 1; `None` for those that are no HTTP servers.
    pub(crate) place: Option<usize>,
    /// Another server has it as well.
    pub(crate) shared: bool,
    /// Compared with raw tokio.
    pub(crate) ratio: f64,
}

/// What servers are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// What the workload is about: requests a second, or memory, or latency.
    Workload(Workload),
    /// CPU time for a request.
    Cpu,
}

impl By {
    pub(crate) fn figure(self, row: &Row) -> Option<Spread> {
        match self {
            Self::Workload(workload) => row.figure(workload),
            Self::Cpu => row.cpu_ratio,
        }
    }

    /// The less the better.
    fn cost(self, figure: Spread) -> f64 {
        match self {
            Self::Workload(workload) if !workload.prefers_less() => -figure.median,
            Self::Workload(_) | Self::Cpu => figure.median,
        }
    }
}

/// Places from the best to the worst.
///
/// Whose middle half of rounds overlaps with that of the first of a place shares that place.
pub(crate) fn places(results: &WorkloadResults, by: By) -> Vec<Place<'_>> {
    let base = results.row(BASE).and_then(|row| by.figure(row));
    let mut rows: Vec<_> = results
        .rows
        .iter()
        .filter_map(|row| Some((row, by.figure(row)?)))
        .collect();
    rows.sort_by(|(_, a), (_, b)| by.cost(*a).total_cmp(&by.cost(*b)));
    let mut places: Vec<Place<'_>> = Vec::new();
    let mut leader: Option<(usize, Spread)> = None;
    let mut ranked = 0;
    for (row, figure) in rows {
        let mut place = Place {
            row,
            place: None,
            shared: false,
            ratio: base.map_or(1.0, |base| figure.median / base.median),
        };
        if !Entry::by_title(&row.name).is_some_and(Entry::is_floor) {
            ranked += 1;
            let number = match leader {
                Some((number, first)) if first.overlaps(&figure) => number,
                _ => {
                    leader = Some((ranked, figure));
                    ranked
                }
            };
            place.place = Some(number);
        }
        places.push(place);
    }
    let numbers: Vec<_> = places.iter().map(|place| place.place).collect();
    for place in &mut places {
        place.shared = place.place.is_some() && numbers.iter().filter(|number| **number == place.place).count() > 1;
    }
    places
}

/// What the article says of its server beside another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// In the catalog.
    pub(crate) peer: &'static str,
    /// Requests a second of ours, compared with the peer's.
    pub(crate) at_least: f64,
}

/// The three ratios of the article's table.
pub(crate) const CLAIMS: [Claim; 3] = [
    Claim {
        peer: "node",
        at_least: 2.32,
    },
    Claim {
        peer: "go-net",
        at_least: 1.38,
    },
    Claim {
        peer: BASE,
        at_least: 0.95,
    },
];

impl Claim {
    /// The ratio of a server of ours to the peer, each round for itself; `None` if one of them was not measured.
    pub(crate) fn measured(&self, results: &WorkloadResults, ours: &Row) -> Option<Spread> {
        let peer = results.row(self.peer)?;
        let rounds = ours.by_round.iter().zip(&peer.by_round);
        Spread::of(rounds.filter_map(|(ours, peer)| Some((*ours)? / (*peer)?)))
    }

    /// In words, and whether the rounds agree about it.
    pub(crate) fn verdict(&self, measured: Spread) -> &'static str {
        let holds = measured.median >= self.at_least;
        let clear = if holds {
            measured.lower >= self.at_least
        } else {
            measured.upper < self.at_least
        };
        match (holds, clear) {
            (true, true) => "holds",
            (true, false) => "holds, within the noise",
            (false, false) => "fails, within the noise",
            (false, true) => "fails",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::report::tests::workload_results;

    fn results(servers: &[(&str, [f64; 2])]) -> WorkloadResults {
        workload_results(&Options::parse(["--quick".to_owned()]).expect("valid"), servers)
    }

    #[test]
    fn servers_that_were_not_told_apart_share_a_place() {
        let results = results(&[
            ("hyper", [0.9, 0.8]),
            ("axum", [0.9, 0.7]),
            ("hyperlane", [1.2, 1.1]),
            ("poem", [0.3, 0.3]),
        ]);
        let places: Vec<_> = places(&results, By::Workload(Workload::KeepAlive))
            .into_iter()
            .map(|place| (place.row.name.as_str(), place.place, place.shared))
            .collect();
        assert_eq!(
            places,
            [
                ("hyperlane", Some(1), false),
                ("raw tokio", None, false),
                ("hyper", Some(2), true),
                ("axum", Some(2), true),
                ("Poem", Some(4), false),
            ]
        );
    }

    #[test]
    fn by_cpu_time_the_least_is_first() {
        let results = results(&[("hyper", [0.9, 0.9]), ("hyperlane", [1.2, 1.2])]);
        let places: Vec<_> = places(&results, By::Cpu)
            .into_iter()
            .map(|place| (place.row.name.as_str(), place.place))
            .collect();
        assert_eq!(
            places,
            [("hyperlane", Some(1)), ("raw tokio", None), ("hyper", Some(2))]
        );
    }

    #[test]
    fn a_claim_is_measured_round_by_round() {
        let results = results(&[("hyperlane", [0.96, 0.96]), ("go-net", [0.6, 0.8])]);
        let ours = results.row("hyperlane").expect("measured");
        let [node, go, base] = CLAIMS;
        assert!(node.measured(&results, ours).is_none());
        let go_ratio = go.measured(&results, ours).expect("measured");
        assert!((go_ratio.median - 1.4).abs() < 1e-9);
        assert_eq!(go.verdict(go_ratio), "holds, within the noise");
        assert_eq!(base.verdict(base.measured(&results, ours).expect("measured")), "holds");
        assert_eq!(base.verdict(Spread::of([0.5, 0.6]).expect("values")), "fails");
        assert_eq!(
            base.verdict(Spread::of([0.8, 1.0]).expect("values")),
            "fails, within the noise"
        );
    }
}
