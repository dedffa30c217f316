//! A small image with a bit of everything, and what its documents must say.

mod made;
mod outcome;
mod pages;
mod plan;
mod report;
mod saved;
mod schema;

/// The keys of an object, in order.
fn keys(value: &serde_json::Value) -> String {
    value
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
}
