//! The documents: what hostile names, large comments and several formats come to.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::{APP, markdown, sandbox_of};

/// Names that would be syntax of Markdown, HTML, CSV or a forge, in every place that an image has for one.
#[test]
fn hostile_names_stay_names() {
    let old = "layer RUN a | <b>@team #12 `x`\nf a 1";
    let new = "layer RUN a | <b>@team #12 `x` [l](http://x) ${1}\nf a 1 seed=2\nf x/=cmd|' 5\nf x/`tick``s` 6\nf x/<script>@team 7\n\
               f x/two\\x0alines 8\nf x/bidi\\xe2\\x80\\xae 9\nf x/a|b\\x5c|c 10\nf x/**b**_#1 11";
    let sandbox = sandbox_of(old, new);
    let said = markdown(&sandbox);
    let mut bare = said.clone();
    // What is left without code spans, and without the tags that are ours.
    for (open, close) in [("<code>", "</code>"), ("``` ", " ```"), ("``", "``"), ("`", "`")] {
        while let Some(begin) = bare.find(open) {
            let end = bare[begin + open.len()..]
                .find(close)
                .unwrap_or_else(|| panic!("{bare}"));
            bare.replace_range(begin..begin + open.len() + end + close.len(), "");
        }
    }
    for tag in [
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<sub>",
        "</sub>",
    ] {
        bare = bare.replace(tag, "");
    }
    for syntax in ['<', '>', '@', '#', '[', '_', '$', '\u{202e}', '\\'] {
        assert!(!bare.contains(syntax), "{syntax}: {bare}");
    }
    let cells: BTreeSet<usize> = bare
        .split("\n\n")
        .filter(|block| block.starts_with("| file "))
        .flat_map(|block| block.lines().map(|line| line.matches('|').count()))
        .collect();
    assert_eq!(cells, BTreeSet::from([6]), "{bare}");

    let csv = sandbox.slim("diff oci:old:t oci:new:t --format csv").ok().stdout;
    assert!(csv.contains("\r\nadded,\"/x/=cmd|'"), "{csv}");
    assert_eq!(csv.lines().count(), 9, "{csv}");
    for format in ["text", "json", "csv", "markdown"] {
        let out = sandbox
            .slim(&format!("diff oci:old:t oci:new:t --format {format}"))
            .ok()
            .stdout;
        let is_bad = |c: char| c == '\u{202e}' || c.is_control() && c != '\n' && c != '\r';
        assert!(!out.contains(is_bad), "{format}: {out:?}");
    }
}

#[test]
fn a_huge_comment_is_cut_and_says_so() {
    let mut new = "layer ADD x /\nf base 1\n".to_owned();
    for number in 0..400 {
        let long = "n".repeat(90);
        writeln!(
            new,
            "layer RUN number {number} {long}\nf {long}/{long}/{number} 10"
        )
        .unwrap();
    }
    let sandbox = sandbox_of("layer ADD x /\nf base 1\n", &new);
    let said = markdown(&sandbox);
    assert!(said.chars().count() <= 65_536, "{}", said.chars().count());
    assert!(
        said.chars().count() > 20_000,
        "what fits is there: {}",
        said.chars().count()
    );
    let left: Vec<&str> = said.lines().filter(|line| line.starts_with('…')).collect();
    assert!(
        left.len() >= 2 && left.iter().all(|line| line.ends_with(" more rows")),
        "{left:?}"
    );
    assert!(said.contains("</details>\n\n<sub>"), "{said}");
}

#[test]
fn one_file_for_all_and_the_same_text_each_time() {
    let sandbox = sandbox_of(APP, &APP.replace("print(1)", "print(2)"));
    sandbox
        .slim("diff oci:old:t oci:new:t --threads 1 -o one.md")
        .ok();
    sandbox
        .slim("diff oci:old:t oci:new:t --threads 2 -o two.md")
        .ok();
    let [one, two] = ["one.md", "two.md"].map(|name| fs::read_to_string(sandbox.path(name)).unwrap());
    assert_eq!(one, two);
    assert_eq!(one.replace('\u{a0}', " "), markdown(&sandbox));
    let refused = sandbox.slim("verify oci:old:t oci:new:t --format csv").code(2);
    assert!(
        refused.stderr.contains("[possible values: text, json]"),
        "{}",
        refused.stderr
    );
    sandbox
        .slim("verify oci:old:t oci:new:t -o verdict.csv")
        .one_line(2, &["`csv`", "text and json"]);
    sandbox.slim("diff oci:old:t").code(2);
    sandbox.slim("diff oci:old:t oci:gone:t").one_line(3, &["gone"]);
}
