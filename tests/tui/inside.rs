//! Looking into files, and taking them out.

use std::fs;

use super::{sandbox, shows};
use crate::support::cmd::{Sandbox, names};
use crate::support::recipe::Recipe;

#[test]
fn files_are_looked_into() {
    let sandbox = Sandbox::with(&Recipe::new(
        "layer\nf srv/a.txt text=\"one\\ntwo\\x1b[31m\\nthree\\n\"\nf srv/gone 3\nl srv/link a.txt\nd srv/empty\nc dev/null 1 3\nlayer RUN change\nf srv/a.txt text=\"one\\n2\\nthree\\n\"\nwh srv/gone",
    ));
    for (keys, wanted) in [
        (
            "/a.txt<enter>v",
            &["/srv/a.txt", "1 one", "2 2", "3 three", "line 1 of 3"][..],
        ),
        (
            "/a.txt<enter><enter>H",
            &["00000000  6f 6e 65 0a 32 0a", "byte 0"],
        ),
        ("/link<enter>v", &["→ a.txt", "1 one"]),
        ("/empty<enter>v", &["a directory has no content"]),
        ("/null<enter>v", &["a character device has no content"]),
        ("/a.txt<enter>v/thr<enter>q", &["Merged image"]),
        ("/a.txt<enter>vq", &["Merged image"]),
        ("/a.txt<enter>L", &["added", "modified: content", "RUN change"]),
        (
            "/a.txt<enter>L<enter>",
            &["as layer 0 shows it", "2 two\\u{1b}[31m"],
        ),
        (
            "/a.txt<enter>Ljd",
            &["layer 0 to layer 1", "-two\\u{1b}[31m", "+2", "@@ -1,3 +1,3 @@"],
        ),
        ("/a.txt<enter>L jD", &["layer 0 to layer 1"]),
        ("/a.txt<enter>LD", &["there is no version before this one"]),
        ("/a.txt<enter>LjDqq", &["Merged image"]),
        (
            "mm1/gone<enter>L",
            &[
                "removed by the whiteout of /srv/gone",
                "merged image shows nothing",
            ],
        ),
    ] {
        shows(&sandbox, keys, wanted);
    }
}

#[test]
fn files_and_directories_are_extracted() {
    let sandbox = sandbox();
    let target = "<ctrl-u>out/deep<enter>";
    shows(
        &sandbox,
        &format!("/data<enter>e{target}<enter>"),
        &["3 files, 4 directories"],
    );
    let data = sandbox.path("out/deep/data");
    assert_eq!(fs::metadata(data.join("large.bin")).unwrap().len(), 1_500_000);
    assert!(data.join("deep/er/and/deeper.txt").is_file());
    shows(
        &sandbox,
        &format!("/data<enter>e{target}<enter>"),
        &["is there already"],
    );
    shows(&sandbox, "/data<enter>e<esc>", &["Merged image"]);
    assert_eq!(names(&sandbox.path("out/deep")), ["data"]);
}
