//! Tests of the tar module.
