//! Request, response, body and service: what integrations with hyperlane depend on.
