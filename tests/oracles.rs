//! Real images, flattened: what `slim save --profile none` writes is, unpacked by umoci, the tree that umoci, buildah and
//! docker agreed on for the original.

use crate::support::cmd::Sandbox;
use crate::support::corpus::{REAL, corpus};
use crate::support::judges::{have_umoci, umoci};
use crate::support::tree::Tree;

#[test]
fn a_squash_that_removes_nothing_is_the_original_tree() {
    let Some(corpus) = corpus() else { return };
    if !have_umoci() {
        return;
    }
    for real in REAL {
        let Some(oracle) = real.flatten else { continue };
        let sandbox = Sandbox::new();
        let source = real.reference(&corpus, &sandbox);
        let (image, flags) = source.split_once(' ').unwrap_or((&source, ""));
        sandbox
            .slim(&format!(
                "save {image} oci:out:t --profile none --compression gzip {flags}"
            ))
            .ok();
        let want = Tree::oracle(&corpus.join(format!("oracles/flatten/{oracle}.tsv.gz")));
        let (got, want) = comparable(umoci(&sandbox.path("out"), "t"), want, oracle);
        got.assert_same(&want, &real.name());
        sandbox.slim(&format!("verify {image} oci:out:t {flags}")).ok();
    }
}

/// Both trees without what the oracle cannot know: where docker made it, the directories that docker itself touches in a
/// container.
pub(crate) fn comparable(got: Tree, mut want: Tree, oracle: &str) -> (Tree, Tree) {
    let mut got = got.into_oracle();
    if oracle.contains(".docker") {
        for tree in [&mut got, &mut want] {
            for dir in ["dev", "etc", "proc", "sys"] {
                tree.0.remove(dir);
            }
        }
    }
    (got, want)
}
