//! probe
use benchgate::suite::inference::*;
use benchgate::suite::sizes;

#[test]
fn probe() {
    let backend =
        if std::env::var_os("ORT").is_some() { onnx_runtime().unwrap() } else { Backend::Tract };
    for m in BuiltIn::ALL {
        match Scorer::load_model(&backend, &m.into(), 1) {
            Err(e) => println!("{}: {e}", m.name()),
            Ok(mut s) => {
                for rows in sizes::BATCHES {
                    let t = std::time::Instant::now();
                    match s.score(&features(rows)) {
                        Err(e) => println!("{} {rows}: {e}", m.name()),
                        Ok(v) => {
                            let r = m.reference(rows).unwrap();
                            let d =
                                v.iter().zip(&r).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
                            let e = t.elapsed();
                            let t = std::time::Instant::now();
                            s.score(&features(rows)).unwrap();
                            println!("{} {rows}: off {d} {:?} then {:?}", m.name(), e, t.elapsed());
                        }
                    }
                }
            }
        }
    }
}
