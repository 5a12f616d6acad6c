//! An attempt that may break: it panics, or takes too long.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::clock::Clock;

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No attempt can come to anything, for this reason.
    Hopeless(String),
    /// The next one may pass.
    Broken(String),
}

impl Fault {
    pub(super) fn broken(error: &anyhow::Error) -> Self {
        Self::Broken(format!("{error:#}"))
    }
}

/// What `work` comes to within `timeout`. Work that computes elsewhere goes on there, and nobody waits for it.
///
/// # Errors
/// Those of `work`.
pub(super) async fn guarded<T>(
    work: impl Future<Output = anyhow::Result<Result<T, Fault>>>,
    timeout: Duration,
    clock: &Clock,
) -> anyhow::Result<Result<T, Fault>> {
    let until = clock.now().plus(timeout);
    tokio::select! {
        biased;
        done = AssertUnwindSafe(work).catch_unwind() => done.unwrap_or_else(|panic| Ok(Err(panicked(&*panic)))),
        () = clock.sleep_until(until) => {
            Ok(Err(Fault::Broken(format!("it took longer than {timeout:?} (analysis.timeout)"))))
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::Broken(format!("it panicked: {}", text.unwrap_or("nobody knows why")))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn a_panic_and_a_limit_of_time_break_an_attempt_and_no_more() {
        let (clock, hand) = Clock::manual(Timestamp(0));
        let minute = Duration::from_mins(1);
        let dies = async { panic!("of {}", "fright") };
        let broken: Result<(), Fault> = guarded(dies, minute, &clock).await.unwrap();
        assert_eq!(broken, Err(Fault::Broken("it panicked: of fright".to_owned())));

        let (stuck, ()) = tokio::join!(guarded(pending(), minute, &clock), async { hand.advance(minute) });
        let broken: Result<(), Fault> = stuck.unwrap();
        assert!(matches!(&broken, Err(Fault::Broken(why)) if why.contains("60s (analysis.timeout)")), "{broken:?}");

        assert_eq!(guarded(async { Ok(Ok(7)) }, Duration::ZERO, &clock).await.unwrap(), Ok(7));
        assert!(guarded::<()>(async { anyhow::bail!("Kafka is away") }, minute, &clock).await.is_err());
    }
}
