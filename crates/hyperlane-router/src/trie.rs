//! The tree of segments that patterns share.
//!
//! One level of the tree is one segment of a path. A node therefore meets the path at one place
//! only, and a search, with all its backtracking, visits each node at most once: no path that a
//! client can send makes it exponential.

use crate::pattern::{Affixes, Segment};

/// Up to so many texts are looked through one by one.
const FEW_LITERALS: usize = 8;

/// The place after some segments: what may follow, and the route that ends here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// Sorted by text, for a binary search.
    literals: Vec<(Box<str>, Self)>,
    /// The most specific first; the bare parameter, with no affixes, is the last.
    params: Vec<(Affixes, Self)>,
    /// The route whose wildcard takes everything from here.
    wildcard: Option<usize>,
    /// The route that ends here.
    route: Option<usize>,
}

impl Node {
    /// Adds a route, or returns the one that already stands in its place. In that case every node
    /// on the way existed, so nothing has changed.
    pub(crate) fn insert(&mut self, segments: &[Segment], route: usize) -> Result<(), usize> {
        let mut node = self;
        for segment in segments {
            node = match segment {
                Segment::Literal(text) => node.literal_mut(text),
                Segment::Param(affixes) => node.param_mut(affixes),
                Segment::Wildcard => return claim(&mut node.wildcard, route),
            };
        }
        claim(&mut node.route, route)
    }

    /// The most specific route for `rest`: the decoded path behind the slash that led here.
    pub(crate) fn find(&self, rest: &str) -> Option<usize> {
        let (segment, next) = match rest.split_once('/') {
            Some((segment, next)) => (segment, Some(next)),
            None => (rest, None),
        };
        let follow = |child: &Self| match next {
            Some(next) => child.find(next),
            None => child.route,
        };
        self.literal(segment)
            .and_then(follow)
            .or_else(|| {
                let mut matching = self.params.iter();
                matching.find_map(|(affixes, child)| {
                    affixes.value(segment)?;
                    follow(child)
                })
            })
            .or_else(|| self.wildcard.filter(|_| !rest.is_empty()))
    }

    fn literal(&self, segment: &str) -> Option<&Self> {
        // Among few, comparing lengths is nearly always enough, and cheaper than to order texts.
        if self.literals.len() <= FEW_LITERALS {
            return self
                .literals
                .iter()
                .find(|(text, _)| **text == *segment)
                .map(|(_, child)| child);
        }
        let found = self.literals.binary_search_by(|(text, _)| (**text).cmp(segment));
        self.literals.get(found.ok()?).map(|(_, child)| child)
    }

    fn literal_mut(&mut self, text: &str) -> &mut Self {
        let place = self.literals.binary_search_by(|(other, _)| (**other).cmp(text));
        let place = place.unwrap_or_else(|place| {
            self.literals.insert(place, (text.into(), Self::default()));
            place
        });
        &mut self.literals[place].1
    }

    fn param_mut(&mut self, affixes: &Affixes) -> &mut Self {
        let place = self.params.iter().position(|(other, _)| other == affixes);
        let place = place.unwrap_or_else(|| {
            let more_specific = |(other, _): &(Affixes, Self)| other.rank() >= affixes.rank();
            let place = self.params.partition_point(more_specific);
            self.params.insert(place, (affixes.clone(), Self::default()));
            place
        });
        &mut self.params[place].1
    }
}

fn claim(place: &mut Option<usize>, route: usize) -> Result<(), usize> {
    match *place {
        Some(taken) => Err(taken),
        None => {
            *place = Some(route);
            Ok(())
        }
    }
}
