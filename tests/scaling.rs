//! Work is linear in a layer, whatever it holds (rule 32): layers made so that a careless reader does square work.
//!
//! Each is read once at a size where square work would take minutes. How time grows is measured by the ignored test, which
//! needs a machine that does nothing else: `cargo test --release --test all scaling -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use crate::support::cmd::Sandbox;
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// What is done to a kind of layer, and the layer with `n` of everything.
type Trap = (&'static str, &'static str, fn(usize) -> Vec<Vec<u8>>);

const TRAPS: &[Trap] = &[
    ("a chain of spared targets", "plan", chain),
    ("a directory that comes and goes over dead paths", "report", flips),
    ("symlinks below directories that go", "report", cleared),
    ("names of one file", "plan", names),
    ("opaque markers over a full directory", "report", opaques),
    ("whiteouts in one another", "report", nested),
    ("symlinks to symlinks", "plan", links),
    ("package lists through long ways", "report", lists),
    ("a package database with many names", "report", databases),
    ("a long directory of many files", "report", long),
];

#[test]
fn hostile_layers_are_read_in_linear_time() {
    for (what, command, make) in TRAPS {
        let took = time(command, make(20_000));
        assert!(took < Duration::from_secs(120), "{what}: {took:?}");
    }
}

#[test]
#[ignore = "measures time: needs a machine that does nothing else"]
fn four_times_the_layer_takes_about_four_times_as_long() {
    for (what, command, make) in TRAPS {
        let (few, many) = (time(command, make(25_000)), time(command, make(100_000)));
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        eprintln!("{what}: {few:?}, {many:?}: {ratio:.1}");
        assert!(ratio < 8.0, "{what}: {few:?}, then {many:?}");
    }
}

fn time(command: &str, layers: Vec<Vec<u8>>) -> Duration {
    let sandbox = Sandbox::new();
    Recipe::from_tars(layers).oci(&sandbox.path("src"), "t", Codec::Plain);
    let begin = Instant::now();
    sandbox
        .slim(&format!("{command} --quiet oci:src:t -o out.txt"))
        .ok();
    begin.elapsed()
}

/// Every target is spared only once the one before it is.
#[test]
fn a_chain_of_spared_targets_is_spared_whole() {
    let sandbox = Sandbox::new();
    let count = 50;
    Recipe::from_tars(chain(count)).oci(&sandbox.path("src"), "t", Codec::Plain);
    let plan = sandbox.slim("plan --quiet oci:src:t --format json").json();
    assert_eq!(plan["refused"].as_array().unwrap().len(), count + 1, "{plan:#}");
}

fn chain(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    for at in 0..=n {
        layer.file(&format!("p{at}/.svn/f"));
        layer.link(&format!("l{at}"), &format!("p{at}/.svn/../../p{}/.svn/f", at + 1));
    }
    layer.link("first", "p0/.svn/f");
    layer.done()
}

fn flips(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    (0..n).for_each(|at| layer.file(&format!("d/{at}")));
    for _ in 0..n {
        layer.file("d");
        layer.file("d/0");
    }
    layer.done()
}

fn cleared(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    (0..n).for_each(|at| layer.link(&format!("links/{at}"), "elsewhere"));
    for _ in 0..n {
        layer.file("d/x");
        layer.file("d");
    }
    layer.done()
}

fn names(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    layer.file("var/cache/apt/archives/a.deb");
    for at in 0..n {
        let name = format!("var/cache/apt/archives/{at}.deb");
        layer.hard(&name, "var/cache/apt/archives/a.deb");
    }
    layer.done()
}

fn opaques(n: usize) -> Vec<Vec<u8>> {
    let (mut base, mut layer) = (Layer::default(), Layer::default());
    for at in 0..n {
        base.file(&format!("d/{at}"));
        layer.file("d/.wh..wh..opq");
        layer.file(&format!("d/.wh.{at}"));
    }
    [base.done(), layer.done()].concat()
}

fn nested(n: usize) -> Vec<Vec<u8>> {
    let (mut base, mut layer) = (Layer::default(), Layer::default());
    let depth = 40;
    let deep = "a/".repeat(depth);
    (0..n).for_each(|at| base.file(&format!("{deep}{at}")));
    (1..depth).for_each(|at| layer.file(&format!("{}.wh.a", "a/".repeat(at))));
    [base.done(), layer.done()].concat()
}

fn links(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    for at in 0..n {
        layer.link(&format!("l{at}"), &format!("l{}", at + 1));
        layer.file(&format!("l{at}/x"));
    }
    layer.done()
}

/// Lists whose every path leads through symlinks with targets of their own, another one each time.
fn lists(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    let way = "d/../".repeat(15);
    layer.file("d/x");
    for at in 0..8 {
        layer.link(&format!("l{at}"), &format!("{way}d"));
    }
    layer.body("var/lib/dpkg/status", "Package: a\nVersion: 1\n");
    let paths = (0..n * 20).map(|at| format!("/l{}/x\n", at % 8));
    layer.body("var/lib/dpkg/info/a.list", &paths.collect::<String>());
    layer.done()
}

/// One list that a thousand packages have, and every path of which is there.
fn databases(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    let status = (0..n).map(|at| format!("Package: p{at}\nVersion: 1\n\n"));
    layer.body("var/lib/dpkg/status", &status.collect::<String>());
    layer.body("var/lib/dpkg/info/p0.list", &"/var/lib/dpkg/status\n".repeat(n));
    for at in 1..n {
        layer.hard(
            &format!("var/lib/dpkg/info/p{at}.list"),
            "var/lib/dpkg/info/p0.list",
        );
    }
    layer.done()
}

/// apk names a directory once and its files after it.
fn long(n: usize) -> Vec<Vec<u8>> {
    let mut layer = Layer::default();
    layer.file("d/x");
    let text = format!("P:a\nV:1\nF:{}d\n{}\n", "d/../".repeat(n), "R:x\n".repeat(n));
    layer.body("lib/apk/db/installed", &text);
    layer.done()
}

/// A tar that grows member by member.
#[derive(Default)]
struct Layer(Vec<u8>);

impl Layer {
    fn file(&mut self, path: &str) {
        self.put(tar::EntryType::Regular, path, "", 0);
    }

    fn body(&mut self, path: &str, text: &str) {
        self.put(tar::EntryType::Regular, path, "", text.len() as u64);
        self.0.extend(text.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    fn link(&mut self, path: &str, target: &str) {
        self.put(tar::EntryType::Symlink, path, target, 0);
    }

    fn hard(&mut self, path: &str, target: &str) {
        self.put(tar::EntryType::Link, path, target, 0);
    }

    fn put(&mut self, kind: tar::EntryType, path: &str, link: &str, size: u64) {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
    }

    fn done(mut self) -> Vec<Vec<u8>> {
        self.0.extend([0; 1024]);
        vec![self.0]
    }
}
