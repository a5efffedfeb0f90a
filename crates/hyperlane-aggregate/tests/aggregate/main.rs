//! Sources that hang, fail, are slow or come and go, with paused time.

mod breaking;
mod caching;
mod coalescing;
mod crowding;
mod deadlines;
mod faults;
mod reports;
mod retries;
mod streams;
mod support;
