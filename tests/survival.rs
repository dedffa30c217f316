//! What survives every profile that ships, from recipe to written layer; and what a profile's categories take, and where
//! they stop.
//!
//! The paths of the saved layer are read with the `tar` crate. In [`survives`] the lines marked `gone` are bait: the
//! `aggressive` profile takes them, so that a test cannot pass because nothing was removed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::cmd::{Sandbox, names};
use crate::support::medium::layout_layers;
use crate::support::recipe::Recipe;

/// The names of the profiles that ship.
fn profiles() -> Vec<String> {
    let files = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles"));
    let profiles: Vec<String> = files
        .iter()
        .filter_map(|name| Some(name.strip_suffix(".toml")?.to_owned()))
        .collect();
    assert!(profiles.len() >= 11, "{profiles:?}");
    profiles
}

/// Path and mode of everything in a layer.
fn listed(tar: &[u8]) -> BTreeMap<String, u32> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let path = entry.path_bytes().escape_ascii().to_string();
        (path.trim_matches('/').to_owned(), entry.header().mode().unwrap())
    });
    entries.collect()
}

/// What is left of an image of one layer.
fn slimmed(sandbox: &Sandbox, profile: &str) -> BTreeMap<String, u32> {
    let out = format!("out-{}", profile.replace(' ', "-"));
    let line = format!("save oci:src:t oci:{out}:t --profile {profile} --compression none");
    sandbox.slim(&line).ok();
    let layers = layout_layers(&sandbox.path(&out), Some("t"), "linux/amd64");
    layers.first().map(|tar| listed(tar)).unwrap_or_default()
}

/// Everything but what is marked `gone` is there after every profile, with its mode.
#[track_caller]
fn survives(text: &str) {
    let recipe = Recipe::new(text);
    let sandbox = Sandbox::with(&recipe);
    let mut want = listed(&recipe.layers[0]);
    for gone in &recipe.gone {
        want.remove(gone).expect("what is marked is there");
    }
    for profile in profiles() {
        let found = slimmed(&sandbox, &profile);
        for (path, mode) in &want {
            assert_eq!(found.get(path), Some(mode), "{profile}: {path}");
        }
        if profile == "aggressive" {
            for gone in &recipe.gone {
                assert!(!found.contains_key(gone), "{profile}: {gone}");
            }
        }
    }
}

/// With this profile, what is marked `gone` goes and nothing else.
#[track_caller]
fn takes(profile: &str, text: &str) {
    let recipe = Recipe::new(text);
    let sandbox = Sandbox::with(&recipe);
    let mut want = listed(&recipe.layers[0]);
    want.retain(|path, _| !recipe.gone.contains(path));
    let mut found = slimmed(&sandbox, profile);
    // Parents that the recipe implies have entries of their own in what is written.
    found.retain(|path, _| want.contains_key(path) || recipe.gone.contains(path));
    assert_eq!(found, want, "{profile}");
}

macro_rules! survive {
    ($($(#[$why:meta])* $name:ident: $text:expr;)+) => {$(
        $(#[$why])*
        #[test]
        fn $name() {
            survives($text);
        }
    )+};
}

macro_rules! take {
    ($($(#[$why:meta])* $name:ident, $profile:expr, $text:expr;)+) => {$(
        $(#[$why])*
        #[test]
        fn $name() {
            takes($profile, $text);
        }
    )+};
}

survive! {
    /// Rule 27: code that is named after tests.
    numpy_testing: "
        layer
        f usr/lib/python3.13/site-packages/numpy-2.0.dist-info/RECORD text=\"numpy/testing/__init__.py,,\"
        f usr/lib/python3.13/site-packages/numpy/testing/__init__.py 10
        f usr/lib/python3.13/site-packages/numpy/testing/_private/utils.py 10
        f usr/lib/python3.13/site-packages/numpy/_core/tests/test_api.py 10 gone
        f usr/lib/python3.13/site-packages/numpy/testing/tests/test_utils.py 10 gone";
    pandas_testing: "
        layer
        f venv/lib/python3.13/site-packages/pandas-2.2.dist-info/RECORD text=\"pandas/testing.py,,\"
        f venv/lib/python3.13/site-packages/pandas/testing.py 10
        f venv/lib/python3.13/site-packages/pandas/_testing/__init__.py 10
        f venv/lib/python3.13/site-packages/pandas/_testing/asserters.py 10
        f venv/lib/python3.13/site-packages/django/test/__init__.py 10
        f venv/lib/python3.13/site-packages/django/test/client.py 10
        f venv/lib/python3.13/site-packages/jinja2/tests.py 10
        f venv/lib/python3.13/site-packages/pandas/tests/test_algos.py 10 gone";
    /// Rule 28: a directory's name proves nothing (eemeli/yaml#384).
    node_yaml_dist_doc: "
        layer
        f app/node_modules/yaml/package.json text=\"{}\"
        f app/node_modules/yaml/dist/doc/Document.js 10
        f app/node_modules/yaml/dist/doc/anchors.js 10
        f app/node_modules/yaml/dist/test/events.js 10
        f app/node_modules/@playwright/test/index.js 10
        f app/node_modules/test/lib/index.js 10
        f app/node_modules/docs/index.js 10
        f app/node_modules/yaml/docs/01_intro.md 10 gone
        f app/node_modules/yaml/dist/doc/Document.d.ts 10 gone";
    /// Rule 24.
    copyright_and_licences: "
        layer
        f usr/share/doc/bash/copyright 10
        f usr/share/common-licenses/GPL-3 10
        f usr/share/licenses/zlib/LICENSE 10
        f usr/share/doc/bash/COPYING.gz 10
        f app/LICENSE 10
        f app/node_modules/yaml/LICENSE 10
        f app/node_modules/x/docs/LICENSE.md 10
        f app/node_modules/x/test/LICENSE.js.md 10
        f usr/lib/python3.13/site-packages/x-1.dist-info/licenses/LICENSE.txt 10
        f usr/lib/python3.13/site-packages/x/tests/NOTICE 10
        f usr/lib/python3.13/site-packages/x-1.dist-info/RECORD 1
        f app/build/CMakeCache.txt 1 gone
        f app/build/CMakeFiles/COPYING 10
        f usr/local/bundle/gems/rack-3/MIT-LICENSE 10
        f usr/share/doc/bash/README 10 gone";
    /// Rule 26.
    the_base_locale: "
        config {\"Env\":[\"LANG=C.UTF-8\"]}
        layer
        f usr/lib/locale/C.utf8/LC_CTYPE 10
        f usr/lib/locale/C.utf8/LC_MESSAGES/SYS_LC_MESSAGES 10
        f usr/lib/locale/C.UTF-8/LC_CTYPE 10
        f usr/lib/locale/locale-archive 10
        f usr/share/locale/locale.alias 10
        f usr/share/i18n/locales/de_AT 10 gone
        f usr/share/locale/de/LC_MESSAGES/tar.mo 10 gone";
    /// Rule 29.
    certificates: "
        layer
        f etc/ssl/certs/ca-certificates.crt 10
        l etc/ssl/cert.pem certs/ca-certificates.crt
        f etc/ca-certificates.conf 10
        f usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt 10
        f usr/local/share/ca-certificates/own.crt 10
        f etc/pki/tls/certs/ca-bundle.crt 10
        f opt/java/openjdk/lib/security/cacerts 10
        f usr/lib/python3.13/site-packages/certifi-1.dist-info/RECORD 1
        f usr/lib/python3.13/site-packages/certifi/cacert.pem 10
        f usr/lib/python3.13/site-packages/certifi/tests/cacert.pem 10
        f usr/lib/python3.13/site-packages/certifi/tests/test_certifi.py 10 gone";
    /// Rule 29.
    time_zones: "
        layer
        f usr/share/zoneinfo/Europe/Vienna 10
        f usr/share/zoneinfo/UTC 10
        f usr/share/zoneinfo/tzdata.zi 10
        l etc/localtime /usr/share/zoneinfo/Europe/Vienna
        f etc/timezone text=\"Europe/Vienna\"
        f usr/lib/python3.13/site-packages/tzdata-1.dist-info/RECORD 1
        f usr/lib/python3.13/site-packages/tzdata/zoneinfo/UTC 10
        f usr/lib/python3.13/site-packages/pytz/zoneinfo/UTC 10
        f opt/java/openjdk/lib/tzdb.dat 10
        f usr/share/man/man5/tzfile.5.gz 10 gone";
    /// Rule 23: contents go, directories stay, with their modes and owners.
    empty_directories: "
        layer
        d usr/share/man/man1
        d usr/share/doc/x
        d usr/share/locale/de/LC_MESSAGES
        d var/lib/apt/lists/partial mode=700 uid=100
        d var/log/nginx mode=750
        d var/cache/apk
        d run/lock mode=1777
        d srv/volume
        d app/build
        d usr/include
        d usr/share/icons
        f usr/share/man/man1/ls.1.gz 10 gone
        f usr/include/stdio.h 10 gone
        f usr/share/icons/a.png 10 gone";
    /// Rule 7.
    modes_of_tmp: "
        layer
        d tmp mode=1777
        d tmp/inner mode=1777 uid=5
        d var/tmp mode=1777
        f tmp/junk 10 gone
        f var/tmp/junk 10 gone";
    /// Rule 25.
    package_databases: "
        layer
        f var/lib/dpkg/status 10
        f var/lib/dpkg/status.d/base-files 10
        f var/lib/dpkg/info/bash.list 10
        f var/lib/apt/extended_states 10
        f lib/apk/db/installed 10
        f lib/apk/db/scripts.tar 10
        f etc/apk/world 10
        f usr/lib/sysimage/rpm/rpmdb.sqlite 10
        f var/lib/rpm/Packages 10
        f var/lib/pacman/local/zlib-1.3-1/desc 10
        f usr/lib/python3.13/site-packages/x-1.dist-info/METADATA 10
        f usr/lib/python3.13/site-packages/x-1.dist-info/RECORD 10
        f app/node_modules/x/package.json 10
        f usr/local/bundle/specifications/rack-3.gemspec 10
        f var/lib/dpkg/status-old 10 gone
        f var/cache/apk/APKINDEX.tar.gz 10 gone";
    /// What says who and where the system is.
    identity_of_the_system: "
        layer
        f etc/os-release 10
        f etc/passwd 10
        f etc/group 10
        f etc/nsswitch.conf 10
        f etc/ld.so.cache 10
        f lib/ld-musl-x86_64.so.1 10
        f var/cache/ldconfig/aux-cache 10 gone";
}

take! {
    /// A build tree is known by what the build system writes, never by its name.
    build_trees, "cpp-server", "
        layer
        f app/build/CMakeCache.txt 10 gone
        f app/build/CMakeFiles/server.dir/main.cpp.o 10 gone
        f app/build/libcore.a 10 gone
        f app/build/libcore.so 10
        f app/build/server 10 mode=755
        f app/build/model.bin 10
        f app/CMakeLists.txt 10
        f app/src/main.cpp 10 gone
        f app/src/prompt.txt 10
        f srv/build/notes.o 10
        f srv/build/CMakeFiles/notes 10
        f srv/src/main.cpp 10
        f ninja/build.ninja 10
        f ninja/a.o 10
        f both/build.ninja 10 gone
        f both/.ninja_log 10 gone
        f both/a.o 10 gone
        f rust/target/.rustc_info.json 10 gone
        f rust/target/release/server 10 mode=755
        f rust/target/release/deps/libserde.rlib 10 gone
        f rust/target/release/deps/libonnxruntime.so 10
        f other/target/release/deps/libserde.rlib 10";
    a_mark_at_the_root_marks_nothing, "cpp-server", "
        layer
        f CMakeCache.txt 10
        f go.mod 10
        f app/a.o 10
        f app/main.go 10
        f usr/lib/gcc/x86_64-linux-gnu/12/crtbegin.o 10";
    compiled_python_is_a_cache_wherever_it_is, "default", "
        layer
        f usr/lib/python3.13/site-packages/x-1.dist-info/RECORD 10
        f usr/lib/python3.13/site-packages/x/tests/data/a.py 10
        f usr/lib/python3.13/site-packages/x/tests/data/__pycache__/a.cpython-313.pyc 10 gone
        f app/tests/data/a.py 10
        f app/tests/data/__pycache__/a.cpython-313.pyc 10 gone
        f app/docs/_build/a.py 10
        f app/docs/_build/__pycache__/a.cpython-313.pyc 10 gone";
    python_tests_of_installed_packages, "python", "
        layer
        f usr/lib/python3.13/site-packages/x-1.dist-info/RECORD 10
        f usr/lib/python3.13/site-packages/x/tests/test_a.py 10 gone
        f usr/lib/python3.13/site-packages/x/tests/data/a.csv 10 gone
        f usr/lib/python3.13/site-packages/x/test/test_a.py 10 gone
        f usr/lib/python3.13/site-packages/x/test/server.py 10
        f usr/lib/python3.13/site-packages/x/contests/a.py 10
        f copied/site-packages/y/tests/test_a.py 10
        f app/tests/test_a.py 10";
    wheels_but_not_those_in_use, "python", "
        config {\"Env\":[\"PIP_FIND_LINKS=/srv/wheels\"]}
        layer
        f wheels/x-1-py3-none-any.whl 10 gone
        f wheels/y-1.tar.gz 10 gone
        f data/y-1.tar.gz 10
        f srv/wheels/x-1-py3-none-any.whl 10
        f etc/pip.conf text=\"[global]\\nno-index = true\\nfind-links =\\n    /opt/wheels\\n    https://a/b\\n\"
        f opt/wheels/x-1-py3-none-any.whl 10
        f root/.config/uv/uv.toml text=\"find-links = ['/opt/more']\\n\"
        f opt/more/x-1-py3-none-any.whl 10
        f usr/lib/python3.13/site-packages/virtualenv/seed/wheels/embed/pip-25.whl 10";
    sources_beside_extension_modules, "python", "
        layer
        f usr/lib/python3.13/site-packages/x/_fast.cpython-313-x86_64-linux-gnu.so 10
        f usr/lib/python3.13/site-packages/x/_fast.pyx 10 gone
        f usr/lib/python3.13/site-packages/x/_fast.c 10 gone
        f usr/lib/python3.13/site-packages/x/_fast.py 10
        f usr/lib/python3.13/site-packages/x/kernel.c 10";
    typescript_beside_what_it_became, "node", "
        layer
        f app/node_modules/rxjs/src/internal/a.ts 10 gone
        f app/node_modules/rxjs/dist/cjs/internal/a.js 10
        f app/node_modules/x/b.ts 10 gone
        f app/node_modules/x/b.js 10
        f app/node_modules/x/c.ts 10
        f app/src/main.ts 10
        f app/src/main.js 10";
    node_tests_by_name_or_place, "node", "
        layer
        f app/node_modules/qs/test/parse.js 10 gone
        f app/node_modules/@s/qs/tests/parse.mjs 10 gone
        f app/node_modules/x/lib/a.spec.js 10 gone
        f app/node_modules/x/lib/__tests__/a.js 10 gone
        f app/node_modules/x/lib/test/index.js 10
        f app/node_modules/x/test/data.json 10
        f app/test/a.test.js 10";
    bare_and_odd_repositories, "aggressive", "
        layer
        f srv/app.git/HEAD text=\"ref: refs/heads/main\" gone
        f srv/app.git/refs/heads/main 10 gone
        f srv/app.git/objects/pack/a.pack 10 gone
        f srv/app/.git/notes 10 gone
        f srv/odd.git/objects/notes 10
        f srv/app.git/notes.txt 10";
    documentation_beside_assemblies, "aggressive", "
        layer
        f app/Service.dll 10
        f app/Service.xml 10 gone
        f app/web.xml 10";
}

/// An image of one layer with these files, `size` bytes each, that begin as given.
fn image_of(files: &[(&str, &[u8], usize)]) -> Recipe {
    let mut layer = tar::Builder::new(Vec::new());
    for (path, first, size) in files {
        let mut body = first.to_vec();
        body.resize(*size, b'.');
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        layer.append_data(&mut header, path, body.as_slice()).unwrap();
    }
    Recipe::from_tars(vec![layer.into_inner().unwrap()])
}

const MB: usize = 1_000_000;

/// Models are known by their first bytes and their size; no profile takes them.
#[test]
fn models_go_only_when_they_are_named() {
    let models: &[(&str, &[u8], usize)] = &[
        ("m/a.gguf", b"GGUF\x03\0\0\0", MB),
        ("m/a.onnx", b"\x08\x07\x12\x07pytorch", MB),
        ("m/a.pt", b"PK\x03\x04", MB),
        ("m/a.safetensors", b"\x40\0\0\0\0\0\0\0{\"a\"", MB),
        ("m/pytorch_model.bin", b"PK\x03\x04", MB),
    ];
    let others: &[(&str, &[u8], usize)] = &[
        ("m/small.gguf", b"GGUF\x03\0\0\0", MB - 1),
        ("m/text.onnx", b"a text", MB),
        ("m/text.pt", b"a text", MB),
        ("m/firmware.bin", b"PK\x03\x04", MB),
    ];
    let recipe = image_of(&[models, others].concat());
    let all = listed(&recipe.layers[0]);
    let sandbox = Sandbox::with(&recipe);
    for profile in profiles() {
        let found = slimmed(&sandbox, &profile);
        assert!(
            all.keys().all(|path| found.contains_key(path)),
            "{profile}: {found:?}"
        );
    }
    let found = slimmed(&sandbox, "none --remove model-weights");
    let left: Vec<&str> = all
        .keys()
        .map(String::as_str)
        .filter(|path| found.contains_key(*path))
        .collect();
    let mut want: Vec<&str> = others.iter().map(|(path, ..)| *path).collect();
    want.sort_unstable();
    assert_eq!(left, want);
    let plan = sandbox
        .slim("plan oci:src:t --format json --profile none --remove model-weights")
        .json();
    let warnings = plan["warnings"].as_array().unwrap();
    let mounts: Vec<_> = warnings
        .iter()
        .filter(|row| row["code"] == "mount-a-volume")
        .collect();
    assert_eq!(mounts.len(), 1, "{warnings:?}");
    assert_eq!(mounts[0]["path"], "/m");
    assert!(
        mounts[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("more here: the image no longer has it")
    );
}

/// A repository's own file is a profile; its budget is for another command.
#[test]
fn a_slim_toml_is_a_profile_and_its_budget_has_no_effect() {
    let recipe = Recipe::new("layer\nf var/cache/apk/a 10 gone\nf usr/share/man/man1/a.1 10\nf app/a 10");
    let sandbox = Sandbox::with(&recipe);
    sandbox.write(
        "slim.toml",
        "extends = ['default']\nkeep = ['man-pages']\n[budget]\nwire = '1 kB'\nlayers = 1\n",
    );
    let found = slimmed(&sandbox, "slim.toml");
    assert!(!found.contains_key("var/cache/apk/a"), "{found:?}");
    assert!(
        found.contains_key("usr/share/man/man1/a.1") && found.contains_key("app/a"),
        "{found:?}"
    );
    sandbox.write("slim.toml", "[badget]\nwire = '1 kB'\n");
    sandbox
        .slim("plan oci:src:t --profile slim.toml")
        .one_line(2, &["slim.toml:1", "badget"]);
}

/// Several profiles are one choice: what one of them keeps stays.
#[test]
fn what_one_profile_keeps_stays() {
    let recipe = Recipe::new("layer\nf usr/include/stdio.h 10\nf usr/lib/pkgconfig/a.pc 10\nf app/a 1");
    let sandbox = Sandbox::with(&recipe);
    let found = slimmed(&sandbox, "cpp-server --profile ml");
    assert!(found.contains_key("usr/include/stdio.h"), "{found:?}");
    assert!(!found.contains_key("usr/lib/pkgconfig/a.pc"), "{found:?}");
}
