//! Path patterns to values: the routing leaf of hyperlane.
