use hyperlane_aggregate::{Cache, Failure, Source, State};
use tokio::task::yield_now;
use tokio::time::{advance, sleep};

use crate::support::{Calls, keyed, ms, source};

fn cache() -> Cache {
    Cache::fresh_for(ms(1000))
        .stale_while_revalidate(ms(2000))
        .stale_if_error(ms(10_000))
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_is_given_without_asking() {
    let calls = Calls::new();
    let source = source(&calls, ms(50)).cache(cache());
    let first = source.ask((), ms(1000)).await;
    assert_eq!((first.state(), first.age(), first.attempts()), (State::Fresh, None, 1));
    advance(ms(949)).await;
    let second = source.ask((), ms(1000)).await;
    assert_eq!(
        (second.value(), second.state(), second.attempts()),
        (Some(&1), State::Fresh, 0)
    );
    assert_eq!((second.age(), second.elapsed()), (Some(ms(949)), ms(0)));
    assert_eq!(
        (calls.begun(), source.counts().cached, source.counts().fresh),
        (1, 1, 1)
    );
}

/// RFC 5861 §3.
#[tokio::test(start_paused = true)]
async fn what_is_a_little_old_is_given_at_once_and_made_anew_behind_it() {
    let calls = Calls::new();
    let source = source(&calls, ms(50)).cache(cache());
    source.ask((), ms(1000)).await;
    advance(ms(1500)).await;
    for _ in 0..5 {
        let stale = source.ask((), ms(1000)).await;
        assert_eq!(
            (stale.value(), stale.state(), stale.elapsed()),
            (Some(&1), State::Stale, ms(0))
        );
        assert!(stale.failure().is_none());
    }
    sleep(ms(60)).await;
    let fresh = source.ask((), ms(1000)).await;
    assert_eq!((fresh.value(), fresh.state()), (Some(&2), State::Fresh));
    assert_eq!(calls.begun(), 2, "five that came at once made it anew once");
}

/// RFC 5861 §4.
#[tokio::test(start_paused = true)]
async fn what_is_old_is_given_where_the_source_fails_and_the_part_says_why() {
    let calls = Calls::new();
    let source = source(&calls, ms(50)).cache(cache()).fallback(|_| 99);
    source.ask((), ms(1000)).await;
    calls.fail(true);
    advance(ms(4000)).await;
    let stale = source.ask((), ms(1000)).await;
    assert_eq!(
        (stale.value(), stale.state(), stale.elapsed()),
        (Some(&1), State::Stale, ms(50))
    );
    assert!(matches!(stale.failure(), Some(Failure::Error(_))));
    assert_eq!(stale.age(), Some(ms(4000)));

    calls.fail(false);
    let hangs = source.ask((), ms(20)).await;
    assert!(matches!(hangs.failure(), Some(Failure::Deadline)));
    assert_eq!(hangs.state(), State::Stale, "a deadline is a failure as well");

    calls.fail(true);
    advance(ms(7000)).await;
    let part = source.ask((), ms(1000)).await;
    assert_eq!((part.value(), part.state()), (Some(&99), State::Fallback), "too old");
}

#[tokio::test(start_paused = true)]
async fn even_without_any_time_what_is_kept_is_given() {
    let calls = Calls::new();
    let source = source(&calls, ms(50)).cache(cache());
    source.ask((), ms(1000)).await;
    advance(ms(4000)).await;
    let part = source.ask((), ms(0)).await;
    assert_eq!((part.state(), part.attempts(), calls.begun()), (State::Stale, 0, 1));
}

/// RFC 5861 §4: only where the server failed.
#[tokio::test(start_paused = true)]
async fn a_stale_answer_does_not_hide_that_there_is_none_any_more() {
    let calls = Calls::new();
    let source = source(&calls, ms(1)).cache(cache()).permanent_if(|_| true);
    source.ask((), ms(1000)).await;
    calls.fail(true);
    advance(ms(4000)).await;
    assert_eq!(source.ask((), ms(1000)).await.state(), State::Failed);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_answer_and_can_be_forgotten() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(1)).cache(cache());
    for key in [1, 2, 1, 2] {
        source.ask(key, ms(1000)).await;
    }
    assert_eq!(calls.begun(), 2);
    source.invalidate(&1);
    source.ask(1, ms(1000)).await;
    source.ask(2, ms(1000)).await;
    assert_eq!(calls.begun(), 3);
    source.invalidate_all();
    source.ask(2, ms(1000)).await;
    assert_eq!(calls.begun(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_cache_takes_no_more_than_its_bytes() {
    let source = Source::keyed("texts", async |key: u64| Ok::<_, String>(format!("{key}").repeat(1000)))
        .cache(Cache::fresh_for(ms(60_000)).max_bytes(100_000));
    for key in 0..1000 {
        source.ask(key, None).await;
        if key % 100 == 0 {
            assert!(source.cached_bytes() <= 100_000);
        }
    }
    let bytes = source.cached_bytes();
    assert!(bytes > 50_000 && bytes <= 100_000, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn making_anew_has_no_room_beside_those_who_wait() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(500)).cache(cache()).concurrency(1);
    source.ask(1, ms(1000)).await;
    advance(ms(1500)).await;
    let other = source.clone();
    let waits = tokio::spawn(async move { other.ask(2, ms(1000)).await });
    yield_now().await;
    assert_eq!(source.ask(1, ms(1000)).await.state(), State::Stale);
    waits.await.expect("it does not panic");
    assert_eq!(calls.begun(), 2, "nothing was made anew");
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_write_is_neither_kept_nor_given_to_who_asks_after_it() {
    for all in [false, true] {
        let calls = Calls::new();
        let source = keyed(&calls, ms(50)).cache(cache());
        let reader = tokio::spawn(source.ask(1, ms(1000)));
        sleep(ms(10)).await;
        if all {
            source.invalidate_all();
        } else {
            source.invalidate(&1);
        }
        let after = source.ask(1, ms(1000)).await;
        assert_eq!((after.value(), after.is_joined()), (Some(&2), false));
        let before = reader.await.expect("it does not panic");
        assert_eq!(before.value(), Some(&1));
        assert_eq!(source.ask(1, ms(1000)).await.value(), Some(&2));
    }
    let calls = Calls::new();
    let source = keyed(&calls, ms(50)).cache(cache());
    let reader = tokio::spawn(source.ask(1, ms(1000)));
    sleep(ms(10)).await;
    source.invalidate(&1);
    reader.await.expect("it does not panic");
    source.ask(1, ms(1000)).await;
    assert_eq!(calls.begun(), 2, "the answer from before was not kept");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_there_is_none_any_more_takes_the_kept_one_away() {
    let calls = Calls::new();
    let told = calls.clone();
    let source = Source::new("user", move || {
        let calls = told.clone();
        async move {
            match calls.call(ms(1)).await {
                Ok(2) => Err("no such user".to_owned()),
                Ok(3) => Err("the database is down".to_owned()),
                other => other,
            }
        }
    });
    let source = source
        .permanent_if(|error| error.to_string() == "no such user")
        .cache(cache());
    source.ask((), ms(1000)).await;
    advance(ms(1500)).await;
    assert_eq!(source.ask((), ms(1000)).await.state(), State::Stale);
    sleep(ms(10)).await;
    let part = source.ask((), ms(1000)).await;
    assert_eq!(
        (part.value(), part.state()),
        (None, State::Failed),
        "it does not come back"
    );
}
