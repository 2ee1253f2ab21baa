//! Small, typical pieces of work, each with a slowdown that is turned on at run time, so that
//! the code stays the same.
//!
//! There are two kinds of slowdown. A *spin* adds a number of loop turns to each iteration. A
//! *cause* is a typical careless change: a clone, a second lookup, an allocation.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::io::Read as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

pub mod heap;

include!(concat!(env!("OUT_DIR"), "/neutral.rs"));

/// The slowdown of a subject.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slowdown {
    /// Loop turns added to each iteration.
    pub spin: u64,
    /// Whether the careless change is active.
    pub cause: bool,
}

impl Slowdown {
    /// Reads the slowdown from the environment: `SLOWDOWN="sort=12,parse=cause"`.
    pub fn of(subject: &str) -> Self {
        let all = std::env::var("SLOWDOWN").unwrap_or_default();
        let asked = all.split(',').filter_map(|pair| pair.split_once('='));
        asked.filter(|(name, _)| *name == subject).fold(Self::default(), |slow, (_, how)| {
            match how {
                "cause" => Self { cause: true, ..slow },
                turns => Self { spin: turns.parse().expect("a number of turns"), ..slow },
            }
        })
    }

    fn spin(self) {
        let mut turns = self.spin;
        while black_box(turns) > 0 {
            turns -= 1;
        }
    }
}

/// A body, which returns a checksum.
pub type Body = Box<dyn FnMut() -> u64>;

/// Numbers that look random and are the same everywhere.
fn numbers(count: usize) -> Vec<u64> {
    let mut x = 0x2545_F491_4F6C_DD1D_u64;
    (0..count)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        })
        .collect()
}

/// The subjects by name.
pub fn subjects() -> Vec<(&'static str, Body)> {
    let names: [(&str, fn(Slowdown) -> Body); 13] = [
        ("sort", sort),
        ("hash", hash),
        ("map_get", map_get),
        ("tree_get", tree_get),
        ("parse", parse),
        ("json", json),
        ("boxes", boxes),
        ("matrix", matrix),
        ("format", format_numbers),
        ("dispatch", dispatch),
        ("copy_8mib", copy),
        ("ping_pong", ping_pong),
        ("file_read", file_read),
    ];
    names.into_iter().map(|(name, make)| (name, make(Slowdown::of(name)))).collect()
}

fn sort(slow: Slowdown) -> Body {
    let data = numbers(1000);
    Box::new(move || {
        slow.spin();
        let mut sorted = data.clone();
        if slow.cause {
            sorted = black_box(sorted.clone());
        }
        sorted.sort_unstable();
        sorted[500]
    })
}

fn hash(slow: Slowdown) -> Body {
    let text: String = numbers(256).iter().map(|n| format!("{n:016x}")).collect();
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    Box::new(move || {
        slow.spin();
        if slow.cause {
            return hasher.hash_one(black_box(text.clone()));
        }
        hasher.hash_one(&text)
    })
}

fn map_get(slow: Slowdown) -> Body {
    let keys = numbers(4096);
    let map: HashMap<u64, u64> = keys.iter().map(|key| (*key, key >> 3)).collect();
    Box::new(move || {
        slow.spin();
        let mut sum = 0_u64;
        for (at, key) in keys.iter().step_by(16).enumerate() {
            if slow.cause && at % 16 == 0 && !black_box(map.contains_key(key)) {
                continue;
            }
            sum = sum.wrapping_add(map[key]);
        }
        sum
    })
}

fn tree_get(slow: Slowdown) -> Body {
    let keys = numbers(10_000);
    let map: BTreeMap<u64, u64> = keys.iter().map(|key| (*key, key >> 3)).collect();
    Box::new(move || {
        slow.spin();
        let mut sum = 0_u64;
        for (at, key) in keys.iter().step_by(80).enumerate() {
            if slow.cause && at % 16 == 0 && !black_box(map.contains_key(key)) {
                continue;
            }
            sum = sum.wrapping_add(map[key]);
        }
        sum
    })
}

fn parse(slow: Slowdown) -> Body {
    let text: String =
        numbers(300).chunks(3).map(|n| format!("{},{},{}\n", n[0] >> 40, n[1] >> 44, n[2] >> 48)).collect();
    Box::new(move || {
        slow.spin();
        let mut sum = 0_u64;
        for (at, line) in text.lines().enumerate() {
            let owned = (slow.cause && at % 3 == 0).then(|| black_box(line.to_owned()));
            for field in owned.as_deref().unwrap_or(line).split(',') {
                sum += field.parse::<u64>().unwrap_or_default();
            }
        }
        sum
    })
}

fn json(slow: Slowdown) -> Body {
    let leads: Vec<_> = numbers(8)
        .iter()
        .map(|n| serde_json::json!({ "id": n, "name": format!("lead {n}"), "score": 0.5, "tags": ["a", "b"] }))
        .collect();
    let text = serde_json::to_string(&leads).expect("it is JSON");
    Box::new(move || {
        slow.spin();
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        if slow.cause {
            black_box(read[0].clone());
        }
        serde_json::to_string(&read).expect("it is JSON").len() as u64
    })
}

fn boxes(slow: Slowdown) -> Body {
    let sizes: Vec<usize> = numbers(200).iter().map(|n| 16 + (n % 200) as usize).collect();
    Box::new(move || {
        slow.spin();
        let mut kept = Vec::with_capacity(sizes.len());
        for (at, size) in sizes.iter().enumerate() {
            kept.push(vec![at as u8; *size]);
            if slow.cause && at % 24 == 0 {
                black_box(kept[at].clone());
            }
        }
        kept.iter().map(|one| u64::from(one[0])).sum()
    })
}

fn matrix(slow: Slowdown) -> Body {
    const N: usize = 32;
    let a: Vec<f64> = numbers(N * N).iter().map(|n| (n % 100) as f64).collect();
    let mut c = vec![0.0; N * N];
    Box::new(move || {
        slow.spin();
        c.fill(0.0);
        for row in 0..N {
            for k in 0..N {
                let scale = a[row * N + k];
                for column in 0..N {
                    c[row * N + column] += scale * a[k * N + column];
                }
            }
        }
        if slow.cause {
            // Read once more by columns.
            black_box((0..N * N).map(|at| c[at % N * N + at / N]).sum::<f64>());
        }
        c[N + 1] as u64
    })
}

fn format_numbers(slow: Slowdown) -> Body {
    let values = numbers(64);
    Box::new(move || {
        slow.spin();
        let mut text = String::new();
        for (at, value) in values.iter().enumerate() {
            if slow.cause && at % 24 == 0 {
                text += &black_box(value.to_string());
                text.push(' ');
            } else {
                write!(text, "{value} ").expect("a string takes everything");
            }
        }
        if slow.cause { black_box(text.clone()).len() as u64 } else { text.len() as u64 }
    })
}

trait Shape {
    fn area(&self) -> u64;
}
struct Square(u64);
struct Oblong(u64, u64);
impl Shape for Square {
    fn area(&self) -> u64 {
        self.0.wrapping_mul(self.0)
    }
}
impl Shape for Oblong {
    fn area(&self) -> u64 {
        self.0.wrapping_mul(self.1)
    }
}

fn dispatch(slow: Slowdown) -> Body {
    let values = numbers(2000);
    let shapes: Vec<Box<dyn Shape>> = values
        .chunks(2)
        .map(|pair| -> Box<dyn Shape> {
            if pair[0] & 1 == 0 { Box::new(Square(pair[0])) } else { Box::new(Oblong(pair[0], pair[1])) }
        })
        .collect();
    // Larger than a core's caches: a read from here waits for memory.
    let far: Vec<u64> = vec![1; 4 << 20];
    let mut place = 0_usize;
    Box::new(move || {
        slow.spin();
        let mut sum = 0_u64;
        for shape in &shapes {
            sum = sum.wrapping_add(shape.area());
        }
        if slow.cause {
            for _ in 0..2 {
                place = (place.wrapping_mul(5).wrapping_add(1_234_567)) % far.len();
                sum = sum.wrapping_add(black_box(far[place]));
            }
        }
        sum
    })
}

fn copy(slow: Slowdown) -> Body {
    const SIZE: usize = 8 << 20;
    let from = vec![7_u8; SIZE + SIZE / 32];
    let mut to = vec![0_u8; SIZE + SIZE / 32];
    Box::new(move || {
        slow.spin();
        let size = if slow.cause { SIZE + SIZE / 32 } else { SIZE };
        to[..size].copy_from_slice(black_box(&from[..size]));
        u64::from(to[size - 1])
    })
}

/// Two threads that hand a number to each other.
fn ping_pong(slow: Slowdown) -> Body {
    let (ping, pinged): (SyncSender<u64>, Receiver<u64>) = sync_channel(1);
    let (pong, ponged) = sync_channel(1);
    thread::spawn(move || {
        for number in pinged {
            if pong.send(number + 1).is_err() {
                break;
            }
        }
    });
    Box::new(move || {
        slow.spin();
        let mut number = 0;
        for _ in 0..if slow.cause { 33 } else { 32 } {
            ping.send(number).expect("the other thread is there");
            number = ponged.recv().expect("the other thread is there");
        }
        number
    })
}

fn file_read(slow: Slowdown) -> Body {
    let place = std::env::current_exe().expect("this program is a file");
    let mut buffer = vec![0_u8; 64 << 10];
    Box::new(move || {
        slow.spin();
        let mut file = File::open(&place).expect("it opens");
        if slow.cause {
            black_box(file.metadata().expect("it has a size").len());
        }
        file.read_exact(&mut buffer).expect("it is longer");
        u64::from(buffer[4000])
    })
}
