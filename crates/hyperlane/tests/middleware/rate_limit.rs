//! `RateLimit`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyperlane::middleware::RateLimit;
use hyperlane::{App, ConnectionInfo, Response};

use crate::support::{app, call, get, header, request, text};

fn limited(limit: RateLimit) -> App {
    app(|server| {
        server.middleware(limit).get("/", async || "in");
    })
}

async fn from(app: &App, peer: &str) -> Response {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = request("GET", "/", &[], "");
    request
        .extensions_mut()
        .insert(Arc::new(ConnectionInfo::new(Some(peer), None)));
    call(app, request).await
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_the_rest_is_told_when_to_come_back() {
    let app = limited(RateLimit::new(3, Duration::from_secs(60)));
    for left in ["2", "1", "0"] {
        let response = from(&app, "192.0.2.1:1").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "ratelimit-policy"), "\"default\";q=3;w=60");
        assert!(header(&response, "ratelimit").starts_with(&format!("\"default\";r={left};t=")));
    }
    let refused = from(&app, "192.0.2.1:2").await;
    assert_eq!(refused.status(), 429, "RFC 6585 §4");
    assert_eq!(header(&refused, "retry-after"), "20");
    assert_eq!(header(&refused, "ratelimit"), "\"default\";r=0;t=20");
    assert!(text(refused).await.contains("20 s"));
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(from(&app, "192.0.2.1:1").await.status(), 200, "who waited is served");
    assert_eq!(from(&app, "192.0.2.1:1").await.status(), 429);
    tokio::time::advance(Duration::from_secs(60)).await;
    for _ in 0..3 {
        assert_eq!(from(&app, "192.0.2.1:1").await.status(), 200, "the whole quota is back");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_are_told_apart_by_address_or_by_network() {
    let app = limited(RateLimit::new(1, Duration::from_secs(60)));
    for (peer, status) in [
        ("192.0.2.1:1", 200),
        ("192.0.2.1:9", 429),
        ("192.0.2.2:1", 200),
        ("[::ffff:192.0.2.2]:1", 429),
        ("[2001:db8:0:1::1]:1", 200),
        ("[2001:db8:0:1:ffff::2]:1", 429),
        ("[2001:db8:0:2::1]:1", 200),
    ] {
        assert_eq!(from(&app, peer).await.status().as_u16(), status, "{peer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_of_ones_own_may_leave_requests_out() {
    let app = limited(RateLimit::new(1, Duration::from_secs(60)).key(|ctx| ctx.header("x-key").map(str::to_owned)));
    let long = "k".repeat(5000);
    for (key, status) in [
        ("a", 200),
        ("a", 429),
        ("b", 200),
        (long.as_str(), 200),
        (long.as_str(), 429),
    ] {
        assert_eq!(get(&app, "/", &[("x-key", key)]).await.status().as_u16(), status);
    }
    for _ in 0..3 {
        let free = get(&app, "/", &[]).await;
        assert_eq!((free.status().as_u16(), header(&free, "ratelimit")), (200, ""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_addresses_takes_no_more_memory_and_no_quota_of_known_clients() {
    let limit = RateLimit::new(2, Duration::from_secs(60)).max_keys(10);
    let app = limited(limit);
    assert_eq!(from(&app, "192.0.2.1:1").await.status(), 200);
    let mut served = 0;
    for number in 0..200_u16 {
        let [high, low] = number.to_be_bytes();
        served += u32::from(from(&app, &format!("10.0.{high}.{low}:1")).await.status() == 200);
    }
    assert_eq!(served, 9 + 2, "nine have room, the others share one quota");
    assert_eq!(
        from(&app, "192.0.2.1:1").await.status(),
        200,
        "who is known is not touched by it"
    );
    tokio::time::advance(Duration::from_secs(120)).await;
    for number in 0..9 {
        assert_eq!(
            from(&app, &format!("10.1.0.{number}:1")).await.status(),
            200,
            "there is room again"
        );
    }
}
