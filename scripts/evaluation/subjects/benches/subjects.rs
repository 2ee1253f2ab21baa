//! All subjects under criterion.

use criterion::{Criterion, criterion_group, criterion_main};

fn all(criterion: &mut Criterion) {
    // Kept in the program, never timed.
    std::hint::black_box(subjects::others as fn(u64) -> u64);
    // Of the rest only times are recorded.
    let subjects = if std::env::var_os("HEAP").is_some() {
        subjects::heap::prepare();
        subjects::heap::subjects()
    } else {
        subjects::subjects()
    };
    for (name, mut body) in subjects {
        criterion.bench_function(name, |bencher| bencher.iter(&mut body));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
