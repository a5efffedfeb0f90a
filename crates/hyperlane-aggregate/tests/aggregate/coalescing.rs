use futures_util::future::join_all;
use hyperlane_aggregate::{Cache, Failure, State};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use crate::support::{Calls, keyed, ms, source};

#[tokio::test(start_paused = true)]
async fn who_asks_the_same_at_the_same_time_shares_one_answer() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(100));
    let parts = join_all((0..1000).map(|number| source.ask(number % 2, ms(1000)))).await;
    assert_eq!(calls.begun(), 2);
    assert!(
        parts
            .iter()
            .all(|part| part.state() == State::Fresh && part.elapsed() == ms(100))
    );
    assert_eq!(parts.iter().filter(|part| part.is_joined()).count(), 998);
    assert_eq!(source.counts().joined, 998);
    source.ask(0, ms(1000)).await;
    assert_eq!(calls.begun(), 3, "what has ended is over");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_does_not_lose_its_followers() {
    let calls = Calls::new();
    let source = source(&calls, ms(100));
    let leader = tokio::spawn(source.ask((), ms(1000)));
    yield_now().await;
    let followers: Vec<_> = (0..10).map(|_| tokio::spawn(source.ask((), ms(1000)))).collect();
    yield_now().await;
    tokio::time::sleep(ms(50)).await;
    leader.abort();
    let begun = Instant::now();
    for part in join_all(followers).await {
        assert_eq!(part.expect("it does not panic").value(), Some(&1));
    }
    assert_eq!(begun.elapsed(), ms(50), "they go on where it was");
    assert_eq!((calls.begun(), calls.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_one_that_leaves_cancels_the_call() {
    let calls = Calls::new();
    let source = source(&calls, ms(100));
    let waiting: Vec<_> = (0..5).map(|_| tokio::spawn(source.ask((), ms(1000)))).collect();
    tokio::time::sleep(ms(50)).await;
    for (left, task) in waiting.iter().enumerate() {
        assert_eq!(calls.dropped(), 0, "{left} of five have left");
        task.abort();
        tokio::time::sleep(ms(1)).await;
    }
    assert_eq!((calls.begun(), calls.dropped()), (1, 1));
    let part = source.ask((), ms(1000)).await;
    assert_eq!(
        (part.value(), part.is_joined()),
        (Some(&2), false),
        "the next one begins anew"
    );
}

#[tokio::test(start_paused = true)]
async fn followers_keep_their_own_deadline_and_the_leaders_does_not_end_them() {
    let calls = Calls::new();
    let source = source(&calls, ms(100));
    let deadlines = [ms(30), ms(60), ms(200)];
    let parts = join_all(deadlines.map(|deadline| source.ask((), deadline))).await;
    let ends: Vec<_> = parts.iter().map(|part| (part.state(), part.elapsed())).collect();
    assert_eq!(
        ends,
        [
            (State::Failed, ms(30)),
            (State::Failed, ms(60)),
            (State::Fresh, ms(100))
        ]
    );
    assert_eq!((calls.begun(), calls.ended()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_follower_with_more_time_gets_the_retry_that_its_leader_could_not_wait_for() {
    let calls = Calls::new();
    calls.fail(true);
    let retry = hyperlane_aggregate::Retry::new()
        .attempts(2)
        .delay(ms(100))
        .jitter(false);
    let source = source(&calls, ms(50)).retry(retry);
    let (hasty, patient) = tokio::join!(source.ask((), ms(60)), source.ask((), ms(1000)));
    assert_eq!((hasty.elapsed(), patient.elapsed()), (ms(60), ms(200)));
    assert_eq!(patient.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_followers_are_turned_away() {
    let calls = Calls::new();
    let source = source(&calls, ms(100)).followers(3);
    let parts = join_all((0..6).map(|_| source.ask((), ms(1000)))).await;
    let fresh = parts.iter().filter(|part| part.state() == State::Fresh);
    assert_eq!(fresh.count(), 4, "the leader and three");
    let refused = parts
        .iter()
        .filter(|part| matches!(part.failure(), Some(Failure::Overloaded)));
    assert_eq!(refused.count(), 2);
    let parts = join_all((0..4).map(|_| source.ask((), ms(1000)))).await;
    assert!(
        parts.iter().all(|part| part.state() == State::Fresh),
        "their places are free again"
    );
}

#[tokio::test(start_paused = true)]
async fn who_wants_an_answer_of_its_own_gets_one() {
    let calls = Calls::new();
    let source = source(&calls, ms(100)).coalesce(false);
    join_all((0..5).map(|_| source.ask((), ms(1000)))).await;
    assert_eq!(calls.begun(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leaving_and_joining_at_random_loses_nobody() {
    let calls = Calls::new();
    let source = keyed(&calls, ms(1));
    let tasks = (0..2000_u64).map(|number| {
        let source = source.clone();
        tokio::spawn(async move {
            let ask = source.ask(number % 3, ms(20_000));
            // A third of them leaves sooner or later.
            let patience = if number % 3 == 0 { number % 7 } else { 20_000 };
            timeout(ms(patience), ask)
                .await
                .is_ok_and(|part| part.state() != State::Fresh)
        })
    });
    let failed = join_all(tasks)
        .await
        .into_iter()
        .filter(|failed| !matches!(failed, Ok(false)));
    assert_eq!(failed.count(), 0);
    assert_eq!(calls.begun(), calls.ended() + calls.dropped());
}

#[tokio::test(start_paused = true)]
async fn what_judges_or_weighs_an_answer_may_panic_and_nobody_waits_for_ever() {
    let calls = Calls::new();
    let weighs = source(&calls, ms(10)).cache_weighed(Cache::fresh_for(ms(1000)), |_| panic!("a bug"));
    let (one, other) = tokio::join!(weighs.ask((), None), weighs.ask((), None));
    assert!(matches!(one.failure(), Some(Failure::Panicked)));
    assert!(matches!(other.failure(), Some(Failure::Panicked)));

    calls.fail(true);
    let judges = source(&calls, ms(10)).permanent_if(|_| panic!("a bug"));
    let (one, other) = tokio::join!(judges.ask((), None), judges.ask((), None));
    assert!(matches!(one.failure(), Some(Failure::Panicked)));
    assert!(matches!(other.failure(), Some(Failure::Panicked)));

    let told = source(&calls, ms(10)).observe(|_| panic!("a bug"));
    assert_eq!(told.ask((), None).await.state(), State::Failed);
}
