//! An asynchronous web framework: fast, safe by default, with one core and two styles of handler.
