//! The list of all categories for people: `docs/categories.md`.
//!
//! A module of its own because it is a rendering of the catalog and adds nothing to it.

use std::fmt::{self, Write};

use super::{Band, Catalog, Category, Directories, Pattern, Safety};

const INTRODUCTION: &str = "\
# Categories

What the bytes of an image are for. This document is generated from `profiles/categories/*.toml`.

A path belongs to the first category that takes it: by band (protected, vcs, cache, tree, package-set, file-kind, kept),
then by the longest literal beginning of the glob. Only regular files are removed, and never one that a symlink which
stays resolves to. Directories stay, empty, unless the category says otherwise.
";

/// The catalog as Markdown.
pub fn document(catalog: &Catalog) -> String {
    let mut out = String::new();
    // Writing into a `String` cannot fail.
    let _ = write(catalog, &mut out);
    out
}

fn write(catalog: &Catalog, out: &mut String) -> fmt::Result {
    out.push_str(INTRODUCTION);
    for safety in Safety::ALL {
        let (title, text) = match safety {
            Safety::Safe => (
                "Safe",
                "The image behaves the same; at most something is fetched or computed again.",
            ),
            Safety::Review => ("Review", "Usually unused at run time; may matter."),
            Safety::Risky => ("Risky", "Changes what the image can do."),
        };
        section(
            catalog,
            title,
            text,
            |category| category.safety == Some(safety),
            out,
        )?;
    }
    sets(catalog, out)?;
    let protected = "Goes only by `--force-path`.";
    section(
        catalog,
        "Protected",
        protected,
        |category| category.band == Band::Protected,
        out,
    )?;
    let kept = "Everything else by its kind. Goes only by path.";
    section(
        catalog,
        "Kinds of files",
        kept,
        |category| category.band == Band::Kept,
        out,
    )
}

/// The package sets, in a section of their own.
fn sets(catalog: &Catalog, out: &mut String) -> fmt::Result {
    out.push_str(
        "\n## Package sets\n\nPackages that go whole: with their files, whatever their category, their rows in the package manager's database, and what only they\nneeded. One that something kept needs stays: [`packages.md`](packages.md).\n",
    );
    for (_, set) in catalog.sets() {
        write!(
            out,
            "\n### `{}`: {} ({})\n\n{}\n\n",
            set.name, set.title, set.safety, set.reason
        )?;
        for (manager, names) in set.names.iter().filter(|(_, names)| !names.is_empty()) {
            writeln!(out, "- {manager}: `{}`", names.join("`, `"))?;
        }
        if !set.except.is_empty() {
            writeln!(out, "- Not: `{}`", set.except.join("`, `"))?;
        }
        writeln!(out, "- May break: {}", set.breaks)?;
        if !set.advice.is_empty() {
            writeln!(out, "- To avoid it: {}", set.advice)?;
        }
    }
    Ok(())
}

fn section(
    catalog: &Catalog,
    title: &str,
    text: &str,
    belongs: impl Fn(&Category) -> bool,
    out: &mut String,
) -> fmt::Result {
    let categories: Vec<&Category> = catalog
        .iter()
        .map(|(_, category)| category)
        .filter(|c| belongs(c))
        .collect();
    if categories.is_empty() {
        return Ok(());
    }
    write!(out, "\n## {title}\n\n{text}\n")?;
    for category in categories {
        entry(category, out)?;
    }
    Ok(())
}

fn entry(category: &Category, out: &mut String) -> fmt::Result {
    write!(
        out,
        "\n### `{}`: {}\n\n{}\n\n",
        category.name, category.title, category.reason
    )?;
    globs("Paths", &category.globs, out)?;
    globs("Not", &category.except, out)?;
    if !category.when.is_empty() {
        let conditions: Vec<String> = category.when.iter().map(super::Condition::describe).collect();
        writeln!(out, "- Only where {}.", conditions.join(", and "))?;
    }
    if !category.breaks.is_empty() {
        writeln!(out, "- May break: {}", category.breaks)?;
    }
    if category.directories == Directories::Remove {
        writeln!(out, "- Emptied directories go too.")?;
    }
    if !category.advice.is_empty() {
        writeln!(out, "- To avoid it: {}", category.advice)?;
    }
    if !category.dockerignore.is_empty() {
        writeln!(
            out,
            "- For .dockerignore: `{}`",
            category.dockerignore.join("`, `")
        )?;
    }
    Ok(())
}

fn globs(label: &str, globs: &[Pattern], out: &mut String) -> fmt::Result {
    if globs.is_empty() {
        return Ok(());
    }
    let globs: Vec<String> = globs.iter().map(|glob| format!("`{}`", glob.as_str())).collect();
    writeln!(out, "- {label}: {}", globs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `LAYERSLIM_BLESS=1` writes the document anew.
    #[test]
    fn the_document_in_the_repository_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/categories.md");
        let text = document(&Catalog::builtin().unwrap());
        if std::env::var_os("LAYERSLIM_BLESS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == text,
            "docs/categories.md is stale: run the tests with LAYERSLIM_BLESS=1"
        );
    }

    #[test]
    fn every_category_has_its_entry() {
        let catalog = Catalog::builtin().unwrap();
        let text = document(&catalog);
        for (_, category) in catalog.iter() {
            assert_eq!(
                text.matches(&format!("\n### `{}`: ", category.name)).count(),
                1,
                "{}",
                category.name
            );
        }
    }
}
