//! Instructions of scoring, counted by iai-callgrind: the features of a lead, the rows of many
//! callers in one batch and their scores back to them, and tract's run of the multi-layer
//! perceptron.
//!
//! `tract_scorer` varies by half a percent: loading the model leaves the allocator with one heap
//! or another. All other counts are the same in every run. ONNX Runtime is not counted: it is a
//! library that was built elsewhere.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `scoring::scoring::feature_assembly lead` | The features of one lead. | – | Valgrind | none |
//! | `scoring::scoring::batch_assembly callers_64` | Putting the rows of 64 callers into one batch and handing each its score. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `scoring::scoring::tract_scorer {single,batch_8}` | One row or 8 rows through the multi-layer perceptron. | – | Valgrind | up to 0.5% |

mod valgrind;

mod scoring {
    use std::hint::black_box;

    use benchgate_suite::inference::{
        self, Backend, Batch, BuiltIn, Caller, InferenceError, LeadFields, Predict, Reply, Scorer,
    };
    use benchgate_suite::sizes;
    use iai_callgrind::{library_benchmark, library_benchmark_group, main};
    use tokio::sync::oneshot;

    use super::valgrind::with_heap;

    /// Callers in a batch.
    const CALLERS: u16 = 64;

    const LEAD: LeadFields<'_> = LeadFields {
        stage: "qualified",
        source: "referral",
        location: "Lisbon",
        email: "lead1234@example.com",
        budget: 450_000,
        rooms: 3,
        contacts: 9,
        created_at: 1_700_568_000,
        scored_at: 1_701_172_800,
    };

    type Row = [f32; sizes::FEATURES];

    fn assert_features(row: Row) {
        // The stage, the source, the location, the domain and the constant.
        assert_eq!(row.iter().filter(|feature| **feature == 1.0).count(), 5, "{row:?}");
    }

    #[library_benchmark]
    #[bench::lead(args = (LEAD), teardown = assert_features)]
    fn feature_assembly(lead: LeadFields<'_>) -> Row {
        inference::features_of(black_box(&lead))
    }

    /// A model that costs next to nothing: the score is the first feature of a row.
    struct First;

    impl Predict for First {
        fn width(&self) -> usize {
            sizes::FEATURES
        }

        fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
            Ok(features.iter().step_by(sizes::FEATURES).copied().collect())
        }
    }

    type Waiting = Vec<oneshot::Receiver<Reply>>;

    fn callers() -> (Batch, Vec<Caller>, Waiting) {
        let (callers, waiting) = (0..CALLERS)
            .map(|number| {
                let mut row = vec![0.0; sizes::FEATURES];
                row[0] = f32::from(number);
                Caller::new(row)
            })
            .unzip();
        (Batch::with_capacity(usize::from(CALLERS), sizes::FEATURES), callers, waiting)
    }

    fn assert_answered((_, waiting): (Batch, Waiting)) {
        for (number, mut reply) in (0..CALLERS).zip(waiting) {
            let score = reply.try_recv().expect("a reply").expect("a score");
            assert_eq!(score, f32::from(number), "each caller's own score");
        }
    }

    #[library_benchmark(config = with_heap())]
    #[bench::callers_64(setup = callers, teardown = assert_answered)]
    fn batch_assembly(
        (mut batch, callers, waiting): (Batch, Vec<Caller>, Waiting),
    ) -> (Batch, Waiting) {
        black_box(&mut batch).answer(black_box(callers), &mut First);
        (batch, waiting)
    }

    /// A loaded model that has scored a batch of this size before.
    fn loaded(rows: usize) -> (Scorer, Vec<f32>, Vec<f32>) {
        let mut scorer = Scorer::load(&Backend::Tract).expect("a loaded model");
        let features = inference::features(rows);
        scorer.score(&features).expect("scores");
        (scorer, features, Vec::new())
    }

    fn assert_scored((_, _, scores): (Scorer, Vec<f32>, Vec<f32>)) {
        BuiltIn::Scorer.check(&scores).expect("the model's scores");
    }

    #[library_benchmark]
    #[bench::single(args = (1), setup = loaded, teardown = assert_scored)]
    #[bench::batch_8(args = (8), setup = loaded, teardown = assert_scored)]
    fn tract_scorer(
        (mut scorer, features, _): (Scorer, Vec<f32>, Vec<f32>),
    ) -> (Scorer, Vec<f32>, Vec<f32>) {
        let scores = black_box(&mut scorer).score(black_box(&features)).expect("scores");
        (scorer, features, scores)
    }

    library_benchmark_group!(
        name = scoring;
        benchmarks = feature_assembly, batch_assembly, tract_scorer
    );
    main!(library_benchmark_groups = scoring);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    valgrind::run("inference_instructions", scoring::run);
}
