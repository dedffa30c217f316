//! Runs the built `slim` in a directory of its own.
//!
//! A module of its own because every test runs the executable as people do: arguments in, stdout, stderr and exit
//! code out. The environment is empty but for what is set here, so that nothing of the machine leaks in.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::medium::Codec;
use super::recipe::Recipe;

/// A temporary directory to run `slim` in; gone with the value.
pub(crate) struct Sandbox {
    dir: TempDir,
    extra: Vec<(String, String)>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("slim-test-").tempdir().unwrap();
        fs::create_dir(dir.path().join("tmp")).unwrap();
        Self {
            dir,
            extra: Vec::new(),
        }
    }

    /// A sandbox with the recipe as OCI layout `src`, tag `t`, layers in gzip.
    pub(crate) fn with(recipe: &Recipe) -> Self {
        let sandbox = Self::new();
        recipe.oci(&sandbox.path("src"), "t", Codec::Gzip);
        sandbox
    }

    /// Sets an environment variable for every run from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.extra.push((name.to_owned(), value.into()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `slim` with these words; a word is split at spaces, so a whole command line is one string.
    pub(crate) fn slim(&self, line: &str) -> Outcome {
        self.slim_from(line, &[])
    }

    /// The same, with bytes on standard input.
    pub(crate) fn slim_from(&self, line: &str, input: &[u8]) -> Outcome {
        self.run(
            Command::new(env!("CARGO_BIN_EXE_slim")).args(line.split_whitespace()),
            line,
            input,
            |_| {},
        )
    }

    /// The same, in an address space of so many KiB.
    pub(crate) fn slim_bounded(&self, line: &str, kib: u64) -> Outcome {
        let limited = format!("ulimit -v {kib} && exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &limited, env!("CARGO_BIN_EXE_slim")])
            .args(line.split_whitespace());
        self.run(&mut shell, line, &[], |_| {})
    }

    /// The same, interrupted as by Ctrl-C after a while.
    pub(crate) fn slim_interrupted(&self, line: &str, after: Duration) -> Outcome {
        self.slim_signalled(line, "INT", || std::thread::sleep(after))
    }

    /// The same, with a signal that is sent when `moment` returns. A run that it ended has no exit code.
    pub(crate) fn slim_signalled(&self, line: &str, signal: &str, moment: impl FnOnce()) -> Outcome {
        let mut slim = Command::new(env!("CARGO_BIN_EXE_slim"));
        self.run(slim.args(line.split_whitespace()), line, &[], |pid| {
            moment();
            // Not waited for yet: the number is still this run's, also when it is over.
            let kill = Command::new("kill")
                .args([&format!("-{signal}"), &pid.to_string()])
                .status();
            assert!(kill.unwrap().success());
        })
    }

    /// The same, with standard output in this file.
    pub(crate) fn slim_into(&self, line: &str, stdout: &Path) -> Outcome {
        let into = format!("exec \"$0\" \"$@\" > {}", stdout.display());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &into, env!("CARGO_BIN_EXE_slim")])
            .args(line.split_whitespace());
        self.run(&mut shell, line, &[], |_| {})
    }

    fn run(&self, command: &mut Command, line: &str, input: &[u8], meanwhile: impl FnOnce(u32)) -> Outcome {
        let mut child = command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SLIM_CACHE", self.path("cache"))
            .env("TMPDIR", self.path("tmp"))
            .envs(self.extra.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built executable starts");
        let mut stdin = child.stdin.take().expect("piped");
        let output = std::thread::scope(|scope| {
            // A program that stops reading early closes the pipe: not this writer's error.
            scope.spawn(move || stdin.write_all(input).ok());
            meanwhile(child.id());
            child.wait_with_output().unwrap()
        });
        Outcome::new(line, &output)
    }

    /// What is left in the directories for temporary files, by name.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let dirs = ["tmp", "cache/tmp", "cache/blobs/.incoming"].map(|name| self.path(name));
        dirs.iter()
            .filter(|dir| dir.exists())
            .flat_map(|dir| names(dir))
            .collect()
    }
}

/// The names in a directory, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What one run of `slim` said.
pub(crate) struct Outcome {
    line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    fn new(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            line: line.to_owned(),
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "slim {}\n{}\n{}",
            self.line,
            self.stderr,
            self.stdout
        );
        self
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// Standard output as JSON, of a run that ended well.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let done = self.ok();
        serde_json::from_str(&done.stdout)
            .unwrap_or_else(|error| panic!("slim {}: {error}\n{}", done.line, done.stdout))
    }

    /// Asserts an error of this exit code that is one line on stderr, says nothing on stdout and names every word.
    #[track_caller]
    pub(crate) fn one_line(self, code: i32, words: &[&str]) -> String {
        let failed = self.code(code);
        let lines: Vec<_> = failed
            .stderr
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        assert_eq!(
            lines.len(),
            1,
            "slim {}: one line, not\n{}",
            failed.line,
            failed.stderr
        );
        assert_eq!(failed.stdout, "", "slim {}: stdout is for data", failed.line);
        for word in words {
            assert!(
                lines[0].contains(word),
                "slim {}: `{}` does not name `{word}`",
                failed.line,
                lines[0]
            );
        }
        lines[0].to_owned()
    }
}

/// An integer of a JSON document, by JSON pointer.
#[track_caller]
pub(crate) fn int(document: &Value, pointer: &str) -> u64 {
    let value = document
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in\n{document:#}"));
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{pointer} is {value}, no whole number"))
}

/// Σ of one integer key over an array of a JSON document.
#[track_caller]
pub(crate) fn sum(document: &Value, array: &str, key: &str) -> u64 {
    document[array]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| int(row, &format!("/{key}")))
        .sum()
}
