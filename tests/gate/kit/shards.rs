//! A matrix of jobs, each of which measures a shard, and the job that merges them.

use std::fs;

use serde_json::json;

use super::Runner;
use crate::ab::mimic::mimic;
use crate::files::copy;

/// The matrix of the workflow that users copy.
fn matrix() -> Vec<String> {
    let workflow = fs::read_to_string(super::root().join("docs/github/bench-sharded.yml")).unwrap();
    let matrix = workflow.split("shard: [").nth(1).unwrap().split(']').next().unwrap();
    matrix.split(", ").map(str::to_owned).collect()
}

/// A project without a repository, whose executables are ready.
fn runner(slow: u32) -> Runner {
    let mut runner = Runner::new("workflow_dispatch", &json!({}));
    let text = "version = 1\n[ab]\ncounts = 0\nmachine_busy = \"warn\"\n";
    fs::write(runner.workspace().join("gate.toml"), text).unwrap();
    let home = runner.path("bin");
    let base = mimic(&home, "base", &[("TIMES", "a=100,b=100,c=100,d=100,e=100")]);
    let head = format!("a=100,b=100,c={slow},d=100,e=100");
    let head = mimic(&home, "head", &[("TIMES", head.as_str())]);
    let arguments = ["--base-exe", &base.display().to_string(), "--head-exe"].join("\n");
    runner
        .set("GATE_EXE", crate::GATE)
        .set("GATE_ARGS", &format!("{arguments}\n{}", head.display()))
        .set("GATE_ARTIFACT", "benchgate-report");
    runner
}

/// Measures a shard as its job does, and uploads it.
fn measure(runner: &mut Runner, shard: &str) {
    runner.set("GATE_SHARD", shard);
    let ran = runner.step("github/ab", &[]).ok();
    // The job does not fail, and does not pass for the whole.
    assert_eq!((ran.output("verdict"), ran.output("exit-code")), ("measured", "0"));
    assert!(ran.summary.contains(&format!("shard {shard}")), "{}", ran.summary);
    let artifact = ran.output("artifact");
    assert_eq!(artifact, format!("benchgate-report-shard-{}", &shard[..1]));
    let uploaded = runner.path("temp/benchgate-shards").join(artifact);
    copy(ran.output("report").as_ref(), &uploaded);
}

#[test]
fn the_jobs_of_a_matrix_reach_one_verdict() {
    let matrix = matrix();
    assert_eq!(matrix, ["1/4", "2/4", "3/4", "4/4"]);
    for (slow, code, verdict) in [(100, 0, "pass"), (120, 3, "regression")] {
        let mut runner = runner(slow);
        for shard in &matrix {
            measure(&mut runner, shard);
        }
        let shards = runner.path("temp/benchgate-shards").display().to_string();
        runner.set("GATE_SHARDS", &shards);
        let ran = runner.step("github/merge", &[]).ok();
        assert_eq!((ran.output("verdict"), ran.output("exit-code")), (verdict, &*code.to_string()));
        assert!(ran.summary.contains(&format!("(exit {code})")), "{}", ran.summary);
        assert!(runner.workspace().join("target/gate/report/report.html").is_file());
        runner.set("GATE_CODE", ran.output("exit-code"));
        assert_eq!(runner.step("github/verdict", &[]).code, code);
    }
}

#[test]
fn a_missing_shard_is_not_a_pass() {
    let mut runner = runner(100);
    let shards = runner.path("temp/benchgate-shards").display().to_string();
    runner.set("GATE_SHARDS", &shards);
    let ran = runner.step("github/merge", &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no shard was uploaded"), "{}", ran.stderr);

    for shard in ["1/3", "3/3"] {
        measure(&mut runner, shard);
    }
    let ran = runner.step("github/merge", &[]).ok();
    assert_eq!((ran.output("verdict"), ran.output("exit-code")), ("usage", "2"));
    assert!(ran.stdout.contains("shard 2 is missing, of 3: 2 are given"), "{}", ran.stdout);
    assert!(ran.summary.contains("**No report**"), "{}", ran.summary);
}

/// On a runner that is not thrown away, a job may find the shard of an earlier job.
#[test]
fn an_earlier_shard_is_not_uploaded() {
    let mut runner = runner(100);
    measure(&mut runner, "1/4");
    let report = runner.workspace().join("target/gate/report");
    assert!(report.join("head.json").is_file());
    runner.set("GATE_ARGS", "--base-exe\nnowhere\n--head-exe\nnowhere");
    let ran = runner.step("github/ab", &[]).ok();
    assert_eq!(ran.output("verdict"), "usage");
    assert!(!report.join("head.json").exists());
}
