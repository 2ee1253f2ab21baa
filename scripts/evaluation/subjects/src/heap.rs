//! Bodies that use the heap, behind a set-up that leaves another heap for each seed.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::sync::Arc;

use crate::{Body, Slowdown, numbers};

/// Leaves blocks of many sizes on the heap, and holes between them, by the seed in the
/// environment: `HEAP=7`. Without one it does nothing.
pub fn prepare() {
    let Some(seed) = std::env::var("HEAP").ok().and_then(|text| text.parse::<u64>().ok()) else {
        return;
    };
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = |below: u64| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x % below
    };
    let count = 1000 + random(4000);
    let mut blocks: Vec<Option<Vec<u8>>> = (0..count)
        .map(|_| {
            let size = if random(50) == 0 { random(200_000) } else { 8 + random(600) };
            Some(vec![1; usize::try_from(size).expect("it fits")])
        })
        .collect();
    let one_in = 2 + random(6);
    for block in &mut blocks {
        if random(one_in) == 0 {
            *block = None;
        }
    }
    // The holes stay, and so do the blocks between them.
    std::mem::forget(blocks);
}

/// The subjects by name.
pub fn subjects() -> Vec<(&'static str, Body)> {
    let names: [(&str, fn(Slowdown) -> Body); 8] = [
        ("decode", |slow| decode(slow, 90)),
        ("decode_long", |slow| decode(slow, 2000)),
        ("json_tree", json),
        ("cache", cache),
        ("lines", lines),
        ("grow", grow),
        ("random_map", random_map),
        ("addresses", addresses),
    ];
    names.into_iter().map(|(name, make)| (name, make(Slowdown::of(name)))).collect()
}

/// Rows of two texts each, as long as `longest` at most.
fn decode(slow: Slowdown, longest: usize) -> Body {
    let source = vec![b'x'; 8192];
    Box::new(move || {
        slow.spin();
        let mut rows = Vec::new();
        for row in 0..300_usize {
            let text = |from: usize, length: usize| {
                String::from_utf8_lossy(&source[from..from + length]).into_owned()
            };
            let first = text(row % 32, 8 + row * 7 % longest);
            let second = (row % 4 > 0).then(|| text(0, 5 + row * 13 % longest));
            rows.push((first, second, row as u64));
        }
        rows.iter().map(|(first, second, row)| (first.len() + second.iter().len()) as u64 ^ row).sum()
    })
}

/// A document as a tree of values, written again.
fn json(slow: Slowdown) -> Body {
    let rows: Vec<String> = numbers(60)
        .iter()
        .enumerate()
        .map(|(at, n)| {
            format!(r#"{{"id":{at},"name":"user {n:x}","tags":["a{at}","b","long {n}"],"score":0.5}}"#)
        })
        .collect();
    let document = format!("[{}]", rows.join(","));
    Box::new(move || {
        slow.spin();
        let tree: serde_json::Value = serde_json::from_str(&document).expect("it is JSON");
        serde_json::to_string(&tree).expect("it can be written").len() as u64
    })
}

/// A bounded cache: lookups, insertions, and the oldest entry removed for each new one.
fn cache(slow: Slowdown) -> Body {
    type Map = HashMap<u64, Arc<(u64, Vec<u8>)>, BuildHasherDefault<DefaultHasher>>;
    let keys = numbers(512);
    Box::new(move || {
        slow.spin();
        let mut map = Map::default();
        let mut oldest = VecDeque::new();
        let mut hits = 0;
        for key in keys.iter().flat_map(|key| [key % 300, key % 70]) {
            if let Some(entry) = map.get(&key) {
                hits += Arc::clone(entry).0;
                continue;
            }
            let size = 16 + key % 200;
            let value = vec![1; usize::try_from(size).expect("it fits")];
            map.insert(key, Arc::new((1, value)));
            oldest.push_back(key);
            if oldest.len() > 128 {
                map.remove(&oldest.pop_front().expect("there is one"));
            }
        }
        hits
    })
}

/// Text that is split, joined and formatted.
fn lines(slow: Slowdown) -> Body {
    let text: String = numbers(200).iter().map(|n| format!("key {n}=value {:x};\n", n >> 7)).collect();
    Box::new(move || {
        slow.spin();
        let lines: Vec<Vec<String>> = text
            .lines()
            .map(|line| line.split('=').map(str::to_uppercase).collect())
            .collect();
        lines.iter().map(|parts| parts.join(": ")).map(|line| line.len() as u64).sum()
    })
}

/// Vectors that grow as they are filled, to a megabyte.
fn grow(slow: Slowdown) -> Body {
    Box::new(move || {
        slow.spin();
        let mut all = vec![Vec::new(); 4];
        for n in 0..30_000_u64 {
            all[usize::try_from(n % 4).expect("it fits")].push(black_box(n));
        }
        all.iter().map(|part| part.len() as u64).sum()
    })
}

/// A map whose hashes begin with a random number in each process.
fn random_map(slow: Slowdown) -> Body {
    let keys = numbers(500);
    Box::new(move || {
        slow.spin();
        let mut map: HashMap<u64, String, RandomState> = HashMap::default();
        for key in &keys {
            map.insert(*key, format!("{key:x}"));
        }
        keys.iter().map(|key| map[key].len() as u64).sum()
    })
}

/// Blocks that are sorted by their addresses.
fn addresses(slow: Slowdown) -> Body {
    Box::new(move || {
        slow.spin();
        let blocks: Vec<Box<u64>> = (0..400).map(Box::new).collect();
        let sorted: BTreeSet<usize> =
            blocks.iter().map(|block| std::ptr::from_ref(&**block) as usize / 16 % 1021).collect();
        sorted.iter().take(100).map(|address| *address as u64).sum()
    })
}
