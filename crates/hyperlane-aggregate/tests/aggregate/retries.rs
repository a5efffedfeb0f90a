use std::io;

use hyperlane_aggregate::{Failure, Retry, Source, State};
use tokio::time::Instant;

use crate::support::{Calls, assert_took, ms, source};

fn plain() -> Retry {
    Retry::new().delay(ms(100)).jitter(false)
}

#[tokio::test(start_paused = true)]
async fn what_fails_once_is_asked_again_and_the_part_says_so() {
    let calls = Calls::new();
    let again = calls.clone();
    let source = Source::new("flaky", move || {
        let calls = again.clone();
        async move {
            let number = calls.call(ms(10)).await?;
            if number == 1 {
                Err("not yet".to_owned())
            } else {
                Ok(number)
            }
        }
    });
    let part = source.retry(plain()).ask((), ms(1000)).await;
    assert_eq!(
        (part.value(), part.state(), part.attempts()),
        (Some(&2), State::Fresh, 2)
    );
    assert_took(part.elapsed(), 10 + 100 + 10);
    assert!(part.failure().is_none());
}

#[tokio::test(start_paused = true)]
async fn three_attempts_are_all_and_then_it_has_failed() {
    let calls = Calls::new();
    calls.fail(true);
    let part = source(&calls, ms(10)).retry(plain()).ask((), ms(10_000)).await;
    assert_eq!((part.state(), part.attempts(), calls.begun()), (State::Failed, 3, 3));
    assert_took(part.elapsed(), 10 + 100 + 10 + 200 + 10);
    assert!(matches!(part.failure(), Some(Failure::Error(_))));
}

#[tokio::test(start_paused = true)]
async fn without_a_retry_it_is_asked_once() {
    let calls = Calls::new();
    calls.fail(true);
    let part = source(&calls, ms(10)).ask((), ms(1000)).await;
    assert_eq!((part.attempts(), part.elapsed()), (1, ms(10)));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_the_time_out_of_its_own() {
    let calls = Calls::new();
    let source = source(&calls, ms(60_000)).timeout(ms(50)).retry(plain());
    let part = source.ask((), None).await;
    assert!(matches!(part.failure(), Some(Failure::TimedOut(limit)) if *limit == ms(50)));
    assert_took(part.elapsed(), 50 + 100 + 50 + 200 + 50);
    assert_eq!((calls.dropped(), source.counts().timeouts), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_could_not_be_in_time_is_not_begun() {
    let calls = Calls::new();
    let source = source(&calls, ms(80)).retry(plain());
    source.ask((), None).await;
    calls.fail(true);
    // 80 of the first attempt, 100 of waiting, and 80 as it usually takes: too much.
    let begun = Instant::now();
    let part = source.ask((), ms(255)).await;
    assert_eq!((part.attempts(), begun.elapsed()), (1, ms(80)));
    assert!(
        matches!(part.failure(), Some(Failure::Error(_))),
        "it says what went wrong"
    );
    let part = source.ask((), ms(265)).await;
    assert_eq!(part.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_an_answer_is_not_asked_for_again() {
    let calls = Calls::new();
    let counted = calls.clone();
    let source = Source::new("row", move || {
        let calls = counted.clone();
        async move {
            let _ = calls.call(ms(1)).await;
            Err::<u64, _>(io::Error::from(io::ErrorKind::NotFound))
        }
    });
    let is_missing = |error: &hyperlane::BoxError| {
        let error = error.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let part = source.retry(plain()).permanent_if(is_missing).ask((), ms(1000)).await;
    assert_eq!(
        (calls.begun(), part.failure().map(Failure::code)),
        (1, Some("permanent"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_multiplied_by_retries() {
    let calls = Calls::new();
    calls.fail(true);
    let source = source(&calls, ms(1)).retry(Retry::new());
    for _ in 0..1000 {
        source.ask((), None).await;
    }
    let counts = source.counts();
    assert_eq!(counts.attempts, 1000 + counts.retries);
    assert!((200..=210).contains(&counts.retries), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_its_source_alone() {
    let source = Source::new("bad", async || -> Result<u64, String> { panic!("a bug") });
    let part = source.clone().ask((), ms(1000)).await;
    assert!(matches!(part.failure(), Some(Failure::Panicked)));
    let other = source
        .fallback(|_| panic!("a bug in the fallback"))
        .ask((), ms(1000))
        .await;
    assert_eq!(other.state(), State::Failed);
}
