//! See `checks/strip.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| layerslim_fuzz::check("strip", input));
