//! Categories and profiles: what bytes are for, and which of them a person chose to do without.
//!
//! A module of its own because both are data: TOML rows that are embedded in the executable and that read the same
//! from a user's disk. Adding a category touches one file of `profiles/categories`, and no code.
//! It may assume nothing of images: it knows paths and the names of facts, and never sees an entry. Which path is
//! in which category is the business of `classify`.
//!
//! ```
//! use layerslim::profile::Profiles;
//!
//! let profiles = Profiles::builtin()?;
//! let choice = profiles.resolve(&["default"])?;
//! let caches = profiles.catalog().find("apt-cache").map(|(id, _)| choice.removes(id));
//! assert_eq!(caches, Some(true));
//! # Ok::<(), layerslim::profile::ProfileError>(())
//! ```

mod catalog;
mod category;
mod condition;
mod document;
mod error;
mod landmark;
mod locales;
mod nearest;
mod package_set;
mod pattern;
mod profiles;

pub use catalog::{Catalog, Pick, SHADOWED};
pub use category::{Band, Category, CategoryId, Directories, Safety};
pub use condition::{
    Condition, emitted_javascript, git_dir_of, locale_of, module_of_extension, source_of_compiled,
};
pub use document::document;
pub use error::{Place, ProfileError};
pub use landmark::Landmark;
pub use locales::Locales;
pub(crate) use nearest::nearest;
pub use package_set::{PackageSet, PackageSetId, SetMatcher};
pub use pattern::Pattern;
pub use profiles::{AUTO, Choice, Profile, Profiles};
