//! Links both sides of a trial once more, so that equal functions lie alike.
//!
//! cargo builds both as ever, but starts rustc through a script of ours
//! (`RUSTC_WORKSPACE_WRAPPER`, so no flag of the user's is lost and no
//! dependency is built anew). That script adds the order of functions where one
//! is kept beside it. To have an executable linked again it is set aside and
//! cargo is asked once more; what comes out is kept apart, and the plain
//! executable put back, so that cargo finds what it knows and two plain builds
//! can still be compared byte by byte.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::identity::fingerprint;
use super::{BenchExecutable, layout};
use crate::drive::Harness;
use crate::measure::TrialSide;
use crate::model::Layout;

const SCRIPT: &str = include_str!("link.sh");
/// The directory of orders, beside the script.
const ORDERS: &str = "order";
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
    /// Where it is among the executables of base and head.
    at: [usize; 2],
    /// Where what was linked again is kept: base, head, and what they came from.
    kept: [PathBuf; 2],
    key: PathBuf,
    from: String,
}

impl Pinning {
    /// Prepares the script that cargo starts rustc through.
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
        let script = pinning.script();
        if fs::read_to_string(&script).ok().as_deref() != Some(SCRIPT) {
            fs::write(&script, SCRIPT)?;
            fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(pinning)
    }

    fn script(&self) -> PathBuf {
        self.place.join("link.sh")
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
        let mut variables = vec![(WRAPPER.into(), self.script().into_os_string())];
        if let Some(own) = std::env::var_os(WRAPPER).filter(|own| !own.is_empty()) {
            variables.push(("BENCHGATE_WRAPPED".into(), own));
        }
        variables
    }

    /// Has the executables that differ linked again, and says for each target what
    /// that came to. `relink` builds a side once more; what it says is the reason
    /// why that could not be done.
    ///
    /// # Errors
    /// A file cannot be read or written, or `relink` was interrupted.
    pub fn pin<E: From<io::Error>>(
        &self,
        sides: [&mut TrialSide; 2],
        identical: &BTreeSet<(Option<String>, String)>,
        relink: &mut dyn FnMut(usize) -> Result<Result<(), String>, E>,
    ) -> Result<Vec<Layout>, E> {
        let [base, head] = sides;
        let mut layouts = Vec::new();
        let mut targets = Vec::new();
        fs::create_dir_all(self.orders())?;
        for (b, one) in base.executables.iter().enumerate() {
            let key = (one.package.clone(), one.target.clone());
            let other = head
                .executables
                .iter()
                .position(|other| (&other.package, &other.target) == (&key.0, &key.1));
            let (Some(h), false) = (other, identical.contains(&key)) else { continue };
            if !matches!(Harness::detect(&one.path), Ok(Some(Harness::Criterion))) {
                continue;
            }
            match self.target([b, h], [one, &head.executables[h]]) {
                Ok(target) => targets.push(target),
                Err(reason) => layouts.push(unpinned(one, reason)),
            }
        }
        let stale: Vec<&Target> = targets.iter().filter(|target| !target.is_kept()).collect();
        for target in &stale {
            fs::create_dir_all(target.key.parent().unwrap_or(&self.place))?;
            // What is kept from now on is no longer what that says.
            remove(&target.key)?;
        }
        // Head first: its sources are the ones that lie there.
        for side in if stale.is_empty() { &[][..] } else { &[1, 0] } {
            let executables = [&base.executables, &head.executables][*side];
            let paths: Vec<&Path> =
                stale.iter().map(|one| executables[one.at[*side]].path.as_path()).collect();
            let aside = Aside::set(&self.orders().join(UNDER_WAY), &paths)?;
            if let Err(reason) = relink(*side)? {
                drop(aside);
                self.forget()?;
                let all = targets.iter().map(|one| &base.executables[one.at[0]]);
                layouts.extend(all.map(|one| unpinned(one, reason.clone())));
                return Ok(layouts);
            }
            for (target, path) in stale.iter().zip(&paths) {
                fs::rename(path, &target.kept[*side])?;
            }
        }
        for target in &stale {
            fs::write(&target.key, &target.from)?;
        }
        self.forget()?;
        for target in targets {
            let one = &mut base.executables[target.at[0]];
            match layout::agreement(&target.kept[0], &target.kept[1]) {
                Ok(agreement) if agreement.is_pinned() => {
                    layouts.push(Layout {
                        target: one.target.clone(),
                        package: one.package.clone(),
                        functions: agreement.functions as u64,
                        same: agreement.same as u64,
                        reason: None,
                    });
                    let [of_base, of_head] = target.kept;
                    one.path = of_base;
                    head.executables[target.at[1]].path = of_head;
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
                        ..unpinned(one, reason)
                    });
                }
                Err(reason) => layouts.push(unpinned(one, reason)),
            }
        }
        layouts.sort();
        Ok(layouts)
    }

    /// Writes the order of one target's functions.
    fn target(&self, at: [usize; 2], sides: [&BenchExecutable; 2]) -> Result<Target, String> {
        let order = layout::order(&sides[0].path, &sides[1].path)?;
        let from = sides.iter().map(|side| fingerprint(side)).collect::<Result<Vec<_>, _>>()?;
        let package = sides[0].package.as_deref().unwrap_or_default();
        let file = self.orders().join(format!("{package}.{}", sides[0].target.replace('-', "_")));
        fs::write(file, order.file()).map_err(|error| error.to_string())?;
        // Names of one length on both sides: they go into each process's stack.
        let kept = self.place.join("pinned").join(package).join(&sides[0].target);
        let key = kept.join("from");
        let kept = ["base", "head"].map(|side| kept.join(side));
        Ok(Target { at, kept, key, from: from.join(" ") })
    }
}

impl Target {
    /// Whether an earlier trial has linked just these.
    fn is_kept(&self) -> bool {
        let from = fs::read_to_string(&self.key).unwrap_or_default();
        from == self.from && self.kept.iter().all(|path| path.exists())
    }
}

fn unpinned(one: &BenchExecutable, reason: String) -> Layout {
    Layout {
        target: one.target.clone(),
        package: one.package.clone(),
        functions: 0,
        same: 0,
        reason: Some(reason),
    }
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
