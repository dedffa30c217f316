//! What the tests share: images from recipes, the executable, trees, judges, a registry, the corpus.

pub(crate) mod built;
pub(crate) mod cmd;
pub(crate) mod corpus;
pub(crate) mod elf;
pub(crate) mod engine;
pub(crate) mod fake_engine;
pub(crate) mod forge;
pub(crate) mod http;
pub(crate) mod index;
pub(crate) mod judges;
pub(crate) mod laws;
pub(crate) mod medium;
pub(crate) mod model;
pub(crate) mod overlay;
pub(crate) mod proxy;
pub(crate) mod recipe;
pub(crate) mod registry;
pub(crate) mod schema;
pub(crate) mod stack;
pub(crate) mod token;
pub(crate) mod tree;
pub(crate) mod tunnel;
