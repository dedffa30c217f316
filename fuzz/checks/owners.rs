//! Package databases: whatever stands in one, it is read, and who owns what is in order.
//!
//! The first byte of the input says which database the rest of it is. In the image are some files that databases speak
//! of, and links that lead round in a circle.

use layerslim::content::ContentMap;
use layerslim::layer::Detail;
use layerslim::owners::Owners;

use super::blob::{image, read};
use super::bytes::{Bytes, seal};

const DATABASES: &[&str] = &[
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "var/lib/dpkg/status",
    "var/lib/dpkg/diversions",
    "var/lib/dpkg/info/a.list",
    "var/lib/dpkg/status.d/a",
    "lib/apk/db/installed",
    "usr/a.dist-info/METADATA",
    "usr/a.dist-info/RECORD",
    "usr/a.egg-info/PKG-INFO",
    "usr/a.egg-info/installed-files.txt",
    "usr/a.egg-info/top_level.txt",
    "usr/specifications/a-1.gemspec",
    "srv/node_modules/a/package.json",
];

/// What databases speak of: where it ends in a slash a directory, where it has an arrow a symlink, else a file.
const OTHERS: &[&str] = &[
    "usr/bin/",
    "usr/bin/a",
    "bin>usr/bin",
    "usr/round>round",
    "usr/up>../..",
    "usr/share/many/0/file-1.txt",
    "usr/a.py",
    "usr/a/b.py",
];

pub(super) fn check(input: &[u8]) {
    let mut bytes = Bytes(input);
    let path = bytes.pick(DATABASES);
    let mut archive = Vec::new();
    for other in OTHERS {
        let (name, link) = other.split_once('>').unwrap_or((other, ""));
        let flag = match (name.ends_with('/'), link) {
            (true, _) => b'5',
            (_, "") => b'0',
            _ => b'2',
        };
        member(&mut archive, name, flag, link, b"");
    }
    member(&mut archive, path, b'0', "", bytes.0);
    archive.resize(archive.len() + 1024, 0);
    let image = image(&archive, &archive);
    let changesets = read(&image, Detail::Facts, 1).unwrap_or_else(|error| panic!("our own layer: {error}"));
    for layer in &changesets {
        let facts = layer.facts.iter().map(|fact| fact.value.len()).sum::<usize>();
        assert!(
            facts <= 4 * bytes.0.len() + 1024,
            "{facts} bytes are kept of {}",
            bytes.0.len()
        );
    }
    in_order(&ContentMap::merge(changesets));
}

/// Every owner is a package, and every package has a name.
fn in_order(map: &ContentMap) {
    let owners = Owners::of(map);
    for node in map.tree().ids() {
        if let Some(owner) = owners.owner(node) {
            assert!(owners.get(owner).is_some(), "an owner that is no package");
        }
    }
    for (id, package) in owners.packages() {
        assert!(!package.name.is_empty() && owners.is_installed(id), "{package:?}");
    }
}

fn member(archive: &mut Vec<u8>, name: &str, flag: u8, link: &str, body: &[u8]) {
    let mut block = [0; 512];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755");
    put(124, &format!("{:011o}", body.len()));
    put(157, link);
    put(257, "ustar\u{0}00");
    block[156] = flag;
    seal(&mut block);
    archive.extend_from_slice(&block);
    archive.extend_from_slice(body);
    archive.resize(archive.len().next_multiple_of(512), 0);
}
