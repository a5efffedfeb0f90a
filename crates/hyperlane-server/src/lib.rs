//! The engine of hyperlane: accepts connections, speaks HTTP, calls a service. It knows no routes.
