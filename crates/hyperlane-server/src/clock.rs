//! The `Date` of responses: one value a thread, formatted when its second is over and not for each request.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyperlane_proto::format_http_date;
use tokio::time::Instant;

thread_local! {
    static DATE: Cell<Option<(Instant, [u8; 29])>> = const { Cell::new(None) };
}

/// The current `Date` (RFC 9110 §6.6.1). `now` is the time that the caller has at hand anyway.
pub(crate) fn http_date(now: Instant) -> [u8; 29] {
    if let Some((until, date)) = DATE.get()
        && now < until
    {
        return date;
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = format_http_date(since_epoch.as_secs());
    let rest_of_second = Duration::from_nanos(1_000_000_000 - u64::from(since_epoch.subsec_nanos()));
    DATE.set(Some((now + rest_of_second, date)));
    date
}
