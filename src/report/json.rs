//! Documents as JSON: the keys of the models, as they are.
//!
//! A module of its own because JSON is one format among others; only here several platforms are put together.

use serde::Serialize;

use super::{ReportError, SCHEMA_VERSION};

/// Several documents of one kind: what an index gives.
#[derive(Serialize)]
struct Platforms<'a, D> {
    schema_version: u32,
    platforms: &'a [D],
}

/// One document as it is; several as `{"schema_version": …, "platforms": […]}`. Ends with a line end.
///
/// Fails with [`ReportError::Json`].
pub fn json<D: Serialize>(documents: &[D]) -> Result<String, ReportError> {
    let mut out = match documents {
        [only] => serde_json::to_string_pretty(only)?,
        platforms => serde_json::to_string_pretty(&Platforms {
            schema_version: SCHEMA_VERSION,
            platforms,
        })?,
    };
    out.push('\n');
    Ok(out)
}
