//! The keys as a document: `docs/keys.md`.
//!
//! Apart from the table because it is for people who read, and says what the table does not: filters, the config file, and
//! where the habits of other hands are met.

use std::fmt::Write as _;

use super::keys::{Group, KEYS};

const INTRODUCTION: &str = "\
# Keys

What the keys of `slim explore` do. This document is generated from the table in `src/tui/keys.rs`.

Any of them can be changed in `$XDG_CONFIG_HOME/layerslim/config.toml` (`~/.config/layerslim/config.toml`), by the name of the
action; what stands there replaces its keys:

```toml
background = \"light\"       # or dark; where COLORFGBG does not say it

[tui]                      # how it begins; each of these may be left out
mode = \"merged\"            # or changes, up-to, everything
sort = \"size\"              # or name, files
hide = [\"unmodified\"]      # added, modified, removed, unmodified
show-attributes = true     # modes, users and groups
depth = 1                  # levels of the tree that are expanded
tree-width = 60            # percent of the columns

[keys]
mark = \"m\"
mode = [\"space\", \"ctrl-t\"]
```

Where the locale (`LC_ALL`, `LC_CTYPE`, `LANG`) is not UTF-8, everything is drawn in ASCII, and names in other scripts are
shown as `?`.

The mouse works too: a click selects, a click on what is selected opens it, the wheel scrolls.
";

const OTHERS: &str = "
## Two images, and saved reports

`slim diff OLD NEW --tui` shows two images in the same panes: sizes are what grew (`+`) or shrank (`−`), the largest change first, as
`slim diff` compares them. `A`, `M` and `R` stand before what is new, not the same, and gone; `=` before layers that both have. Enter on a
file that both have shows what differs, `v` its content in the new image, of what is gone in the old one; `L` and `e` likewise.

`slim explore REPORT.json` opens a report that `slim report IMAGE --tree -o REPORT.json` saved, and `slim diff` takes one on either side;
then files are told apart by their sizes. Whatever needs the image itself says so: contents, marks, writing.
";

const FILTERS: &str = "
## Filters

Words of a filter are combined: all must hold; several of one kind are alternatives; `-` before a word turns it round.

| word | shows |
|---|---|
| `cache` | paths that hold the word, in any case |
| `*.so`, `/usr/**/doc` | paths that the glob matches: by name, or from the root where it has a slash |
| `re:\\.py[co]$` | paths that the regular expression matches |
| `>10M`, `<1k` | files that are larger, or smaller |
| `layer:3`, `layer:2-5` | what those layers brought |
| `category:apt-cache`, `safety:safe` | files of a category, or of all with that safety |
| `owner:libc6`, `owner:none` | files of a package, or of none |
| `change:added`, `modified`, `removed`, `shadowed` | by what a layer did |

A word that holds spaces stands between double quotes.
";

const DIVE: &str = "
## For hands that know dive

All that dive's keys do is there; its names are those of `keybinding` in its config file. Ours can be changed to dive's, in
`[keys]`.

| | dive | its keys | here | action |
|---|---|---|---|---|
";

const DIVE_NOTES: &str = "
Four keys of dive mean something else here. `space` marks what is to go. `ctrl-a` is compare-all in both panes: dive's other
meaning of it, and all of its kind, are one capital letter. `ctrl-m` is what a terminal sends for enter, and `ctrl-u` goes up
a page, as elsewhere.

| | dive's config file | `config.toml` here |
|---|---|---|
| ✓ | `keybinding.NAME: KEYS` | `[keys]`, by the name of the action |
| ✓ | `diff.hide: [unmodified]` | `[tui]` `hide = [\"unmodified\"]` |
| ✓ | `filetree.collapse-dir: true` | as it is here; `[tui]` `depth = 1` and more expand |
| ✓ | `filetree.pane-width: 0.5` | `[tui]` `tree-width = 50` |
| ✓ | `filetree.show-attributes: true` | `[tui]` `show-attributes = true` |
| ✓ | `layer.show-aggregated-changes: true` | `[tui]` `mode = \"up-to\"`; where it is false, `mode = \"changes\"` |
| ✓ | `container-engine: podman` | found by itself; `CONTAINER_HOST` or `DOCKER_HOST` say otherwise |
| ✓ | `.dive-ci` | read by `slim check` ([check.md](check.md)) |
";

/// The table as Markdown: `docs/keys.md`.
pub fn document() -> String {
    let mut out = INTRODUCTION.to_owned();
    for group in Group::ALL {
        // Writing into a `String` cannot fail.
        let _ = write!(
            out,
            "\n## {}\n\n| keys | action | |\n|---|---|---|\n",
            group.title()
        );
        for row in KEYS.iter().filter(|row| row.group == group) {
            let keys = quoted(row.keys.iter().copied());
            let _ = writeln!(out, "| {keys} | {} | {} |", row.name, row.help);
        }
    }
    out.push_str(OTHERS);
    out.push_str(FILTERS);
    out.push_str(DIVE);
    for row in KEYS {
        let Some((name, keys)) = row.dive.split_once('|') else {
            continue;
        };
        let (theirs, ours) = (quoted(keys.split(' ')), quoted(row.keys.iter().copied()));
        let _ = writeln!(out, "| ✓ | {name} | {theirs} | {ours} | {} |", row.name);
    }
    out.push_str(
        "| ✓ | toggle-wrap-tree | `ctrl-p` | | always: the whole path of what is selected stands wrapped below the list |\n",
    );
    out.push_str(DIVE_NOTES);
    out
}

fn quoted<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    keys.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::tui::chord::Chord;
    use crate::tui::keys::{Action, Keymap};
    use crate::tui::start::Start;

    /// `LAYERSLIM_BLESS=1` writes the document anew.
    #[test]
    fn the_document_is_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
        let now = document();
        if std::env::var_os("LAYERSLIM_BLESS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == now,
            "docs/keys.md is stale: run the tests with LAYERSLIM_BLESS=1"
        );
    }

    #[test]
    fn the_keys_of_dive_do_what_they_do_there_but_for_four() {
        let keymap = Keymap::default();
        let mut other = Vec::new();
        for row in KEYS {
            let keys = row.dive.split_once('|').map_or("", |(_, keys)| keys);
            for key in keys.split(' ').filter(|key| !key.is_empty()) {
                let chord: Chord = key.parse().unwrap();
                if keymap.action(chord) != Some(row.action) {
                    other.push((key, row.action));
                }
            }
        }
        assert_eq!(
            other,
            [
                ("space", Action::Toggle),
                ("ctrl-a", Action::ShowAdded),
                ("ctrl-m", Action::ShowModified),
                ("ctrl-u", Action::ShowUnmodified),
            ]
        );
    }

    #[test]
    fn the_config_file_of_the_document_is_one() {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Config {
            #[serde(rename = "background")]
            _background: String,
            tui: Start,
            keys: BTreeMap<String, toml::Value>,
        }
        let text = INTRODUCTION.split("```").nth(1).unwrap();
        let config: Config = toml::from_str(text.strip_prefix("toml").unwrap()).unwrap();
        assert_ne!(config.tui, Start::default());
        let is_action = |name: &String| KEYS.iter().any(|row| row.name == name);
        assert!(config.keys.keys().all(is_action));
    }
}
