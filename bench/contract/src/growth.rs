//! For the servers whose cost is measured as something grows: routes in any number and bodies of any length.
//!
//! | request | answer |
//! |---|---|
//! | `GET` of each of the [`patterns`] | [`HELLO`](crate::HELLO) as `text/plain` |
//! | `POST /upload` | the number of bytes sent, in decimal |
//! | `GET /body/{bytes}` | so many bytes, handed over in [`pieces`], without their length in the head |
//!
//! ```
//! use contract::growth;
//!
//! assert_eq!(growth::patterns(2).collect::<Vec<_>>(), ["/api/users-0/{id}", "/api/users-0"]);
//! assert_eq!(growth::example(10), "/api/products-3/4711");
//! ```

/// One piece of a body: 64 KiB.
pub const PIECE: &[u8; 64 * 1024] = &[b'd'; 64 * 1024];

/// The most bytes of an upload that a server has to accept.
pub const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// The names of what the routes are about, in turn.
const NAMES: [&str; 8] = [
    "users", "orders", "invoices", "products", "sessions", "reports", "teams", "files",
];
/// Patterns for each name: one thing, the list, and a part of a part.
const KINDS: usize = 3;

/// How many of the [`patterns`] to register, from the variable `ROUTES`; 1 when there is none.
///
/// # Panics
///
/// The variable holds something else than a number: the program can't run.
pub fn routes() -> usize {
    std::env::var("ROUTES").map_or(1, |routes| routes.parse().expect("ROUTES is a number"))
}

/// So many patterns, as an interface of that size has them: fixed paths, and paths with one and two parameters.
pub fn patterns(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let base = base(number);
        match number % KINDS {
            0 => format!("{base}/{{id}}"),
            1 => base,
            _ => format!("{base}/{{id}}/entries/{{entry}}"),
        }
    })
}

/// A path that the last of so many [`patterns`] matches, if their number is one more than a multiple of three: then it
/// has one parameter, as the first.
pub fn example(count: usize) -> String {
    format!("{}/4711", base(count.saturating_sub(1)))
}

/// A path that none of the [`patterns`] matches, and that begins as one of the last does.
pub fn missing(count: usize) -> String {
    format!("{}/4711/nothing", base(count.saturating_sub(1)))
}

/// The lengths of the pieces of a body.
pub fn pieces(bytes: usize) -> impl Iterator<Item = usize> {
    let rest = bytes % PIECE.len();
    std::iter::repeat_n(PIECE.len(), bytes / PIECE.len()).chain((rest > 0).then_some(rest))
}

fn base(number: usize) -> String {
    let resource = number / KINDS;
    format!("/api/{}-{resource}", NAMES[resource % NAMES.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_pattern_is_another() {
        let patterns: HashSet<_> = patterns(10_000).collect();
        assert_eq!(patterns.len(), 10_000);
    }

    #[test]
    fn first_and_last_of_a_power_of_ten_are_of_one_kind() {
        for count in [1, 10, 100, 1_000, 10_000] {
            let last = patterns(count).last().expect("at least one");
            assert_eq!(last.replace("{id}", "4711"), example(count));
        }
    }

    #[test]
    fn the_pieces_of_a_body_add_up() {
        assert_eq!(pieces(0).count(), 0);
        assert_eq!(pieces(PIECE.len()).collect::<Vec<_>>(), [PIECE.len()]);
        assert_eq!(pieces(PIECE.len() + 5).collect::<Vec<_>>(), [PIECE.len(), 5]);
    }
}
