//! What is done for each partition that a worker owns: a task for as long as it does ([`Group::attend`]), and what is read
//! back once in each assignment ([`PerAssignment`]).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::task::{AbortHandle, JoinSet};

use super::group::Group;

impl Group {
    /// Runs `attend` for every partition of `topic` (with its prefix) that this worker owns, with its number and the epoch
    /// of its assignment; where a partition moves away, its task is cut off. When `until` resolves no task begins any more,
    /// and those that run are waited for.
    ///
    /// # Errors
    /// That of the first task that fails.
    pub async fn attend<T>(
        &self,
        topic: &str,
        attend: impl Fn(i32, u64) -> T,
        until: impl Future<Output = ()>,
    ) -> anyhow::Result<()>
    where
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut until = std::pin::pin!(until);
        let mut changes = self.changes();
        let mut attended: HashMap<(i32, u64), AbortHandle> = HashMap::new();
        let mut tasks = JoinSet::new();
        loop {
            changes.mark_unchanged();
            let owned: HashSet<(i32, u64)> = self.owned(topic).into_iter().collect();
            attended.retain(|partition, task| {
                let stays = owned.contains(partition);
                if !stays {
                    task.abort();
                }
                stays
            });
            for partition in owned {
                attended.entry(partition).or_insert_with(|| tasks.spawn(attend(partition.0, partition.1)));
            }
            tokio::select! {
                () = &mut until => break,
                moved = changes.changed() => if moved.is_err() { break },
                Some(ended) = tasks.join_next() => match ended {
                    Ok(ended) => ended?,
                    Err(ended) if ended.is_cancelled() => {}
                    Err(died) => return Err(died.into()),
                },
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Ok(ended) = ended {
                ended?;
            }
        }
        Ok(())
    }
}

/// Something of each partition, made at the first question under each epoch.
pub struct PerAssignment<T>(Mutex<HashMap<i32, Assigned<T>>>);

/// The epoch of an assignment, and what was made in it.
type Assigned<T> = (u64, Arc<OnceCell<Arc<T>>>);

impl<T> Default for PerAssignment<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for PerAssignment<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerAssignment({} partitions)", self.0.lock().len())
    }
}

impl<T> PerAssignment<T> {
    /// That of a partition which is owned under `epoch`; made by `open` at the first call.
    ///
    /// # Errors
    /// Those of `open`, which is tried again at the next call.
    pub async fn of<F>(&self, partition: i32, epoch: u64, open: impl FnOnce() -> F) -> anyhow::Result<Arc<T>>
    where
        F: Future<Output = anyhow::Result<Arc<T>>>,
    {
        let cell = {
            let mut all = self.0.lock();
            let (known, cell) = all.entry(partition).or_insert_with(|| (epoch, Arc::default()));
            if *known != epoch {
                // What was read under an earlier assignment has been another worker's since.
                (*known, *cell) = (epoch, Arc::default());
            }
            Arc::clone(cell)
        };
        cell.get_or_try_init(open).await.cloned()
    }

    /// Lets go of all but these partitions, each under this epoch: the others are another worker's by now.
    pub fn keep(&self, owned: &[(i32, u64)]) {
        self.0.lock().retain(|partition, (epoch, _)| owned.contains(&(*partition, *epoch)));
    }
}
