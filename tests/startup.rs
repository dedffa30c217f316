//! What starts the container stays: each kind of chain, from recipe to refusal.
//!
//! Most cases remove everything: what is refused is what starts the container. Programs are real ELF files, as small as
//! they can be.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::elf::elf;
use crate::support::recipe::Recipe;

/// A category of its own that takes every file, so that what is refused is what starts the container.
const EVERYTHING: &str = r#"
name = "everything"
extends = ["none"]
remove = ["everything"]

[[category]]
name = "everything"
title = "Everything"
band = "vcs"
reason = "A test."
safety = "risky"
directories = "remove"
globs = ["/**"]
matches = ["/x"]
spares = []
"#;

/// What is refused of everything: path → reason without its beginning.
fn closure(recipe: &str) -> BTreeMap<String, String> {
    let sandbox = Sandbox::with(&Recipe::new(recipe));
    sandbox.write("everything.toml", EVERYTHING);
    let plan = sandbox
        .slim("plan oci:src:t --profile everything.toml --format json")
        .json();
    let rows = plan["refused"].as_array().unwrap().iter();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.map(|row| {
        let reason = text(row, "reason");
        (text(row, "path"), reason.split_once(": ").unwrap().1.to_owned())
    })
    .collect()
}

/// Asserts which paths start the container, each with the chain that needs it.
#[track_caller]
fn starts(recipe: &str, want: &[(&str, &str)]) {
    let want: BTreeMap<String, String> = want
        .iter()
        .map(|&(path, chain)| (path.to_owned(), chain.to_owned()))
        .collect();
    assert_eq!(closure(recipe), want, "{recipe}");
}

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

#[test]
fn a_script_its_interpreter_and_libraries_with_musl() {
    let sh = elf(MUSL, &["libc.musl-x86_64.so.1", "libz.so.1"], "");
    let lib = elf("", &[], "");
    starts(
        &format!(
            "config {{\"Entrypoint\":[\"/app/run.sh\"],\"Cmd\":[\"serve\",\"--config=/etc/app.conf\"]}}
             layer\nf app/run.sh mode=755 text=\"#!/bin/sh\\nexec app\\n\"\nf bin/busybox mode=755 {sh}\nl bin/sh busybox
             f lib/ld-musl-x86_64.so.1 mode=755 {lib}\nl lib/libc.musl-x86_64.so.1 ld-musl-x86_64.so.1
             f usr/lib/libz.so.1.3 {lib}\nl usr/lib/libz.so.1 libz.so.1.3\nf usr/lib/libother.so {lib}
             f usr/local/bin/serve mode=755 text=\"#!/bin/sh\\n\"\nf usr/local/bin/idle mode=755 text=\"#!/bin/sh\\n\"
             f etc/app.conf 10\nf etc/other.conf 10"
        ),
        &[
            ("/app/run.sh", "entrypoint /app/run.sh"),
            ("/bin/busybox", "entrypoint /app/run.sh → /bin/sh → /bin/busybox"),
            ("/usr/lib/libz.so.1.3", "entrypoint /app/run.sh → /bin/sh → /bin/busybox → /usr/lib/libz.so.1 → /usr/lib/libz.so.1.3"),
            ("/usr/local/bin/serve", "command /usr/local/bin/serve"),
            ("/etc/app.conf", "command /etc/app.conf"),
        ],
    );
}

#[test]
fn glibc_finds_libraries_where_its_configuration_says() {
    let program = elf(GLIBC, &["liba.so", "libb.so", "libc.so.6"], "");
    let (lib, other) = (
        elf("", &["libd.so"], ""),
        elf("", &[], "").replacen("3e", "b7", 1),
    );
    starts(
        &format!(
            "config {{\"Cmd\":[\"app\"]}}
             layer\nf usr/bin/app mode=755 {program}\nl bin usr/bin\nl lib usr/lib\nl lib64 usr/lib64\nf usr/lib64/ld-linux-x86-64.so.2 {lib}
             f etc/ld.so.conf text=\"include /etc/ld.so.conf.d/*.conf\\n\"\nf etc/ld.so.conf.d/app.conf text=\"# ours\\n/opt/lib # here\\n\"
             f etc/ld.so.conf.d/app.txt text=\"/nowhere\\n\"\nf nowhere/libb.so 10
             f opt/lib/liba.so {lib}\nf usr/lib/x86_64-linux-gnu/libb.so {lib}\nf usr/lib/libc.so.6 {lib}\nf usr/lib64/libc.so.6 {other}
             f usr/lib/libd.so {lib}\nf usr/lib/unused.so {lib}"
        ),
        &[
            ("/usr/bin/app", "command /usr/bin/app"),
            ("/opt/lib/liba.so", "command /usr/bin/app → /opt/lib/liba.so"),
            ("/usr/lib/x86_64-linux-gnu/libb.so", "command /usr/bin/app → /usr/lib/x86_64-linux-gnu/libb.so"),
            ("/usr/lib/libc.so.6", "command /usr/bin/app → /usr/lib/libc.so.6"),
            ("/usr/lib/libd.so", "command /usr/bin/app → /opt/lib/liba.so → /usr/lib/libd.so"),
        ],
    );
}

#[test]
fn run_paths_come_first_and_know_where_they_are() {
    let program = elf(
        "/opt/glibc/ld.so",
        &["liba.so", "libb.so"],
        "$ORIGIN/../lib:/opt/${LIB}",
    );
    let lib = elf("", &["libc.so.6"], "");
    starts(
        &format!(
            "config {{\"Entrypoint\":[\"/app/current/bin/app\"],\"Env\":[\"LD_LIBRARY_PATH=/srv/lib\"]}}
             layer\nf opt/glibc/ld.so 10 mode=755\nl app/current v2\nf app/v2/bin/app mode=755 {program}\nf app/v2/lib/liba.so {lib}\nf opt/lib64/libb.so {lib}
             f srv/lib/libc.so.6 {lib}\nf usr/lib/liba.so {lib}\nf usr/lib/libb.so {lib}\nf usr/lib/libc.so.6 {lib}"
        ),
        &[
            (
"/opt/glibc/ld.so", "entrypoint /app/v2/bin/app → /opt/glibc/ld.so"),
            ("/app/v2/bin/app", "entrypoint /app/v2/bin/app"),
            ("/app/v2/lib/liba.so", "entrypoint /app/v2/bin/app → /app/v2/lib/liba.so"),
            ("/opt/lib64/libb.so", "entrypoint /app/v2/bin/app → /opt/lib64/libb.so"),
            ("/srv/lib/libc.so.6", "entrypoint /app/v2/bin/app → /app/v2/lib/liba.so → /srv/lib/libc.so.6"),
        ],
    );
}

#[test]
fn programs_are_found_in_the_order_of_path() {
    starts(
        "config {\"Entrypoint\":[\"tool\"],\"Env\":[\"PATH=/opt/bin:/usr/bin\"]}
         layer\nd opt/bin/tool\nf usr/bin/tool 10 mode=755\nf usr/local/bin/tool 10 mode=755",
        &[("/usr/bin/tool", "entrypoint /usr/bin/tool")],
    );
    starts(
        "config {\"Entrypoint\":[\"tool\"]}
         layer\nf usr/local/bin/tool 10 mode=644\nf usr/bin/tool 10 mode=755\nf bin/tool 10 mode=755",
        &[("/usr/bin/tool", "entrypoint /usr/bin/tool")],
    );
}

#[test]
fn env_names_the_interpreter() {
    starts(
        "config {\"Cmd\":[\"./run\"],\"WorkingDir\":\"/srv/app\"}
         layer\nf srv/app/run mode=755 text=\"#!/usr/bin/env -S A=1 ruby -w\\n\"\nf usr/bin/env 10 mode=755\nf usr/bin/ruby 10 mode=755\nf usr/bin/perl 10 mode=755",
        &[
            ("/srv/app/run", "command /srv/app/run"),
            ("/usr/bin/env", "command /srv/app/run → /usr/bin/env"),
            ("/usr/bin/ruby", "command /srv/app/run → /usr/bin/env → /usr/bin/ruby"),
        ],
    );
}

#[test]
fn the_words_of_a_shell_line_and_of_a_health_check() {
    starts(
        "config {\"Cmd\":[\"/bin/sh\",\"-c\",\"exec $HOME_OF_APP/bin/app --log=\\\"/var/x\\\" && tidy;true\"],\"Env\":[\"HOME_OF_APP=/opt/app\"]}
         config {\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"probe -f http://localhost/ || exit 1\"]},\"Shell\":[\"/bin/bash\",\"-c\"]}
         layer\nf bin/sh 10 mode=755\nf bin/bash 10 mode=755\nf opt/app/bin/app 10 mode=755\nf usr/bin/tidy 10 mode=755\nf usr/bin/probe 10 mode=755
         f usr/bin/curl 10 mode=755",
        &[
            ("/bin/bash", "shell /bin/bash"),
            ("/bin/sh", "command /bin/sh"),
            ("/opt/app/bin/app", "command /opt/app/bin/app"),
            ("/usr/bin/probe", "health check /usr/bin/probe"),
            ("/usr/bin/tidy", "command /usr/bin/tidy"),
        ],
    );
}

#[test]
fn modules_of_python_and_files_of_node() {
    starts(
        "config {\"Entrypoint\":[\"python3\"],\"Cmd\":[\"-m\",\"pkg.mod\"],\"WorkingDir\":\"/app\"}
         layer\nf usr/bin/python3.12 10 mode=755\nl usr/bin/python3 python3.12\nf usr/lib/python3.12/os.py 10\nf usr/lib/python3.12/encodings/utf_8.py 10
         f usr/lib/python3.12/turtle.py 10\nf usr/lib/python3.11/os.py 10\nf app/other.py 10
         f usr/lib/python3.12/site-packages/pkg/__init__.py 10\nf usr/lib/python3.12/site-packages/pkg/mod/__main__.py 10\nf usr/lib/python3.12/site-packages/pkg/more.py 10",
        &[
            ("/app", "working directory /app"),
            ("/usr/bin/python3.12", "entrypoint /usr/bin/python3 → /usr/bin/python3.12"),
            ("/usr/lib/python3.12/os.py", "entrypoint /usr/bin/python3 → /usr/bin/python3.12 → /usr/lib/python3.12/os.py"),
            ("/usr/lib/python3.12/encodings/utf_8.py", "entrypoint /usr/bin/python3 → /usr/bin/python3.12 → /usr/lib/python3.12/encodings/utf_8.py"),
            ("/usr/lib/python3.12/site-packages/pkg/__init__.py", "command /usr/lib/python3.12/site-packages/pkg/__init__.py"),
            ("/usr/lib/python3.12/site-packages/pkg/mod/__main__.py", "command /usr/lib/python3.12/site-packages/pkg/mod/__main__.py"),
        ],
    );
    starts(
        "config {\"Cmd\":[\"node\",\"server\"],\"WorkingDir\":\"/app\"}
         layer\nf usr/bin/node 10 mode=755\nf app/server/index.js 10\nf app/server/other.js 10",
        &[
            ("/usr/bin/node", "command /usr/bin/node"),
            ("/app/server/index.js", "command /app/server/index.js"),
        ],
    );
}

/// The body of a file, as a recipe has it.
fn body(text: &str) -> String {
    text.bytes()
        .fold("hex=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn the_commands_of_an_entry_script() {
    let script = body(
        "#!/bin/sh -e\n# helper\nHOME_OF=/opt/app\nif test -x /opt/hook.sh; then . /opt/hook.sh; fi
         echo helper 'helper'\nexec \"$HOME_OF\"/bin/serve --port $PORT \"$@\"\n",
    );
    let hook = body("tidy && python -m pkg\n");
    starts(
        &format!(
            "config {{\"Entrypoint\":[\"/run\"]}}
             layer\nf run mode=755 {script}\nf bin/sh 10 mode=755\nf opt/app/bin/serve 10 mode=755\nf opt/hook.sh {hook}
             f usr/bin/tidy 10 mode=755\nf usr/bin/helper 10 mode=755\nf usr/bin/python3.12 10 mode=755\nl usr/bin/python python3.12
             f usr/lib/python3.12/site-packages/pkg/__main__.py 10\nf usr/lib/python3.12/site-packages/other/__main__.py 10"
        ),
        &[
            ("/run", "entrypoint /run"),
            ("/bin/sh", "entrypoint /run → /bin/sh"),
            ("/opt/app/bin/serve", "entrypoint /run → /opt/app/bin/serve"),
            ("/opt/hook.sh", "entrypoint /run → /opt/hook.sh"),
            ("/usr/bin/tidy", "entrypoint /run → /opt/hook.sh → /usr/bin/tidy"),
            (
                "/usr/bin/python3.12",
                "entrypoint /run → /opt/hook.sh → /usr/bin/python → /usr/bin/python3.12",
            ),
            (
                "/usr/lib/python3.12/site-packages/pkg/__main__.py",
                "entrypoint /run → /opt/hook.sh → /usr/lib/python3.12/site-packages/pkg/__main__.py",
            ),
        ],
    );
}

#[test]
fn what_programs_of_packages_import() {
    let script = body("#!/usr/bin/python3\nimport re\nfrom serve.app.run import main\nmain()\n");
    let site = "usr/lib/python3/dist-packages";
    starts(
        &format!(
            "config {{\"Entrypoint\":[\"serve\"]}}
             layer\nf usr/bin/serve mode=755 {script}\nf usr/bin/python3 10 mode=755\nf {site}/serve/__init__.py 10\nf {site}/serve/other.py 10
             f {site}/serve/app/__init__.py 10\nf {site}/serve/app/run.py 10"
        ),
        &[
            ("/usr/bin/serve", "entrypoint /usr/bin/serve"),
            ("/usr/bin/python3", "entrypoint /usr/bin/serve → /usr/bin/python3"),
            (
                "/usr/lib/python3/dist-packages/serve/__init__.py",
                "entrypoint /usr/bin/serve → /usr/lib/python3/dist-packages/serve/__init__.py",
            ),
            (
                "/usr/lib/python3/dist-packages/serve/app/__init__.py",
                "entrypoint /usr/bin/serve → /usr/lib/python3/dist-packages/serve/app/__init__.py",
            ),
            (
                "/usr/lib/python3/dist-packages/serve/app/run.py",
                "entrypoint /usr/bin/serve → /usr/lib/python3/dist-packages/serve/app/run.py",
            ),
        ],
    );
    let script = body("#!/usr/bin/env node\nconst a = require('../lib/cli'), b = require('dep');\n");
    starts(
        &format!(
            "config {{\"Cmd\":[\"tool\"]}}
             layer\nf usr/bin/env 10 mode=755\nf usr/bin/node 10 mode=755\nf app/node_modules/tool/bin/tool.js mode=755 {script}
             l usr/bin/tool /app/node_modules/tool/bin/tool.js\nf app/node_modules/tool/lib/cli.js 10\nf app/node_modules/dep/index.js 10\nf app/node_modules/more/index.js 10"
        ),
        &[
            ("/usr/bin/env", "command /usr/bin/tool → /app/node_modules/tool/bin/tool.js → /usr/bin/env"),
            (
                "/usr/bin/node",
                "command /usr/bin/tool → /app/node_modules/tool/bin/tool.js → /usr/bin/env → /usr/bin/node",
            ),
            (
                "/app/node_modules/tool/bin/tool.js",
                "command /usr/bin/tool → /app/node_modules/tool/bin/tool.js",
            ),
            (
                "/app/node_modules/tool/lib/cli.js",
                "command /usr/bin/tool → /app/node_modules/tool/bin/tool.js → /app/node_modules/tool/lib/cli.js",
            ),
            (
                "/app/node_modules/dep/index.js",
                "command /usr/bin/tool → /app/node_modules/tool/bin/tool.js → /app/node_modules/dep/index.js",
            ),
        ],
    );
}

#[test]
fn what_npm_start_means() {
    let json = body(
        r#"{"main": "lib/main", "scripts": {"prestart": "tool --check", "test": "node test.js",
            "start": "NODE_ENV=production node server.js && npm start"}}"#,
    );
    let files = format!(
        "layer\nf usr/bin/node 10 mode=755\nf usr/bin/npm 10 mode=755\nf app/package.json {json}
         f app/server.js 10\nf app/test.js 10\nf app/lib/main.js 10
         f app/node_modules/tool/cli.js 10 mode=755\nl app/node_modules/.bin/tool ../tool/cli.js"
    );
    let config = |words: &str| format!("config {{\"Cmd\":[{words}],\"WorkingDir\":\"/app\"}}\n{files}");
    starts(
        &config(r#""npm","run","start""#),
        &[
            ("/usr/bin/npm", "command /usr/bin/npm"),
            ("/usr/bin/node", "command /app/package.json → /usr/bin/node"),
            ("/app/package.json", "command /app/package.json"),
            ("/app/server.js", "command /app/package.json → /app/server.js"),
            (
                "/app/node_modules/tool/cli.js",
                "command /app/package.json → /app/node_modules/.bin/tool → /app/node_modules/tool/cli.js",
            ),
        ],
    );
    starts(
        &config(r#""node",".""#),
        &[
            ("/usr/bin/node", "command /usr/bin/node"),
            ("/app/package.json", "command /app/package.json"),
            ("/app/lib/main.js", "command /app/lib/main.js"),
        ],
    );
}

#[test]
fn volumes_and_the_working_directory_stay() {
    let recipe = "config {\"WorkingDir\":\"/srv/home\",\"Volumes\":{\"/data\":{}}}
         layer\nd srv\nd srv/home\nf srv/home/cache 10\nd data\nd data/empty\nf data/seed 10\nf other 10";
    starts(
        recipe,
        &[
            ("/data/seed", "volume /data"),
            ("/srv/home", "working directory /srv/home"),
        ],
    );
    let sandbox = Sandbox::with(&Recipe::new(recipe));
    for (glob, words) in [
        ("/srv/home", ["/srv/home", "the container starts in it"]),
        ("/data/empty", ["/data/empty", "volume /data"]),
        ("/data/**", ["/data/seed", "volume /data"]),
    ] {
        let glob = if glob == "/srv/home" {
            "/srv/** --force-path /srv/home/cache"
        } else {
            glob
        };
        sandbox
            .slim(&format!("plan oci:src:t --profile none --remove-path {glob}"))
            .one_line(2, &words);
    }
}

#[test]
fn links_may_go_round_and_programs_may_be_missing() {
    let sandbox = Sandbox::with(&Recipe::new(
        "config {\"Entrypoint\":[\"/app/gone\",\"/a\",\"/self\"]}\nlayer\nl a b\nl b a\nf self mode=755 text=\"#!/self\\n\"\nf other 10",
    ));
    let plan = sandbox
        .slim("plan oci:src:t --format json --profile none --remove-path /other")
        .json();
    let warning = &plan["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["path"]),
        (&"startup-not-found".into(), &"/app/gone".into()),
        "{plan:#}"
    );
    sandbox
        .slim("plan oci:src:t --profile none --remove-path /self")
        .one_line(2, &["/self", "entrypoint /self"]);
}

/// A path named by hand is refused as one that is protected, links on the way too, and forced all the same.
#[test]
fn by_hand_it_is_an_error_unless_it_is_forced() {
    let program = elf(GLIBC, &["libc.so.6"], "");
    let sandbox = Sandbox::with(&Recipe::new(&format!(
        "config {{\"Entrypoint\":[\"/bin/app\"]}}
         layer\nl bin usr/bin\nf usr/bin/app mode=755 {program}\nf usr/lib/libc.so.6 10\nf usr/lib/libx.so 10\nl usr/lib64 lib\nf srv/a 10"
    )));
    let save = "save --quiet oci:src:t oci:out:t --profile none";
    let chain = "entrypoint /usr/bin/app → /usr/lib/libc.so.6";
    let error = sandbox
        .slim(&format!("{save} --remove-path /usr/lib/**"))
        .one_line(
            2,
            &[
                "`/usr/lib/**` would remove /usr/lib/libc.so.6",
                chain,
                "--force-path",
            ],
        );
    assert!(!error.contains("libx"), "{error}");
    sandbox
        .slim(&format!("{save} --remove-path /bin"))
        .one_line(2, &["remove /bin:", "entrypoint /bin"]);
    assert!(!sandbox.path("out").exists(), "nothing was written");
    sandbox
        .slim(&format!(
            "{save} --remove-path /usr/lib/** --force-path /usr/lib/libc.so.6"
        ))
        .ok();
    let plan = sandbox
        .slim(
            "plan oci:src:t --profile none --remove-path /usr/lib/** --force-path /usr/lib/** --format json",
        )
        .json();
    assert_eq!(plan["refused"], Value::Array(Vec::new()));
    sandbox
        .slim(&format!(
            "{save} --remove-path /usr/lib/** --keep-path /usr/lib/libc.so.6"
        ))
        .ok();
}

/// A profile's category is refused what starts the container, and takes the rest.
#[test]
fn a_profile_is_refused_with_the_chain() {
    let program = elf(GLIBC, &["libc.so.6"], "");
    let sandbox = Sandbox::with(&Recipe::new(&format!(
        "config {{\"Entrypoint\":[\"/usr/bin/app\"]}}
         layer\nf usr/bin/app mode=755 {program}\nf usr/lib/libc.so.6 10\nf usr/lib/libx.so 10"
    )));
    sandbox.write(
        "libs.toml",
        EVERYTHING
            .replace("[\"/**\"]", "[\"/usr/lib/**\"]")
            .replace("/x\"", "/usr/lib/x\""),
    );
    let plan = sandbox
        .slim("plan oci:src:t --profile libs.toml --format json")
        .json();
    let refused = &plan["refused"][0];
    assert_eq!(refused["path"], "/usr/lib/libc.so.6", "{plan:#}");
    assert_eq!(refused["needed_by"], serde_json::json!(["/usr/bin/app"]));
    assert!(
        refused["reason"]
            .as_str()
            .unwrap()
            .ends_with(": entrypoint /usr/bin/app → /usr/lib/libc.so.6"),
        "{refused}"
    );
    assert_eq!(plan["removals"][0]["path"], "/usr/lib/libx.so");
    let text = sandbox.slim("plan oci:src:t --profile libs.toml").ok().stdout;
    assert!(text.contains("entrypoint /usr/bin/app"), "{text}");
    sandbox.slim("save oci:src:t oci:out:t --profile libs.toml").ok();
    sandbox
        .slim("verify oci:src:t oci:out:t --profile libs.toml")
        .ok();
}
