//! What the config file says of keys, and of how it begins.

use std::fs;

use super::{frame, sandbox, shows};

#[test]
fn keys_can_be_changed_in_the_config_file() {
    let mut sandbox = sandbox();
    sandbox.set("XDG_CONFIG_HOME", sandbox.path("config").display().to_string());
    fs::create_dir_all(sandbox.path("config/layerslim")).unwrap();
    let config = |text: &str| fs::write(sandbox.path("config/layerslim/config.toml"), text).unwrap();
    config("[keys]\nplan = [\"P\"]\nhelp = \"p\"\n");
    shows(&sandbox, "P", &[" Plan "]);
    let help = frame(&sandbox, "p", "120x100");
    assert!(
        help.contains(" Help ") && help.contains("P                  show the plan"),
        "{help}"
    );
    config("[keys]\nfly = \"P\"\n");
    let line = "explore oci:src --keys j";
    sandbox.slim(line).one_line(2, &["`fly`"]);
    config("backgrund = \"light\"\n");
    assert_eq!(sandbox.slim(line).code, Some(2));
}

#[test]
fn the_config_file_says_how_it_begins() {
    let mut sandbox = sandbox();
    sandbox.set("XDG_CONFIG_HOME", sandbox.path("config").display().to_string());
    fs::create_dir_all(sandbox.path("config/layerslim")).unwrap();
    let config = |text: &str| {
        let text = format!("[tui]\n{text}\n");
        fs::write(sandbox.path("config/layerslim/config.toml"), text).unwrap();
    };
    for (text, there, gone) in [
        (
            "hide = [\"unmodified\", \"removed\"]",
            "-removed -unmodified",
            "lib/",
        ),
        ("mode = \"up-to\"", "Up to layer 0", "a.deb"),
        (
            "mode = \"everything\"\nsort = \"name\"",
            "Everything, shadowed too by name",
            "Merged",
        ),
        ("show-attributes = true\ndepth = 2", "-rw-r--r-- 0:0", "a.deb"),
        ("depth = 9", "a.deb", "\u{25b8}"),
    ] {
        config(text);
        let frame = frame(&sandbox, "k", "100x50");
        assert!(frame.contains(there), "{text}: no `{there}` in\n{frame}");
        assert!(!frame.contains(gone), "{text}: `{gone}` in\n{frame}");
    }
    for (width, column) in [(50, 60), (1, 99), (100, 20)] {
        config(&format!("tree-width = {width}"));
        let frame = frame(&sandbox, "k", "120x20");
        let third = frame.lines().nth(2).unwrap();
        let rule = third.chars().position(|c| c == '\u{2502}');
        assert_eq!(rule, Some(column), "{width}:\n{frame}");
    }
    for (bad, words) in [("mode = \"merge\"", "`merge`"), ("colour = 1", "`colour`")] {
        config(bad);
        let said = sandbox.slim("explore oci:src --keys j").code(2).stderr;
        assert!(said.contains(words), "{said}");
    }
}
