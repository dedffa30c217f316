//! See `checks/owners.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| layerslim_fuzz::check("owners", input));
