//! The committed schema of reports.

use std::path::Path;

use benchgate::judge;

#[test]
fn the_committed_report_schema_is_current() {
    let text = serde_json::to_string_pretty(&judge::schema()).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/report.schema.json");
    if std::env::var_os("BENCHGATE_UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == text,
        "run `BENCHGATE_UPDATE_SCHEMAS=1 cargo test`, and commit {}",
        path.display()
    );
}
