//! The tree of segments that patterns share.
//!
//! One level of the tree is one segment of a path. A node therefore meets the path at one place
//! only, and a search, with all its backtracking, visits each node, and asks each constraint, at
//! most once: no path that a client can send makes it exponential.

use crate::constraint::Constraint;
use crate::pattern::{Affixes, Segment};

/// Up to so many texts are looked through one by one.
const FEW_LITERALS: usize = 8;

/// The place after some segments: what may follow, and the route that ends here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// Sorted by text, for a binary search.
    literals: Vec<(Box<str>, Self)>,
    /// The most specific first; the bare parameter, with no affixes and no constraint, is the last.
    params: Vec<Branch>,
    /// The routes whose wildcards take everything from here; the one without a constraint is the
    /// last.
    wildcards: Vec<(Option<Constraint>, usize)>,
    /// The route that ends here.
    route: Option<usize>,
}

/// A parameter and what may follow it.
#[derive(Clone, Debug)]
struct Branch {
    affixes: Affixes,
    constraint: Option<Constraint>,
    child: Node,
}

impl Node {
    /// Adds a route, or returns the one that already stands in its place. In that case every node
    /// on the way existed, so nothing has changed.
    pub(crate) fn insert(&mut self, segments: &[Segment], route: usize) -> Result<(), usize> {
        let mut node = self;
        for segment in segments {
            node = match segment {
                Segment::Literal(text) => node.literal_mut(text),
                Segment::Param(affixes, constraint) => node.param_mut(affixes, constraint.as_ref()),
                Segment::Wildcard(constraint) => return node.add_wildcard(constraint.as_ref(), route),
            };
        }
        match node.route {
            Some(taken) => Err(taken),
            None => {
                node.route = Some(route);
                Ok(())
            }
        }
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
                matching.find_map(|branch| follow(branch.accept(segment)?))
            })
            .or_else(|| self.wildcard(rest))
    }

    fn wildcard(&self, rest: &str) -> Option<usize> {
        if rest.is_empty() {
            return None;
        }
        let mut wildcards = self.wildcards.iter();
        let found = wildcards.find(|(constraint, _)| fits(constraint.as_ref(), rest));
        found.map(|(_, route)| *route)
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

    fn param_mut(&mut self, affixes: &Affixes, constraint: Option<&Constraint>) -> &mut Self {
        let is_same = |other: &Branch| other.affixes == *affixes && other.constraint.as_ref() == constraint;
        let place = self.params.iter().position(is_same).unwrap_or_else(|| {
            let branch = Branch {
                affixes: affixes.clone(),
                constraint: constraint.cloned(),
                child: Self::default(),
            };
            // Behind those of the same rank: expressions are tried in the order of registration.
            let place = self.params.partition_point(|other| other.rank() >= branch.rank());
            self.params.insert(place, branch);
            place
        });
        &mut self.params[place].child
    }

    fn add_wildcard(&mut self, constraint: Option<&Constraint>, route: usize) -> Result<(), usize> {
        let mut wildcards = self.wildcards.iter();
        if let Some((_, taken)) = wildcards.find(|(other, _)| other.as_ref() == constraint) {
            return Err(*taken);
        }
        let rank = Constraint::rank(constraint);
        let goes_before = |(other, _): &(Option<Constraint>, usize)| Constraint::rank(other.as_ref()) >= rank;
        let place = self.wildcards.partition_point(goes_before);
        self.wildcards.insert(place, (constraint.cloned(), route));
        Ok(())
    }
}

impl Branch {
    /// What may follow, if the parameter takes this segment.
    fn accept(&self, segment: &str) -> Option<&Node> {
        let value = self.affixes.value(segment)?;
        fits(self.constraint.as_ref(), value).then_some(&self.child)
    }

    fn rank(&self) -> (usize, usize, usize) {
        let (prefix, suffix) = self.affixes.rank();
        (prefix, suffix, Constraint::rank(self.constraint.as_ref()))
    }
}

fn fits(constraint: Option<&Constraint>, value: &str) -> bool {
    constraint.is_none_or(|constraint| constraint.fits_decoded(value))
}
