//! Every byte gets one category.
//!
//! A module of its own because this is where paths, facts and rules meet.

mod matcher;

pub use matcher::{Match, Matcher, MatcherError, Matches};
