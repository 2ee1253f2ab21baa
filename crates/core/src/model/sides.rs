//! The two sides of a trial, and what is measured of each pair.

use std::fmt;
use std::ops::{Index, IndexMut};

/// A side of a trial: one of the two revisions that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrialSide {
    /// The revision that the change starts from.
    Base,
    /// The change.
    Head,
}

impl TrialSide {
    /// Both, base first.
    pub const ALL: [Self; 2] = [Self::Base, Self::Head];

    /// `base` or `head`: in messages, and as the name of a directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

impl fmt::Display for TrialSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one process of a trial measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// The base.
    Base,
    /// The head.
    Head,
    /// The base once more, to be compared with itself.
    Control,
}

impl Arm {
    /// All arms, in the order of a trial's snapshots.
    pub const ALL: [Self; 3] = [Self::Base, Self::Head, Self::Control];

    /// The side whose executables it runs.
    pub fn side(self) -> TrialSide {
        match self {
            Self::Base | Self::Control => TrialSide::Base,
            Self::Head => TrialSide::Head,
        }
    }

    /// `base`, `head` or `control`: in messages, and as the name of a directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
            Self::Control => "control",
        }
    }
}

/// The arm that measures a side's own code, not the control.
impl From<TrialSide> for Arm {
    fn from(side: TrialSide) -> Self {
        match side {
            TrialSide::Base => Self::Base,
            TrialSide::Head => Self::Head,
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value for each side of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sides<T> {
    /// The base's.
    pub base: T,
    /// The head's.
    pub head: T,
}

impl<T> Sides<T> {
    /// The results of a function of each side.
    pub fn from_fn(mut of: impl FnMut(TrialSide) -> T) -> Self {
        Self { base: of(TrialSide::Base), head: of(TrialSide::Head) }
    }

    /// The results of a function of each value, base first.
    pub fn map<U>(self, mut of: impl FnMut(T) -> U) -> Sides<U> {
        Sides { base: of(self.base), head: of(self.head) }
    }

    /// References to both values.
    pub fn each_ref(&self) -> Sides<&T> {
        Sides { base: &self.base, head: &self.head }
    }

    /// Exclusive references to both values.
    pub fn each_mut(&mut self) -> Sides<&mut T> {
        Sides { base: &mut self.base, head: &mut self.head }
    }

    /// Both values with those of another pair.
    pub fn zip<U>(self, other: Sides<U>) -> Sides<(T, U)> {
        Sides { base: (self.base, other.base), head: (self.head, other.head) }
    }

    /// References to both values, base first.
    pub fn iter(&self) -> std::array::IntoIter<&T, 2> {
        self.each_ref().into_iter()
    }
}

/// Both values, base first.
impl<T> IntoIterator for Sides<T> {
    type Item = T;
    type IntoIter = std::array::IntoIter<T, 2>;

    fn into_iter(self) -> Self::IntoIter {
        [self.base, self.head].into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Sides<T> {
    type Item = &'a T;
    type IntoIter = std::array::IntoIter<&'a T, 2>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Index<TrialSide> for Sides<T> {
    type Output = T;

    fn index(&self, side: TrialSide) -> &T {
        match side {
            TrialSide::Base => &self.base,
            TrialSide::Head => &self.head,
        }
    }
}

impl<T> IndexMut<TrialSide> for Sides<T> {
    fn index_mut(&mut self, side: TrialSide) -> &mut T {
        match side {
            TrialSide::Base => &mut self.base,
            TrialSide::Head => &mut self.head,
        }
    }
}
