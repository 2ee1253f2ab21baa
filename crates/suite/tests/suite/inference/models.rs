//! The scores of models, and the models that are refused.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use benchgate_suite::inference::{
    self, Backend, BuiltIn, InferenceError, Model, Rates, Scorer, features,
};
use benchgate_suite::sizes;

/// Set in a process that a test starts to run itself again.
const INSIDE: &str = "BENCHGATE_TEST_INSIDE";
/// The prefix of lines that such a process sends to the test.
const MARK: &str = "line:";

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Sends a line to the test that started this process.
fn tell(text: impl std::fmt::Display) {
    // After the beginning of a line that the test harness has printed.
    writeln!(std::io::stdout().lock(), "\n{MARK}{text}").unwrap();
}

/// Runs only `test` of this test program in another process, with another backend or with
/// the variables that `set` sets. Returns the lines that it sends.
fn lines(test: &str, set: impl FnOnce(&mut Command)) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        &format!("inference::models::{test}"),
        "--include-ignored",
        "--nocapture",
    ]);
    command.env(INSIDE, "1").env_remove("MODEL_PATH");
    set(&mut command);
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed.lines().filter_map(|line| line.strip_prefix(MARK)).map(str::to_owned).collect()
}

fn example(name: &str) -> Model {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models");
    Model::File(fixtures.join(format!("{name}.onnx")))
}

fn every_model_gives_numpys_scores(backend: &Backend) {
    for model in BuiltIn::ALL {
        let mut session = Scorer::load_model(backend, &model.into(), 1).unwrap();
        assert_eq!(session.width(), 32);
        for rows in sizes::BATCHES {
            let scores = session.score(&features(rows)).unwrap();
            assert_eq!(scores.len(), rows);
            model.check(&scores).unwrap();
        }
    }
}

#[test]
fn tract_scores_as_numpy_does() {
    every_model_gives_numpys_scores(&Backend::Tract);
    // The scores that the first version of the script printed.
    let scores = Scorer::load(&Backend::Tract).unwrap().score(&features(4)).unwrap();
    for (score, right) in scores.iter().zip([0.293_679, 0.382_267, 0.459_172, 0.600_124]) {
        assert!((score - right).abs() < 1e-5, "{scores:?}");
    }
    assert_eq!(inference::checksum(&scores), 294 + 382 + 459 + 600);
}

#[test]
#[ignore = "needs ONNX Runtime's library: scripts/test installs it"]
fn onnx_runtime_scores_as_numpy_does() {
    if inside() {
        let backend = inference::onnx_runtime().unwrap();
        every_model_gives_numpys_scores(&backend);
        // The same with several threads in one session.
        let model = BuiltIn::Encoder;
        let mut scorer = Scorer::load_model(&backend, &model.into(), 2).unwrap();
        model.check(&scorer.score(&features(64)).unwrap()).unwrap();
        tell("all of them");
        return;
    }
    assert_eq!(lines("onnx_runtime_scores_as_numpy_does", |_| ()), ["all of them"]);
}

#[test]
fn a_wrong_score_is_an_error() {
    let model = BuiltIn::ScorerInt8;
    let mut scores = model.reference(8).unwrap();
    model.check(&scores).unwrap();
    scores[3] += 0.02;
    let right = model.reference(8).unwrap()[3];
    assert_eq!(
        model.check(&scores).unwrap_err().to_string(),
        format!("scorer_int8, row 3: the score is {}, but numpy gives {right}", right + 0.02)
    );
    scores[3] = f32::NAN;
    assert!(matches!(model.check(&scores), Err(InferenceError::WrongScore { row: 3, .. })));
    assert_eq!(
        model.check(&scores[..5]).unwrap_err().to_string(),
        "no reference scores for a batch of 5 rows, only for [1, 8, 16, 32, 64]"
    );
}

#[test]
fn int8_is_close_to_f32_and_another_model() {
    for (exact, rounded) in
        [(BuiltIn::Scorer, BuiltIn::ScorerInt8), (BuiltIn::Encoder, BuiltIn::EncoderInt8)]
    {
        let pairs =
            |rows| std::iter::zip(exact.reference(rows).unwrap(), rounded.reference(rows).unwrap());
        let off = pairs(64).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off > 1e-3 && off < 0.015, "{off}");
        assert!(
            rounded.onnx().len() * 5 < exact.onnx().len() * 2,
            "the rounded model is not much smaller"
        );
    }
}

#[test]
fn half_a_row_is_refused() {
    let mut scorer = Scorer::load(&Backend::Tract).unwrap();
    let error = scorer.score(&[0.0; 33]).unwrap_err();
    assert_eq!(error.to_string(), "33 values are not a whole number of rows of 32 features");
    assert!(matches!(scorer.score(&[]), Err(InferenceError::Features { values: 0, width: 32 })));
}

#[test]
fn a_second_backend_in_one_process_is_refused() {
    Scorer::load(&Backend::Tract).unwrap();
    let other = Backend::OnnxRuntime(PathBuf::from("/nowhere/libonnxruntime.so"));
    let error = Scorer::load(&other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this process already runs inference on tract; ONNX Runtime \
         (/nowhere/libonnxruntime.so) needs another process"
    );
    assert!(matches!(other.start(), Err(InferenceError::OtherBackend { .. })));
    Backend::Tract.start().unwrap();
}

#[test]
fn tract_has_one_thread() {
    let error =
        Scorer::load_model(&Backend::Tract, &BuiltIn::Encoder.into(), 2).unwrap_err().to_string();
    assert!(
        error.starts_with("the model cannot be used: tract computes with one thread"),
        "{error}"
    );
}

fn other_models_are_read_or_refused(backend: &Backend) {
    let load = |name| Scorer::load_model(backend, &example(name), 1);
    let mut sums = load("sums").unwrap();
    assert_eq!(sums.width(), 4);
    let rows: Vec<f32> = (1..=12_u8).map(f32::from).collect();
    assert_eq!(sums.score(&rows).unwrap(), [10.0, 26.0, 42.0]);
    // The first number of each row; the label is another output.
    assert_eq!(load("classifier").unwrap().score(&rows).unwrap(), [-1.0, -5.0, -9.0]);

    for (name, what) in [
        ("two_inputs", "it has 2 inputs (row, more)"),
        ("integers", "its input `row` is Tensor<i64>("),
        ("one_row", "its input `row` takes only batches of 1: Tensor<f32>("),
        ("picture", "its input `row` is Tensor<f32>("),
        ("label", "no output is a tensor of f32"),
    ] {
        let error = load(name).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the model cannot be used: {what}")), "{name}: {error}");
        assert!(error.contains("; it needs one input, a tensor of f32 [batch, n]"), "{error}");
    }
    let error = load("one_score").unwrap().score(&rows).unwrap_err();
    assert_eq!(error.to_string(), "the model returned 1 scores for 3 rows; expected one per row");
}

/// Truncated, empty, without a beginning, and not a model at all.
fn damaged_models_are_refused(backend: &Backend) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("damaged.onnx");
    let whole = BuiltIn::Encoder.onnx();
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Scorer::load_model(backend, &Model::File(path.clone()), 1)
    };
    load(whole).unwrap();
    let mut damaged: Vec<Vec<u8>> =
        (1..20).map(|part| whole[..whole.len() * part / 20].to_vec()).collect();
    damaged.push(Vec::new());
    damaged.push(b"not a model at all".to_vec());
    damaged.push(whole[1000..].to_vec());
    for bytes in damaged {
        let error = load(&bytes).map(drop).unwrap_err().to_string();
        // One of the backends reads an empty file as an empty model.
        assert!(
            error.contains("cannot load the model: ") || error.contains("it has 0 inputs"),
            "{} bytes: {error}",
            bytes.len()
        );
    }
    let missing = Model::File(directory.path().join("missing.onnx"));
    let error = Scorer::load_model(backend, &missing, 1).unwrap_err().to_string();
    assert!(error.contains("cannot load the model: "), "{error}");
}

#[test]
fn tract_reads_or_refuses_other_models() {
    other_models_are_read_or_refused(&Backend::Tract);
}

#[test]
#[ignore = "needs ONNX Runtime's library: scripts/test installs it"]
fn onnx_runtime_reads_or_refuses_other_models() {
    if inside() {
        other_models_are_read_or_refused(&inference::onnx_runtime().unwrap());
        tell("as it should");
        return;
    }
    assert_eq!(lines("onnx_runtime_reads_or_refuses_other_models", |_| ()), ["as it should"]);
}

#[test]
fn tract_refuses_damaged_models() {
    // In another process, which a panic inside tract would end.
    if inside() {
        damaged_models_are_refused(&Backend::Tract);
        tell("as it should");
        return;
    }
    assert_eq!(lines("tract_refuses_damaged_models", |_| ()), ["as it should"]);
}

#[test]
#[ignore = "needs ONNX Runtime's library: scripts/test installs it"]
fn onnx_runtime_refuses_damaged_models() {
    if inside() {
        damaged_models_are_refused(&inference::onnx_runtime().unwrap());
        tell("as it should");
        return;
    }
    assert_eq!(lines("onnx_runtime_refuses_damaged_models", |_| ()), ["as it should"]);
}

#[test]
fn model_path_names_a_file_or_is_a_reason() {
    if inside() {
        match Model::named() {
            Ok(Some(Model::File(path))) => tell(path.display()),
            Ok(other) => tell(format!("{other:?}")),
            Err(unavailable) => tell(unavailable),
        }
        return;
    }
    let found = |path: Option<&str>| {
        lines("model_path_names_a_file_or_is_a_reason", |command| {
            if let Some(path) = path {
                command.env("MODEL_PATH", path);
            }
        })
    };
    assert_eq!(found(None), ["None"]);
    assert_eq!(found(Some("")), ["None"]);
    let reason = "MODEL_PATH is /nowhere/model.onnx, which is not a file; set it to an ONNX \
                  model, or unset it";
    assert_eq!(found(Some("/nowhere/model.onnx")), [reason]);
    let Model::File(path) = example("sums") else { panic!("a file") };
    assert_eq!(found(path.to_str()), [path.to_str().unwrap()]);
}

#[test]
fn a_file_that_is_not_a_library_is_refused() {
    if inside() {
        let backend = inference::onnx_runtime().unwrap();
        tell(backend.start().unwrap_err().to_string().replace('\n', " "));
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no library").unwrap();
    let found = lines("a_file_that_is_not_a_library_is_refused", |command| {
        command.env("ORT_DYLIB_PATH", file.path());
    });
    let [reason] = &found[..] else { panic!("{found:?}") };
    assert!(reason.starts_with("cannot load ONNX Runtime: "), "{reason}");
    assert!(reason.contains("or set ORT_DYLIB_PATH to another library"), "{reason}");
}

#[test]
fn a_speed_up_is_relative_to_single_rows() {
    let mut scorer = Scorer::load(&Backend::Tract).unwrap();
    let rates = Rates::measure(&mut scorer, &[1, 8]).unwrap();
    let [single, eight] = rates.rates() else { panic!("{rates:?}") };
    assert_eq!((single.rows, eight.rows), (1, 8));
    assert_eq!(rates.speedup(8), Some(eight.per_second / single.per_second));
    assert_eq!(rates.speedup(1), Some(1.0));
    assert_eq!(rates.speedup(64), None);
    let alone = Rates::measure(&mut scorer, &[8]).unwrap();
    assert_eq!(alone.speedup(8), None);
}

#[test]
#[cfg(target_os = "linux")]
fn the_peak_grows_with_the_used_memory() {
    let before = inference::resident_peak().unwrap();
    let touched = vec![1_u8; 64 << 20];
    let after = inference::resident_peak().unwrap();
    assert!(after >= 64 << 20, "{after} with {} touched", touched.len());
    assert!(after >= before);
}
