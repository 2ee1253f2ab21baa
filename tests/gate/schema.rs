//! The committed schemas of the files for other tools.

fn is_current(name: &str, schema: &serde_json::Value) {
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    let path = crate::root().join("docs/schema").join(name);
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

#[test]
fn the_committed_report_schema_is_current() {
    is_current("report.schema.json", &benchgate::judge::schema());
}

#[test]
fn the_committed_policy_schema_is_current() {
    is_current("policy.schema.json", &benchgate::policy::schema());
}

#[test]
fn the_committed_calibration_schema_is_current() {
    is_current("calibration.schema.json", &benchgate::calibrate::schema());
}

#[test]
fn the_committed_noise_schema_is_current() {
    is_current("noise.schema.json", &benchgate::baseline::noise_schema());
}

#[test]
fn the_committed_diagnosis_schema_is_current() {
    is_current("diagnosis.schema.json", &benchgate::doctor::schema());
}

#[test]
fn the_policy_schema_accepts_the_defaults() {
    let schema = benchgate::policy::schema();
    let defaults: serde_json::Value = toml::from_str(benchgate::policy::DEFAULT).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&defaults));
    assert!(!validator.is_valid(&serde_json::json!({"version": 1, "tolerence": "1%"})));
}
