//! Single callers in batches: which callers are answered, and which are rejected.

use std::sync::mpsc;
use std::time::Duration;

use benchgate_suite::inference::{
    Backend, Batcher, BatcherError, BatcherHandle, Batching, BuiltIn, Callers, Counts,
    InferenceError, Predict, Scorer,
};
use benchgate_suite::sizes;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_hours(1);

/// A model of one feature, which is the score.
struct Echo;

impl Predict for Echo {
    fn width(&self) -> usize {
        1
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
        Ok(features.to_vec())
    }
}

/// The same, but each batch reports its size, waits for a signal, and may then panic.
struct Held {
    begun: mpsc::Sender<usize>,
    go: mpsc::Receiver<()>,
    dies: bool,
}

impl Held {
    fn new() -> (Self, mpsc::Receiver<usize>, mpsc::Sender<()>) {
        let (begun, sizes) = mpsc::channel();
        let (say, go) = mpsc::channel();
        (Self { begun, go, dies: false }, sizes, say)
    }
}

impl Predict for Held {
    fn width(&self) -> usize {
        1
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
        self.begun.send(features.len()).unwrap();
        // A closed channel counts as a signal, and a failed test has to end too.
        let _ = self.go.recv_timeout(Duration::from_secs(20));
        assert!(!self.dies, "it dies");
        Ok(features.to_vec())
    }
}

/// A model that fails on some batches and panics on others.
struct Moody;

impl Predict for Moody {
    fn width(&self) -> usize {
        1
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
        match features[0] {
            1.0 => Err(InferenceError::Model { problem: "a bad mood".to_owned() }),
            2.0 => Ok(Vec::new()),
            3.0 => panic!("a very bad mood"),
            _ => Ok(features.to_vec()),
        }
    }
}

/// Fails instead of hanging.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it ends")
}

fn batching(max_rows: usize, max_wait: Duration, queue: usize) -> Batching {
    Batching { max_rows, max_wait, queue }
}

/// Starts a caller with the row `feature`, which is in the queue when this returns.
async fn asks(
    handle: &BatcherHandle,
    feature: f32,
) -> tokio::task::JoinHandle<Result<f32, BatcherError>> {
    let waiting = handle.waiting();
    let (caller, mine) = (
        tokio::spawn({
            let handle = handle.clone();
            async move { handle.score([feature]).await }
        }),
        waiting + 1,
    );
    while handle.waiting() < mine {
        tokio::task::yield_now().await;
    }
    caller
}

#[tokio::test]
async fn callers_share_a_batch_and_get_their_own_scores() {
    // Only a full batch starts within the hour.
    let batcher = Batcher::start(vec![Echo], batching(8, HOUR, 100)).unwrap();
    let mut running = JoinSet::new();
    for number in 0..16_u8 {
        let handle = batcher.handle();
        running.spawn(async move { (number, handle.score([f32::from(number)]).await.unwrap()) });
    }
    for (number, score) in soon(running.join_all()).await {
        assert_eq!(score, f32::from(number));
    }
    assert_eq!(batcher.handle().counts(), Counts { rows: 16, batches: 2, shed: 0 });
}

#[tokio::test]
async fn a_single_caller_waits_at_most_for_the_maximum_wait() {
    let batcher = Batcher::start(vec![Echo], batching(8, Duration::from_millis(20), 100)).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(soon(batcher.handle().score([7.0])).await.unwrap(), 7.0);
    assert!(start.elapsed() >= Duration::from_millis(20), "the batch started early");
    assert_eq!(batcher.handle().counts(), Counts { rows: 1, batches: 1, shed: 0 });
}

#[tokio::test]
async fn without_a_wait_the_callers_of_the_meantime_form_a_batch() {
    let (held, begun, go) = Held::new();
    let batcher = Batcher::start(vec![held], batching(2, Duration::ZERO, 100)).unwrap();
    let handle = batcher.handle();
    let first = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.score([0.0]).await })
    };
    tokio::task::yield_now().await;
    assert_eq!(begun.recv().unwrap(), 1);
    let mut others = Vec::new();
    for feature in [1.0, 2.0, 3.0] {
        others.push(asks(&handle, feature).await);
    }
    for _ in 0..3 {
        go.send(()).unwrap();
    }
    assert_eq!(first.await.unwrap().unwrap(), 0.0);
    for (other, right) in others.into_iter().zip([1.0, 2.0, 3.0]) {
        assert_eq!(other.await.unwrap().unwrap(), right);
    }
    // No more than two at once.
    assert_eq!(begun.iter().take(2).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn a_full_queue_rejects_callers() {
    let (held, begun, go) = Held::new();
    let batcher = Batcher::start(vec![held], batching(1, Duration::ZERO, 2)).unwrap();
    let handle = batcher.handle();
    let mut taken = Vec::new();
    let first = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.score([0.0]).await })
    };
    tokio::task::yield_now().await;
    begun.recv().unwrap();
    for feature in [1.0, 2.0] {
        taken.push(asks(&handle, feature).await);
    }
    let error = soon(handle.score([3.0])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "overloaded: 2 callers are already waiting for a score; try again later"
    );
    assert_eq!(handle.counts().shed, 1);
    // Accepted callers are answered.
    for _ in 0..3 {
        go.send(()).unwrap();
    }
    assert_eq!(first.await.unwrap().unwrap(), 0.0);
    for (caller, right) in taken.into_iter().zip([1.0, 2.0]) {
        assert_eq!(caller.await.unwrap().unwrap(), right);
    }
    // Then there is room again.
    go.send(()).unwrap();
    assert_eq!(handle.score([4.0]).await.unwrap(), 4.0);
}

#[tokio::test]
async fn nothing_is_computed_for_callers_who_have_gone() {
    let (held, begun, go) = Held::new();
    let batcher = Batcher::start(vec![held], batching(8, Duration::ZERO, 100)).unwrap();
    let handle = batcher.handle();
    let first = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.score([0.0]).await })
    };
    tokio::task::yield_now().await;
    begun.recv().unwrap();
    let gone = asks(&handle, 1.0).await;
    let stays = asks(&handle, 2.0).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    for _ in 0..2 {
        go.send(()).unwrap();
    }
    first.await.unwrap().unwrap();
    assert_eq!(stays.await.unwrap().unwrap(), 2.0);
    assert_eq!(begun.recv().unwrap(), 1, "rows of the second batch");
}

#[tokio::test]
async fn a_row_of_another_width_does_not_reach_the_others() {
    let batcher = Batcher::start(vec![Echo], batching(1, Duration::ZERO, 10)).unwrap();
    let handle = batcher.handle();
    assert_eq!(handle.width(), 1);
    for row in [vec![], vec![1.0, 2.0]] {
        assert!(matches!(
            handle.score(row).await,
            Err(BatcherError::Features { width: 1, values: 0 | 2 })
        ));
    }
    assert_eq!(handle.counts(), Counts::default());
}

#[tokio::test]
async fn a_failure_is_sent_to_every_caller_of_the_batch_and_the_next_batch_runs() {
    let batcher = Batcher::start(vec![Moody], batching(2, HOUR, 10)).unwrap();
    let handle = batcher.handle();
    for (mood, error) in [
        (
            1.0,
            "the batch failed: the model cannot be used: a bad mood; it needs one input, a tensor of \
             f32 [batch, n] with a batch of any size, and an output of f32",
        ),
        (2.0, "the batch failed: the model returned 0 scores for 2 rows; expected one per row"),
        (0.0, ""),
    ] {
        let (one, other) = tokio::join!(handle.score([mood]), handle.score([mood]));
        for reply in [one, other] {
            match reply {
                Ok(score) => assert_eq!((score, error), (0.0, "")),
                Err(found) => assert_eq!(found.to_string(), error),
            }
        }
    }
}

#[tokio::test]
async fn callers_of_a_dead_worker_get_an_error() {
    let batcher = Batcher::start(vec![Moody], batching(2, HOUR, 10)).unwrap();
    let handle = batcher.handle();
    let (one, other) = soon(async { tokio::join!(handle.score([3.0]), handle.score([3.0])) }).await;
    for reply in [one, other] {
        assert_eq!(
            reply.unwrap_err().to_string(),
            "no score: the batcher was stopped, or its workers have died; start another one"
        );
    }
}

#[tokio::test]
async fn waiting_callers_get_an_error_if_a_batch_kills_the_worker() {
    let (mut held, begun, go) = Held::new();
    held.dies = true;
    let batcher = Batcher::start(vec![held], batching(1, Duration::ZERO, 10)).unwrap();
    let handle = batcher.handle();
    let first = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.score([0.0]).await })
    };
    tokio::task::yield_now().await;
    begun.recv().unwrap();
    let waiting = [asks(&handle, 1.0).await, asks(&handle, 2.0).await];
    go.send(()).unwrap();
    assert!(matches!(soon(first).await.unwrap(), Err(BatcherError::Ended)));
    for caller in waiting {
        assert!(matches!(soon(caller).await.unwrap(), Err(BatcherError::Ended)));
    }
    // The batcher has ended and rejects new callers.
    assert!(matches!(soon(handle.score([3.0])).await, Err(BatcherError::Ended)));
}

#[tokio::test]
async fn after_one_worker_dies_the_other_does_the_work() {
    let batcher = Batcher::start(vec![Moody, Moody], batching(1, Duration::ZERO, 10)).unwrap();
    let handle = batcher.handle();
    assert!(matches!(handle.score([3.0]).await, Err(BatcherError::Ended)));
    for feature in [5.0, 6.0, 7.0] {
        assert_eq!(handle.score([feature]).await.unwrap(), feature);
    }
}

#[tokio::test]
async fn callers_who_wait_at_the_end_are_answered_and_later_callers_are_rejected() {
    // Within the hour only a full batch, or the end of the batcher, starts a batch.
    let batcher = Batcher::start(vec![Echo], batching(8, HOUR, 100)).unwrap();
    let handle = batcher.handle();
    let mut waiting = Vec::new();
    for feature in [1.0, 2.0, 3.0] {
        waiting.push(asks(&handle, feature).await);
    }
    drop(batcher);
    for (caller, right) in waiting.into_iter().zip([1.0, 2.0, 3.0]) {
        assert_eq!(caller.await.unwrap().unwrap(), right);
    }
    assert_eq!(handle.counts(), Counts { rows: 3, batches: 1, shed: 0 });
    assert!(matches!(handle.score([4.0]).await, Err(BatcherError::Ended)));
}

#[test]
fn an_impossible_configuration_is_refused() {
    for (models, batching, what) in [
        (Vec::new(), sizes::BATCHING, "no model to score with"),
        (vec![Echo], batching(0, HOUR, 1), "no room in a batch or in the queue"),
        (vec![Echo], batching(1, HOUR, 0), "no room in a batch or in the queue"),
    ] {
        let error = Batcher::start(models, batching).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot batch: {what}"));
    }
}

#[test]
fn many_callers_on_many_threads_get_their_own_scores() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let workers = vec![Echo, Echo, Echo];
    let batcher = Batcher::start(workers, batching(4, Duration::from_micros(50), 10_000)).unwrap();
    let mut running = JoinSet::new();
    let _guard = runtime.enter();
    for number in 0..2000_u16 {
        let handle = batcher.handle();
        running.spawn(async move { (number, handle.score([f32::from(number)]).await.unwrap()) });
    }
    for (number, score) in runtime.block_on(running.join_all()) {
        assert_eq!(score, f32::from(number));
    }
    let counts = batcher.handle().counts();
    assert_eq!((counts.rows, counts.shed), (2000, 0));
    assert!(counts.batches >= 500, "{counts:?}");
}

#[tokio::test]
async fn a_model_behind_two_workers_gives_the_models_scores() {
    let model = BuiltIn::Scorer;
    let scorers = (0..2).map(|_| Scorer::load(&Backend::Tract).unwrap()).collect();
    let batcher = Batcher::start(scorers, sizes::BATCHING).unwrap();
    // In thousandths, as numpy gives them.
    for (number, checksum) in sizes::SCORE_CALLERS.into_iter().zip([294, 4010, 29_279]) {
        let callers = Callers::new(batcher.handle(), number);
        let answers = callers.ask().await.unwrap();
        model.check(&answers.scores).unwrap();
        assert_eq!(answers.taken.len(), number);
        assert_eq!(answers.checksum(), checksum);
        let observed = callers.observe(100).await.unwrap();
        assert!(observed.per_second() > 0.0);
        // A single caller waits for the whole time.
        assert!(number > 1 || observed.p99() >= sizes::BATCHING.max_wait, "{observed:?}");
    }
}
