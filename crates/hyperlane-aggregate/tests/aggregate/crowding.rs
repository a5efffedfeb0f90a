use futures_util::future::join_all;
use hyperlane_aggregate::{Cache, Failure, Source, State};

use crate::support::{Calls, assert_took, keyed, ms};

#[tokio::test(start_paused = true)]
async fn so_many_ask_at_a_time_some_wait_and_the_rest_fails_at_once() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(100)).concurrency(2).waiting(4);
    let parts = join_all((0..10).map(|key| source.ask(key, ms(1000)))).await;
    for (part, expected) in parts.iter().zip([100, 100, 200, 200, 300, 300, 0, 0, 0, 0]) {
        assert_took(part.elapsed(), expected);
    }
    let overloaded = parts
        .iter()
        .filter(|part| matches!(part.failure(), Some(Failure::Overloaded)));
    assert_eq!(overloaded.count(), 4);
    assert_eq!((calls.begun(), source.counts().overloaded), (6, 4));
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_gives_its_place_in_the_line_back() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(100)).concurrency(1).waiting(1);
    let (first, second) = tokio::join!(source.ask(1, ms(1000)), source.ask(2, ms(50)));
    assert_eq!((first.state(), second.state()), (State::Fresh, State::Failed));
    assert_eq!((second.attempts(), calls.begun()), (0, 1), "it never came to ask");
    let parts = join_all([3, 4].map(|key| source.ask(key, ms(1000)))).await;
    assert!(parts.iter().all(|part| part.state() == State::Fresh));
}

#[tokio::test(start_paused = true)]
async fn long_keys_take_their_room_in_the_cache() {
    let source = Source::keyed("search", async |_: String| Ok::<_, String>(0_u8))
        .cache(Cache::fresh_for(ms(60_000)).max_bytes(100_000));
    let key = |number: u64| format!("{number:010000}");
    for number in 0..200 {
        source.ask(key(number), None).await;
        source.cached_bytes();
    }
    for number in 0..200 {
        source.ask(key(number), None).await;
        source.cached_bytes();
    }
    assert!(source.cached_bytes() <= 100_000);
    let kept = source.counts().cached;
    assert!(kept <= 10, "{kept} keys of 10,000 bytes were kept in 100,000");
}
