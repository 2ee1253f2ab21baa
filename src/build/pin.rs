//! Links both sides of a trial again, so that equal functions have equal addresses.
//!
//! cargo builds both as usual, but starts rustc through [`link`]
//! (`RUSTC_WORKSPACE_WRAPPER`, so no flag of the user's is lost and no dependency is
//! built again). It adds the order of functions where one is kept. To have an
//! executable linked again, it is moved away and cargo builds once more. The result
//! is kept apart, and the plain executable moved back, so that cargo finds what it
//! knows and two plain builds can still be compared byte by byte.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::identity::fingerprint;
use super::layout;
use super::link::{self, ORDERS};
use crate::drive::{BenchExecutable, Harness};
use crate::model::{Layout, Sides, TargetId, TrialSide};

/// The extension of an executable that was linked again.
const PINNED: &str = "pinned";
/// The extension of the linker's map of one.
const MAP: &str = "pinned-map";
/// In there: the executables that are being linked again, a path a line.
const UNDER_WAY: &str = "under-way";

/// Where builds are linked again: a directory of the gate's own below the
/// project's target directory.
#[derive(Clone, Debug)]
pub struct Pinning {
    place: PathBuf,
}

/// A bench target of both sides, and the order that its functions are to have.
struct Target {
    /// Its index among each side's executables.
    at: Sides<usize>,
    /// The file of its order.
    order: PathBuf,
    /// Where what was linked again is kept, and what it came from.
    kept: Sides<PathBuf>,
    key: PathBuf,
    from: String,
}

impl Pinning {
    /// Prepares the program that cargo starts in place of rustc. It is this program,
    /// whose `main` must call [`for_cargo`](super::for_cargo) first.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare(place: &Path) -> io::Result<Self> {
        let pinning = Self { place: place.to_owned() };
        fs::create_dir_all(place)?;
        // Left by a gate that was killed while executables were linked again: cargo
        // has to link them anew.
        let left = fs::read_to_string(pinning.orders().join(UNDER_WAY)).unwrap_or_default();
        for path in left.lines() {
            remove(Path::new(path))?;
        }
        pinning.forget()?;
        // Always by the same path, as cargo builds anew when its wrapper is another.
        let own = std::env::current_exe()?;
        if fs::read_link(pinning.wrapper()).ok().as_ref() != Some(&own) {
            remove(&pinning.wrapper())?;
            fs_err::os::unix::fs::symlink(own, pinning.wrapper())?;
        }
        Ok(pinning)
    }

    fn wrapper(&self) -> PathBuf {
        self.place.join(link::NAME)
    }

    fn orders(&self) -> PathBuf {
        self.place.join(ORDERS)
    }

    fn forget(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.orders()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Variables for cargo.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";
        let mut variables = vec![(WRAPPER.into(), self.wrapper().into_os_string())];
        if let Some(own) = std::env::var_os(WRAPPER).filter(|own| !own.is_empty()) {
            variables.push((link::WRAPPED.into(), own));
        }
        variables
    }

    /// Has the executables that differ linked again, and says for each target what
    /// that came to. `relink` builds a side once more; what it says is the reason
    /// why that could not be done.
    ///
    /// # Errors
    /// A file cannot be read or written, or `relink` was interrupted.
    #[expect(clippy::needless_pass_by_value, reason = "the references are exclusive")]
    pub fn pin<E: From<io::Error>>(
        &self,
        sides: Sides<&mut Vec<BenchExecutable>>,
        identical: &BTreeSet<TargetId>,
        relink: &mut dyn FnMut(TrialSide) -> Result<Result<(), String>, E>,
    ) -> Result<Vec<Layout>, E> {
        let mut layouts = Vec::new();
        let mut targets = Vec::new();
        fs::create_dir_all(self.orders())?;
        for (base, executable) in sides.base.iter().enumerate() {
            let id = &executable.target;
            let head = sides.head.iter().position(|head| head.target == *id);
            let (Some(head), false) = (head, identical.contains(id)) else { continue };
            if !matches!(Harness::detect(&executable.path), Ok(Some(Harness::Criterion))) {
                continue;
            }
            let executables = Sides { base: executable, head: &sides.head[head] };
            match self.target(Sides { base, head }, executables) {
                Ok(target) => targets.push(target),
                Err(reason) => layouts.push(unpinned(id, reason)),
            }
        }
        let stale: Vec<&Target> = targets.iter().filter(|target| !target.is_kept()).collect();
        for target in &stale {
            fs::create_dir_all(target.key.parent().unwrap_or(&self.place))?;
            // What is kept from now on is no longer what that says.
            remove(&target.key)?;
        }
        // Head first: it was built last, so its files are at the shared paths.
        let order = [TrialSide::Head, TrialSide::Base];
        for side in order.into_iter().filter(|_| !stale.is_empty()) {
            let executables = &sides[side];
            let paths: Vec<&Path> =
                stale.iter().map(|target| executables[target.at[side]].path.as_path()).collect();
            let aside = Aside::set(&self.orders().join(UNDER_WAY), &paths)?;
            if let Err(reason) = relink(side)? {
                drop(aside);
                self.forget()?;
                let ids = targets.iter().map(|target| &executables[target.at[side]].target);
                layouts.extend(ids.map(|id| unpinned(id, reason.clone())));
                return Ok(layouts);
            }
            for (target, path) in stale.iter().zip(&paths) {
                fs::rename(path, &target.kept[side])?;
                fs::rename(link::map_of(&target.order), map_of(&target.kept[side]))?;
            }
        }
        for target in &stale {
            fs::write(&target.key, &target.from)?;
        }
        self.forget()?;
        for target in targets {
            let id = sides.base[target.at.base].target.clone();
            match layout::agreement(&target.kept.base, &target.kept.head) {
                Ok(agreement) if agreement.is_pinned() => {
                    layouts.push(Layout {
                        target: id,
                        functions: agreement.functions as u64,
                        same: agreement.same as u64,
                        reason: None,
                    });
                    sides.base[target.at.base].path = target.kept.base;
                    sides.head[target.at.head].path = target.kept.head;
                }
                Ok(agreement) => {
                    let reason = format!(
                        "linked in one order, {} of {} functions still lie elsewhere",
                        agreement.functions - agreement.same,
                        agreement.functions
                    );
                    layouts.push(Layout {
                        functions: agreement.functions as u64,
                        same: agreement.same as u64,
                        ..unpinned(&id, reason)
                    });
                }
                Err(reason) => layouts.push(unpinned(&id, reason)),
            }
        }
        layouts.sort();
        Ok(layouts)
    }

    /// Writes the order of one target's functions.
    fn target(&self, at: Sides<usize>, sides: Sides<&BenchExecutable>) -> Result<Target, String> {
        let order = layout::order(&sides.base.path, &sides.head.path)?;
        let from = sides.iter().map(|side| fingerprint(side)).collect::<Result<Vec<_>, _>>()?;
        let TargetId { package, name } = &sides.base.target;
        let package = package.as_deref().unwrap_or_default();
        let file = self.orders().join(format!("{package}.{}", name.replace('-', "_")));
        fs::write(&file, order.file()).map_err(|error| error.to_string())?;
        let key = self.place.join("pinned").join(package).join(name).join("from");
        // Next to the plain one: a benchmark may look for programs there.
        let kept = sides.map(|side| side.path.with_extension(PINNED));
        Ok(Target { at, order: file, kept, key, from: from.join(" ") })
    }
}

impl Target {
    /// Whether an earlier trial has linked just these.
    fn is_kept(&self) -> bool {
        let from = fs::read_to_string(&self.key).unwrap_or_default();
        let is_there = |path: &PathBuf| path.exists() && map_of(path).exists();
        from == self.from && self.kept.iter().all(is_there)
    }
}

/// The linker's map of an executable that was linked again.
pub fn map_of(executable: &Path) -> PathBuf {
    executable.with_extension(MAP)
}

fn unpinned(target: &TargetId, reason: String) -> Layout {
    Layout { target: target.clone(), functions: 0, same: 0, reason: Some(reason) }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Executables that are set aside, and come back when this goes.
struct Aside {
    paths: Vec<PathBuf>,
}

impl Aside {
    fn set(under_way: &Path, paths: &[&Path]) -> io::Result<Self> {
        let list: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        fs::write(under_way, list.join("\n"))?;
        let mut aside = Self { paths: Vec::new() };
        for path in paths {
            fs::rename(path, plain(path))?;
            aside.paths.push((*path).to_owned());
        }
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        for path in &self.paths {
            // Where that fails cargo links it again.
            let _ = std::fs::rename(plain(path), path);
        }
    }
}

fn plain(path: &Path) -> PathBuf {
    path.with_extension("plain")
}
