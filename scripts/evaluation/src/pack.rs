//! A compact format for pools that are committed.
//!
//! A sample is stored as its logarithm in steps of 1/2000, which is within 0.025% of the
//! measured value; processes differ by a hundred times as much. The differences between
//! successive samples are small numbers, whose low and high bytes compress well when they are
//! stored separately.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::processes::{Pool, Process, check};

/// The first bytes of a packed pool.
const MAGIC: &[u8] = b"benchgate pool 1\n";
/// The number of steps per unit of the logarithm.
const STEPS: f64 = 2000.0;
/// The maximum size of an unpacked pool.
const MOST: u64 = 1 << 30;

/// Everything except the samples.
#[derive(Serialize, Deserialize)]
struct Header {
    subjects: Vec<String>,
    /// The number of samples of each benchmark in each process.
    samples: usize,
    variants: Vec<String>,
    processes: Vec<Entry>,
    /// The time of a process.
    seconds: f64,
}

/// Round, place, variant, when it began.
type Entry = (u32, u32, usize, u64);

/// Whether a file is a packed pool.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Packs a pool in which every benchmark of every process has the same number of samples.
pub fn pack(pool: &Pool) -> anyhow::Result<Vec<u8>> {
    let samples = pool.processes.first().map_or(0, |process| process.times[0].len());
    let mut variants: Vec<String> =
        pool.processes.iter().map(|process| process.variant.clone()).collect();
    variants.sort();
    variants.dedup();
    let entry = |process: &Process| -> anyhow::Result<Entry> {
        let variant = variants.binary_search(&process.variant).expect("it is among them");
        ensure!(
            process.times.iter().all(|times| times.len() == samples),
            "processes with different numbers of samples"
        );
        Ok((process.round, process.place, variant, process.began))
    };
    let processes = pool.processes.iter().map(entry).collect::<anyhow::Result<_>>()?;
    let header = Header {
        subjects: pool.subjects.clone(),
        samples,
        variants,
        processes,
        seconds: pool.seconds,
    };
    let header = serde_json::to_vec(&header)?;
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for subject in 0..pool.subjects.len() {
        let mut before = 0_u16;
        for time in pool.processes.iter().flat_map(|process| &process.times[subject]) {
            let steps = (time.ln() * STEPS).round();
            ensure!((0.0..=f64::from(u16::MAX)).contains(&steps), "{time} ns cannot be packed");
            let steps = steps as u16;
            let [l, h] = zigzag(steps.wrapping_sub(before)).to_le_bytes();
            low.push(l);
            high.push(h);
            before = steps;
        }
    }
    let mut encoder = GzEncoder::new(MAGIC.to_vec(), Compression::best());
    encoder.write_all(&u32::try_from(header.len())?.to_le_bytes())?;
    for part in [header, low, high] {
        encoder.write_all(&part)?;
    }
    Ok(encoder.finish()?)
}

/// Unpacks a pool that [`pack`] wrote.
pub fn unpack(bytes: &[u8]) -> anyhow::Result<Pool> {
    let packed = bytes.strip_prefix(MAGIC).context("not a packed pool")?;
    let mut data = Vec::new();
    GzDecoder::new(packed).take(MOST).read_to_end(&mut data).context("cut off or damaged")?;
    let (length, data) = data.split_first_chunk().context("no header")?;
    let length = u32::from_le_bytes(*length) as usize;
    let (header, data) = data.split_at_checked(length).context("a header longer than the file")?;
    let header: Header = serde_json::from_slice(header).context("its header")?;
    let values = header.subjects.len() * header.processes.len() * header.samples;
    ensure!(header.samples > 0 && data.len() == 2 * values, "not as long as its header says");
    let (low, high) = data.split_at(values);
    let mut times = vec![Vec::new(); header.processes.len()];
    for subject in 0..header.subjects.len() {
        let mut before = 0_u16;
        for (process, times) in times.iter_mut().enumerate() {
            let first = (subject * header.processes.len() + process) * header.samples;
            let samples = (first..first + header.samples).map(|at| {
                before = before.wrapping_add(unzigzag(u16::from_le_bytes([low[at], high[at]])));
                (f64::from(before) / STEPS).exp()
            });
            times.push(samples.collect());
        }
    }
    let mut processes = Vec::new();
    for ((round, place, variant, began), times) in header.processes.into_iter().zip(times) {
        let variant = header.variants.get(variant).context("a variant without a name")?.clone();
        check(&times)?;
        processes.push(Process { round, place, variant, began, times });
    }
    ensure!(header.seconds > 0.0, "processes that take no time");
    Ok(Pool { subjects: header.subjects, processes, seconds: header.seconds })
}

/// Encodes small steps of either sign as small numbers.
fn zigzag(step: u16) -> u16 {
    let step = step.cast_signed();
    ((step << 1) ^ (step >> 15)).cast_unsigned()
}

fn unzigzag(coded: u16) -> u16 {
    (coded >> 1) ^ 0_u16.wrapping_sub(coded & 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_comes_back_within_a_step() {
        let process = |round: u32, place: u32, times: [f64; 4]| Process {
            round,
            place,
            variant: format!("spin-{place}"),
            began: 1000 + u64::from(8 * round + place),
            times: vec![times[..2].to_vec(), times[2..].to_vec()],
        };
        let pool = Pool {
            subjects: vec!["a".to_owned(), "b".to_owned()],
            processes: vec![
                process(0, 0, [1.0, 9e8, 3.0, 4.0]),
                process(0, 1, [2e8, 1.5, 70_000.0, 71_000.0]),
            ],
            seconds: 1.0,
        };
        let packed = pack(&pool).unwrap();
        let back = unpack(&packed).unwrap();
        assert_eq!((back.subjects, back.seconds), (pool.subjects, 1.0));
        for (original, other) in pool.processes.iter().zip(&back.processes) {
            assert_eq!(
                (original.round, original.place, original.began),
                (other.round, other.place, other.began)
            );
            assert_eq!(original.variant, other.variant);
            for (a, b) in original.times.iter().flatten().zip(other.times.iter().flatten()) {
                assert!((a / b).ln().abs() <= 0.5 / STEPS + 1e-12, "{a} became {b}");
            }
        }
        for cut in [0, MAGIC.len() + 3, packed.len() - 20] {
            assert!(unpack(&packed[..cut]).is_err());
        }
    }

    #[test]
    fn steps_of_either_sign_are_small() {
        assert_eq!([0, 1, u16::MAX, 2].map(zigzag), [0, 2, 1, 4]);
        for step in [0, 1, 77, 32767, 32768, 65535] {
            assert_eq!(unzigzag(zigzag(step)), step);
        }
    }
}
