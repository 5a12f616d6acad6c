//! Steps that are told of only where they last.

use std::pin::pin;
use std::time::Duration;

use crate::clock::Clock;

/// How long a step lasts before it is told of. What is over sooner nobody could read, but every telling is a record, a row
/// and a part of a transaction: of jobs that come in hundreds they would be most of the cost.
pub(super) const TOLD_AFTER: Duration = Duration::from_millis(100);

/// Does `work`, and calls `tell` once where it takes longer than [`TOLD_AFTER`].
///
/// # Errors
/// Those of `tell`; then the work is given up.
pub(super) async fn lasting<T, E>(
    work: impl Future<Output = T>,
    tell: impl AsyncFnOnce() -> Result<(), E>,
    clock: &Clock,
) -> Result<T, E> {
    let told_at = clock.now().plus(TOLD_AFTER);
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return Ok(done),
        () = clock.sleep_until(told_at) => {}
    }
    tell().await?;
    Ok(work.await)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use tokio::sync::oneshot;

    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn a_step_is_told_of_once_and_only_where_it_lasts() {
        let (clock, hand) = Clock::manual(Timestamp(0));
        let told = Cell::new(0);
        let tell = async || -> Result<(), &str> {
            told.set(told.get() + 1);
            Ok(())
        };
        assert_eq!(lasting(ready(7), tell, &clock).await, Ok(7));
        assert_eq!(told.get(), 0, "it was over at once");

        let (end, ended) = oneshot::channel();
        let turn = async {
            hand.advance(TOLD_AFTER);
            while told.get() == 0 {
                tokio::task::yield_now().await;
            }
            hand.advance(10 * TOLD_AFTER);
            end.send(8).unwrap();
        };
        let (done, ()) = tokio::join!(lasting(ended, tell, &clock), turn);
        assert_eq!((done, told.get()), (Ok(Ok(8)), 1));

        let fails = async || Err("Kafka is away");
        let never = lasting(std::future::pending::<()>(), fails, &clock);
        let (given_up, ()) = tokio::join!(never, async { hand.advance(TOLD_AFTER) });
        assert_eq!(given_up, Err("Kafka is away"));
    }
}
