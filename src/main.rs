//! The executable: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    layerslim::cli::run(std::env::args_os())
}
