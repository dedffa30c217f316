//! See `checks/algebra.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| layerslim_fuzz::check("algebra", input));
