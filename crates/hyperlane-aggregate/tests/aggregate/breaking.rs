use hyperlane_aggregate::{Breaker, CircuitState, Failure, Source, State};
use tokio::time::advance;

use crate::support::{Calls, ms, source};

fn breaker() -> Breaker {
    Breaker::new().min_calls(4).open_for(ms(1000)).probes(2)
}

#[tokio::test(start_paused = true)]
async fn who_fails_too_often_is_left_alone_and_asked_carefully_after_a_while() {
    let calls = Calls::new();
    calls.fail(true);
    let source = source(&calls, ms(10)).breaker(breaker());
    for _ in 0..4 {
        source.ask((), ms(100)).await;
    }
    assert_eq!(source.circuit(), Some(CircuitState::Open));

    let part = source.ask((), ms(100)).await;
    assert!(matches!(part.failure(), Some(Failure::Open(time)) if *time == ms(1000)));
    assert_eq!((part.elapsed(), part.attempts(), calls.begun()), (ms(0), 0, 4));

    advance(ms(1000)).await;
    assert_eq!(source.circuit(), Some(CircuitState::HalfOpen));
    source.ask((), ms(100)).await;
    assert_eq!(
        (source.circuit(), calls.begun()),
        (Some(CircuitState::Open), 5),
        "one failure opens it anew"
    );

    advance(ms(1000)).await;
    calls.fail(false);
    source.ask((), ms(100)).await;
    assert_eq!(
        source.circuit(),
        Some(CircuitState::HalfOpen),
        "one success may be luck"
    );
    source.ask((), ms(100)).await;
    assert_eq!(source.circuit(), Some(CircuitState::Closed));
    let counts = source.counts();
    assert_eq!(
        (counts.opened, counts.refused, counts.fresh, counts.failed),
        (2, 1, 2, 6)
    );
}

#[tokio::test(start_paused = true)]
async fn half_open_no_more_than_the_probes_get_through() {
    let calls = Calls::new();
    calls.fail(true);
    let source = source(&calls, ms(10)).breaker(breaker()).coalesce(false);
    for _ in 0..4 {
        source.ask((), ms(100)).await;
    }
    calls.fail(false);
    advance(ms(1000)).await;
    let parts = futures_util::future::join_all((0..10).map(|_| source.ask((), ms(100)))).await;
    let fresh = parts.iter().filter(|part| part.state() == State::Fresh).count();
    assert_eq!((fresh, calls.begun()), (2, 6));
    assert_eq!(source.circuit(), Some(CircuitState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_past_the_deadline_opens_it_too() {
    let calls = Calls::new();
    let source = source(&calls, ms(60_000)).breaker(breaker());
    for _ in 0..4 {
        let part = source.ask((), ms(100)).await;
        assert!(matches!(part.failure(), Some(Failure::Deadline)));
    }
    assert_eq!(source.circuit(), Some(CircuitState::Open));
    assert_eq!(calls.dropped(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_opens_it_also_where_the_deadline_is_not_twice_its_usual_time() {
    let calls = Calls::new();
    let told = calls.clone();
    let source = Source::new("source", move || {
        let calls = told.clone();
        async move {
            let time = if calls.begun() == 0 { 60 } else { 60_000 };
            calls.call(ms(time)).await
        }
    });
    let source = source.breaker(breaker());
    source.ask((), ms(100)).await;
    for _ in 0..4 {
        source.ask((), ms(100)).await;
    }
    assert_eq!(source.circuit(), Some(CircuitState::Open));
}

#[tokio::test(start_paused = true)]
async fn clients_that_leave_open_nothing() {
    let calls = Calls::new();
    let source = source(&calls, ms(60_000)).breaker(breaker());
    for _ in 0..20 {
        let left = tokio::time::timeout(ms(10), source.ask((), ms(1000))).await;
        assert!(left.is_err());
    }
    assert_eq!(source.circuit(), Some(CircuitState::Closed));
    assert_eq!((calls.dropped(), source.counts().cancelled), (20, 20));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_leaves_no_time_is_not_the_sources_fault() {
    let calls = Calls::new();
    let source = source(&calls, ms(50)).breaker(breaker());
    source.ask((), None).await;
    for _ in 0..20 {
        let part = source.ask((), ms(20)).await;
        assert!(matches!(part.failure(), Some(Failure::Deadline)));
    }
    assert_eq!(source.circuit(), Some(CircuitState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_comes_and_goes_is_used_while_it_is_there() {
    let calls = Calls::new();
    let source = source(&calls, ms(5)).breaker(breaker()).fallback(|_| 0);
    // Down and up for 10 seconds each, asked ten times a second.
    for tick in 0..600 {
        calls.fail(tick / 100 % 2 == 0);
        let part = source.ask((), ms(100)).await;
        assert_ne!(part.state(), State::Failed);
        advance(ms(100) - part.elapsed()).await;
    }
    let counts = source.counts();
    assert_eq!(counts.fresh + counts.fallback, 600);
    assert!(counts.fresh > 250, "of 300 that it could answer: {counts:?}");
    // Half of the window must have failed before it opens, which takes 5 of the 10 seconds.
    assert!(
        counts.attempts < 450,
        "of 300 that failed half were not tried: {counts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_no_is_no_failure_of_the_source() {
    let source = Source::new("row", async || Err::<u64, _>("there is no such row"))
        .permanent_if(|_| true)
        .breaker(breaker());
    for _ in 0..20 {
        source.ask((), ms(100)).await;
    }
    assert_eq!(source.circuit(), Some(CircuitState::Closed));
}
