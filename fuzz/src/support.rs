//! The part of `tests/support` that the checks use: recipes, and the model they are compared with.

#[path = "../../tests/support/laws.rs"]
pub(crate) mod laws;
#[path = "../../tests/support/medium.rs"]
pub(crate) mod medium;
#[path = "../../tests/support/model.rs"]
pub(crate) mod model;
#[path = "../../tests/support/recipe.rs"]
pub(crate) mod recipe;
#[path = "../../tests/support/tree.rs"]
pub(crate) mod tree;
