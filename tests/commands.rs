//! The commands that need no image: the demo, the profiles, help.

use std::time::{Duration, Instant};

use crate::support::cmd::Sandbox;

#[test]
fn the_demo_shows_slims_and_verifies() {
    let sandbox = Sandbox::new();
    let begin = Instant::now();
    let demo = sandbox.slim("demo").ok();
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "about a second, in a release build"
    );
    for word in ["pip-cache", "git-dir", "apk-cache", "shadowed", "verif"] {
        assert!(
            demo.stdout.contains(word),
            "the demo does not speak of {word}:\n{}",
            demo.stdout
        );
    }
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
fn profiles_are_listed_and_shown() {
    let sandbox = Sandbox::new();
    let all = sandbox.slim("profiles").ok().stdout;
    for word in ["none", "default", "apt-cache", "man-pages", "git-dir"] {
        assert!(all.contains(word), "{word} is not in\n{all}");
    }
    let one = sandbox.slim("profiles apt-cache").ok().stdout;
    assert!(
        one.contains("/var/cache/apt/**") && one.contains("apt-get update"),
        "globs and reason:\n{one}"
    );
    sandbox.slim("profiles apt-cahce").one_line(2, &["apt-cahce"]);
}

#[test]
fn help_and_version_are_no_errors() {
    let sandbox = Sandbox::new();
    for command in [
        "explore", "report", "plan", "save", "push", "load", "verify", "profiles", "demo",
    ] {
        assert!(
            sandbox
                .slim(&format!("{command} --help"))
                .ok()
                .stdout
                .contains("Usage"),
            "{command}"
        );
    }
    assert!(sandbox.slim("--version").ok().stdout.starts_with("slim "));
    assert!(sandbox.slim("completions bash").ok().stdout.contains("slim"));
    assert!(sandbox.slim("man").ok().stdout.contains(".TH slim"));
}

#[test]
fn nothing_is_written_to_stderr_with_quiet() {
    let sandbox = Sandbox::with(&crate::support::recipe::Recipe::new("layer\nf a 1000"));
    for line in [
        "report oci:src:t",
        "src",
        "plan oci:src:t",
        "save oci:src:t oci:out:t",
        "verify oci:src:t oci:src:t",
    ] {
        let done = sandbox.slim(&format!("{line} --quiet")).ok();
        assert_eq!(done.stderr, "", "slim {line}");
        assert_ne!(done.stdout, "", "slim {line}");
    }
}
