//! Packages of other databases: Alpine's, and those that pip installs.

use super::{gone, left, plan, refused};
use crate::support::cmd::Sandbox;
use crate::support::recipe::Recipe;

const ALPINE: &str = r#"
layer
f bin/busybox 100
f usr/bin/gcc 200
f usr/bin/as 210
f usr/bin/tool 220
f usr/lib/libgmp.so.10 230
f usr/lib/libz.so.1 240
f usr/share/gcc/x 10
f etc/apk/world text="busybox\nbuild-base>1\ntool\n"
f lib/apk/db/installed text="P:busybox\nV:1\np:cmd:sh\nF:bin\nR:busybox\n\nP:build-base\nV:1\nD:gcc\n\nP:gcc\nV:13\nD:binutils so:libgmp.so.10 so:libz.so.1\nF:usr\nF:usr/bin\nR:gcc\nF:usr/share\nF:usr/share/gcc\nR:x\n\nP:binutils\nV:2\nF:usr/bin\nR:as\n\nP:gmp\nV:6\np:so:libgmp.so.10=10.5\nF:usr/lib\nR:libgmp.so.10\n\nP:zlib\nV:1\np:so:libz.so.1=1.3\nF:usr/lib\nR:libz.so.1\n\nP:tool\nV:4\nD:so:libz.so.1 busybox !old\nF:usr/bin\nR:tool\n\nP:gcc-doc\nV:13\ni:gcc docs\n\nP:docs\nV:1\n\n"
"#;

#[test]
fn apk_packages_go_with_their_words_in_world() {
    let sandbox = Sandbox::with(&Recipe::new(&format!("{ALPINE}layer\nf app/x 5")));
    let json = plan(&sandbox, "--remove build-tools");
    assert_eq!(
        gone(&json),
        [
            "apk:binutils set",
            "apk:build-base set",
            "apk:gcc set",
            "apk:gmp unneeded"
        ]
    );
    let left = left(&sandbox, "--remove build-tools");
    assert_eq!(left["etc/apk/world"], "busybox\ntool\n");
    let rows: Vec<&str> = left["lib/apk/db/installed"]
        .lines()
        .filter(|line| line.starts_with("P:"))
        .collect();
    assert_eq!(rows, ["P:busybox", "P:zlib", "P:tool", "P:gcc-doc", "P:docs"]);
    assert!(!left.contains_key("usr/share/gcc") && !left.contains_key("usr/lib/libgmp.so.10"));
    assert!(left.contains_key("usr/lib/libz.so.1") && left.contains_key("usr/bin/tool"));
    sandbox
        .slim("plan oci:src:t --profile none --remove-package zlib")
        .one_line(2, &["apk:gcc → apk:zlib"]);
}

const PYTHON: &str = r#"
layer
f usr/lib/python3/dist-packages/wheel/x.py 10
f usr/lib/python3/dist-packages/wheel-1.egg-info/PKG-INFO text="Name: wheel\nVersion: 1\n"
f var/lib/dpkg/status text="Package: python3-wheel\nStatus: install ok installed\nVersion: 1\n\n"
f var/lib/dpkg/info/python3-wheel.list text="/usr/lib/python3/dist-packages/wheel/x.py\n/usr/lib/python3/dist-packages/wheel-1.egg-info/PKG-INFO\n"
d v/site-packages
f v/bin/pip 10
f v/site-packages/pip/a.py 20
f v/site-packages/pip/__pycache__/a.cpython-312.pyc 25
f v/site-packages/pip-24.dist-info/METADATA text="Name: pip\nVersion: 24\n\nx"
f v/site-packages/pip-24.dist-info/RECORD text="../bin/pip,,\npip/a.py,,\npip-24.dist-info/METADATA,,\n"
f v/site-packages/setuptools.py 30
f v/site-packages/setuptools-70.dist-info/METADATA text="Name: setuptools\nVersion: 70\n"
f v/site-packages/setuptools-70.dist-info/RECORD text="setuptools.py,,\n"
f v/site-packages/pytest.py 40
f v/site-packages/pytest-8.dist-info/METADATA text="Name: pytest\nVersion: 8\nRequires-Dist: pluggy\nRequires-Dist: Ini_Config; extra == 'x'\n"
f v/site-packages/pytest-8.dist-info/RECORD text="pytest.py,,\n"
f v/site-packages/pluggy.py 50
f v/site-packages/pluggy-1.dist-info/METADATA text="Name: pluggy\nVersion: 1\n"
f v/site-packages/pluggy-1.dist-info/RECORD text="pluggy.py,,\n"
f v/site-packages/app.py 60
f v/site-packages/app-1.dist-info/METADATA text="Name: app\nVersion: 1\nRequires-Dist: Setup.Tools[x] (>=60); python_version > '3'\nRequires-Dist: SETUPTOOLS>1\nRequires-Dist: pytest; extra == 'test'\n"
f v/site-packages/app-1.dist-info/RECORD text="app.py,,\n"
"#;

#[test]
fn python_packages_go_unless_metadata_asks_for_them() {
    let recipe = PYTHON.replace("Ini_Config", "inconfig");
    let sandbox = Sandbox::with(&Recipe::new(&recipe));
    let flags = "--remove packaging-tools,test-frameworks";
    let json = plan(&sandbox, flags);
    assert_eq!(
        gone(&json),
        [
            "deb:python3-wheel set",
            "pypi:pip set",
            "pypi:pluggy set",
            "pypi:pytest set",
            "pypi:wheel part"
        ]
    );
    assert_eq!(
        refused(&json),
        ["package setuptools 70: a package that stays depends on it: pypi:app → pypi:setuptools"]
    );
    let left = left(&sandbox, flags);
    let names: Vec<&str> = left
        .keys()
        .map(String::as_str)
        .filter(|path| path.contains("site-packages/"))
        .collect();
    assert!(
        names
            .iter()
            .all(|path| path.contains("setuptools") || path.contains("app")),
        "{names:?}"
    );
    assert!(!left.contains_key("v/bin/pip"));
    sandbox
        .slim("plan oci:src:t --profile none --remove-package wheel")
        .one_line(
            2,
            &["it is part of another package that stays: deb:python3-wheel"],
        );
    sandbox
        .slim("plan oci:src:t --profile none --remove-package PLUGGY")
        .one_line(2, &["pypi:pytest → pypi:pluggy"]);
}

/// `setup` brings a copy of `zipp`, which is installed for itself too, and one of `tomli`, which is not.
const MARKED: &str = r#"
layer
f s/helper.py 10
f s/helper-1.dist-info/METADATA text="Name: helper\nVersion: 1\n"
f s/helper-1.dist-info/INSTALLER text="pip\n"
f s/helper-1.dist-info/RECORD text="helper.py,,\nhelper-1.dist-info/METADATA,,\n"
f s/zipp.py 11
f s/zipp-3.dist-info/METADATA text="Name: zipp\nVersion: 3\n"
f s/zipp-3.dist-info/INSTALLER text="pip\n"
f s/zipp-3.dist-info/REQUESTED text=""
f s/zipp-3.dist-info/RECORD text="zipp.py,,\nzipp-3.dist-info/METADATA,,\n"
f s/setup/x.py 12
f s/setup/v/zipp.py 13
f s/setup/v/zipp-3.dist-info/METADATA text="Name: zipp\nVersion: 3\n"
f s/setup/v/zipp-3.dist-info/RECORD text="zipp.py,,\nzipp-3.dist-info/METADATA,,\n"
f s/setup/v/tomli.py 14
f s/setup/v/tomli-2.dist-info/METADATA text="Name: tomli\nVersion: 2\n"
f s/setup/v/tomli-2.dist-info/RECORD text="tomli.py,,\ntomli-2.dist-info/METADATA,,\n"
f s/setup-9.dist-info/METADATA text="Name: setup\nVersion: 9\nRequires-Dist: helper; extra == 'h'\n"
f s/setup-9.dist-info/INSTALLER text="pip\n"
f s/setup-9.dist-info/REQUESTED text=""
f s/setup-9.dist-info/RECORD text="setup/x.py,,\nsetup/v/zipp.py,,\nsetup/v/zipp-3.dist-info/METADATA,,\nsetup/v/zipp-3.dist-info/RECORD,,\nsetup/v/tomli.py,,\nsetup/v/tomli-2.dist-info/METADATA,,\nsetup-9.dist-info/METADATA,,\n"
f s/tool.py 15
f s/tool-1.dist-info/METADATA text="Name: tool\nVersion: 1\nRequires-Dist: setup[h]\n"
f s/tool-1.dist-info/INSTALLER text="pip\n"
f s/tool-1.dist-info/REQUESTED text=""
f s/tool-1.dist-info/RECORD text="tool.py,,\n"
layer
f app/x 5
"#;

#[test]
fn python_packages_that_pip_installed_for_others_go_with_them_and_copies_with_their_owner() {
    let sandbox = Sandbox::with(&Recipe::new(MARKED));
    let flags = "--remove-package tool,setup";
    let json = plan(&sandbox, flags);
    assert_eq!(
        gone(&json),
        [
            "pypi:helper unneeded",
            "pypi:setup named",
            "pypi:tomli part",
            "pypi:tool named"
        ]
    );
    let left = left(&sandbox, flags);
    let files: Vec<&str> = left
        .keys()
        .map(String::as_str)
        .filter(|path| path.starts_with("s/"))
        .collect();
    assert_eq!(
        files,
        [
            "s/zipp-3.dist-info",
            "s/zipp-3.dist-info/INSTALLER",
            "s/zipp-3.dist-info/METADATA",
            "s/zipp-3.dist-info/RECORD",
            "s/zipp-3.dist-info/REQUESTED",
            "s/zipp.py"
        ]
    );
    sandbox
        .slim("plan oci:src:t --profile none --remove-package setup")
        .one_line(2, &["pypi:tool → pypi:setup"]);
    sandbox
        .slim("plan oci:src:t --profile none --remove-package tomli")
        .one_line(2, &["it is part of another package that stays: pypi:setup"]);
}
