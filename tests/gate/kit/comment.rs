//! Which pull request gets the comment, and that it gets only one.

use serde_json::{Value, json};

use super::{COMMIT, Ran, Runner, followed};

const BODY: &str = "<!-- benchgate -->\n✅ **PASS** – `a\"b` \\ $(touch here)\n\n$HOME %0A\n";

/// An open pull request, as GitHub lists it.
fn pull(number: u64, head: &str, branch: &str, commit: &str, base: &str) -> Value {
    json!({
        "number": number,
        "state": "open",
        "head": { "ref": branch, "sha": commit, "repo": { "full_name": head } },
        "base": { "ref": "main", "repo": { "full_name": base } },
    })
}

fn comment(id: u64, login: &str, kind: &str, body: &str) -> Value {
    json!({ "id": id, "user": { "login": login, "type": kind }, "body": body })
}

fn runner(event: &Value, pulls: &[Value], comments: &str) -> Runner {
    let mut runner = Runner::new("workflow_run", event);
    runner.set("GATE_BODY", BODY);
    runner.answer("pulls.json", json!(pulls).to_string());
    runner.answer("comments.json", comments);
    runner
}

/// The method and the address of the written comment.
fn written(runner: &Runner, ran: &Ran) -> Option<String> {
    let call = ran.calls.iter().find(|call| call.contains("--input"))?;
    let input = std::fs::read_to_string(runner.path("fake/input")).unwrap();
    let input: Value = serde_json::from_str(&input).unwrap();
    assert_eq!(input, json!({ "body": BODY }), "the text was changed");
    let words: Vec<&str> = call.split(" | ").collect();
    assert_eq!(words[0..2], ["api", "--method"]);
    assert_eq!(words[4..], ["--input", "-"]);
    Some(format!("{} {}", words[2], words[3]))
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn a_forks_pull_request_is_found_by_repository_branch_and_commit() {
    let pulls = [
        pull(10, "mallory/widgets", "slower", COMMIT, "acme/widgets"),
        pull(11, "mallory/widgets", "faster", COMMIT, "other/widgets"),
        pull(12, "mallory/widgets", "faster", COMMIT, "acme/widgets"),
        pull(13, "mallory/copy", "faster", COMMIT, "acme/widgets"),
        pull(14, "eve/widgets", "faster", COMMIT, "acme/widgets"),
    ];
    let runner = runner(&followed("failure"), &pulls, "[]");
    let ran = runner.step("github/comment", &[]).ok();
    assert_eq!(
        ran.calls[0],
        "api | --method | GET | repos/acme/widgets/pulls | -f | state=open | -f | \
         head=mallory:faster | -f | per_page=100"
    );
    assert_eq!(
        written(&runner, &ran).as_deref(),
        Some("POST repos/acme/widgets/issues/12/comments")
    );
    assert_eq!(ran.calls.len(), 3, "{:?}", ran.calls);
    assert!(!runner.workspace().join("here").exists());
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn the_earlier_comment_is_replaced() {
    let pulls = [pull(12, "mallory/widgets", "faster", COMMIT, "acme/widgets")];
    let ours = "<!-- benchgate -->\nearlier";
    // Comments come in pages. Only comments of the bot that begin with the mark count.
    let pages = [
        json!([
            comment(1, "mallory", "User", ours),
            comment(2, "github-actions[bot]", "User", ours),
            comment(3, "dependabot[bot]", "Bot", ours),
            comment(4, "github-actions[bot]", "Bot", &format!("> {ours}")),
        ]),
        json!([
            comment(5, "github-actions[bot]", "Bot", ours),
            comment(6, "github-actions[bot]", "Bot", ours),
        ]),
    ];
    let pages = pages.map(|page| page.to_string()).concat();
    let runner = runner(&followed("success"), &pulls, &pages);
    let ran = runner.step("github/comment", &[]).ok();
    assert_eq!(
        written(&runner, &ran).as_deref(),
        Some("PATCH repos/acme/widgets/issues/comments/5")
    );
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn without_a_pull_request_there_is_no_comment() {
    let moved_on = "2f0c9a2b3d4e5f60718293a4b5c6d7e8f9012345";
    let mut deleted = pull(12, "mallory/widgets", "faster", COMMIT, "acme/widgets");
    deleted["head"]["repo"] = Value::Null;
    for pulls in [
        vec![],
        vec![pull(12, "mallory/widgets", "faster", moved_on, "acme/widgets")],
        vec![deleted],
    ] {
        let runner = runner(&followed("failure"), &pulls, "[]");
        let ran = runner.step("github/comment", &[]).ok();
        assert_eq!((written(&runner, &ran), ran.calls.len()), (None, 1));
        assert!(ran.stderr.contains("no comment"), "{}", ran.stderr);
    }
    let mut event = followed("failure");
    event["workflow_run"]["head_repository"] = Value::Null;
    let ran = runner(&event, &[], "[]").step("github/comment", &[]).ok();
    assert_eq!(ran.calls.len(), 0);
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn two_pull_requests_at_one_commit_get_no_comment() {
    let two = |head: &str| [12, 13].map(|n| pull(n, head, "faster", COMMIT, "acme/widgets"));
    let runner_of_fork = runner(&followed("failure"), &two("mallory/widgets"), "[]");
    let ran = runner_of_fork.step("github/comment", &[]).ok();
    assert_eq!((written(&runner_of_fork, &ran), ran.calls.len()), (None, 1));

    // For a branch of this repository, the event names the pull request.
    let mut event = followed("failure");
    event["workflow_run"]["head_repository"] =
        json!({ "full_name": "acme/widgets", "owner": { "login": "acme" } });
    let named = |numbers: &[u64]| -> Value {
        numbers.iter().map(|number| json!({ "number": number })).collect()
    };
    for (numbers, wanted) in [
        (&[13][..], Some("POST repos/acme/widgets/issues/13/comments")),
        (&[12, 13], None),
        // A pull request that is not at this commit is not used, although the event names it.
        (&[99], None),
    ] {
        event["workflow_run"]["pull_requests"] = named(numbers);
        let runner = runner(&event, &two("acme/widgets"), "[]");
        let ran = runner.step("github/comment", &[]).ok();
        assert_eq!(written(&runner, &ran).as_deref(), wanted, "{numbers:?}");
        assert_eq!(ran.stderr.contains("no comment"), wanted.is_none(), "{}", ran.stderr);
    }
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn a_branch_can_have_any_name() {
    for branch in ["@/etc/passwd", "a&state=closed", "$(touch here)", "-X", "a b\"'\\", "é/%2e"] {
        let mut event = followed("failure");
        event["workflow_run"]["head_branch"] = json!(branch);
        let pulls = [pull(12, "mallory/widgets", branch, COMMIT, "acme/widgets")];
        let runner = runner(&event, &pulls, "[]");
        let ran = runner.step("github/comment", &[]).ok();
        // `-f` passes a single argument unchanged.
        assert!(ran.calls[0].contains(&format!("| -f | head=mallory:{branch} | -f |")));
        assert_eq!(
            written(&runner, &ran).as_deref(),
            Some("POST repos/acme/widgets/issues/12/comments"),
            "{branch}"
        );
        assert!(!runner.workspace().join("here").exists());
    }
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn an_empty_body_or_a_foreign_repository_gets_no_comment() {
    let pulls = [pull(12, "mallory/widgets", "faster", COMMIT, "acme/widgets")];
    for (body, code) in [("", 0), ("no mark", 2)] {
        let mut runner = runner(&followed("success"), &pulls, "[]");
        runner.set("GATE_BODY", body);
        let ran = runner.step("github/comment", &[]);
        assert_eq!((ran.code, ran.calls.len()), (code, 0), "{body:?}");
    }
    let mut event = followed("success");
    event["workflow_run"]["event"] = json!("push");
    let ran = runner(&event, &pulls, "[]").step("github/comment", &[]);
    assert_eq!((ran.code, ran.calls.len()), (2, 0));

    let failing = runner(&followed("success"), &pulls, "[]");
    failing.answer("gh-fails", "");
    assert_ne!(failing.step("github/comment", &[]).code, 0);
}
