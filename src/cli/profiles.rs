//! `slim profiles [NAME]`: what can be chosen, and what a choice removes.

use std::fmt::Write as _;

use super::args::ProfilesArgs;
use super::exit::Failure;
use super::{choose, out};
use crate::profile::{
    AUTO, Catalog, Category, Choice, Directories, PackageSet, Place, Profile, ProfileError, Profiles,
};
use crate::report::printable;

pub(super) fn run(args: &ProfilesArgs) -> Result<(), Failure> {
    let mut profiles = Profiles::builtin()?;
    let mut page = String::new();
    match &args.name {
        None => all(&profiles, &mut page)?,
        Some(name) if name == AUTO => page.push_str(
            "profile auto: every profile that the image has evidence for, together\n\
             `slim plan IMAGE` names them, the files that speak for each, and what each takes off.\n\
             An image without evidence for any gets `default`.\n",
        ),
        Some(name) => {
            if let Some((_, category)) = profiles.catalog().find(name) {
                self::category(category, &mut page);
            } else if let Some((_, set)) = profiles.catalog().find_set(name) {
                package_set(set, &mut page);
            } else {
                let name = choose::profile(&mut profiles, name)?;
                known(&profiles, &name)?;
                self::profile(&profiles, profiles.get(&name)?, &mut page)?;
            }
        }
    }
    // A profile file may be anybody's.
    let page: String = page.lines().map(|line| printable(line) + "\n").collect();
    out::bytes(page.as_bytes())
}

/// A word that is neither a profile, a category nor a package set gets the nearest name of both.
fn known(profiles: &Profiles, name: &str) -> Result<(), Failure> {
    let Err(ProfileError::UnknownProfile { nearest, .. }) = profiles.get(name) else {
        return Ok(());
    };
    let category = match profiles.catalog().to_keep(name, &Place::flag("profiles")) {
        Err(ProfileError::UnknownCategory { nearest, .. }) => nearest,
        _ => None,
    };
    let hint = nearest
        .or(category)
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    Err(Failure::usage(format!(
        "`{name}` is neither a profile nor a category{hint}"
    )))
}

fn all(profiles: &Profiles, page: &mut String) -> Result<(), Failure> {
    page.push_str("Profiles: what `--profile NAME` removes\n");
    for profile in profiles.iter() {
        let choice = profiles.resolve(&[&profile.name])?;
        let count = choice.categories().count() + choice.package_sets().count();
        line(
            page,
            format_args!("  {:<12} {} ({count} categories)", profile.name, profile.title),
        );
    }
    line(
        page,
        format_args!("  {AUTO:<12} All that the image has evidence for; `slim plan` names them"),
    );
    for (safety, title) in [
        ("safe", "Safe: the image behaves the same without it"),
        ("review", "Review: usually unused at run time"),
        ("risky", "Risky: changes what the image can do"),
    ] {
        let of = |category: &&Category| category.safety.is_some_and(|found| found.as_str() == safety);
        list(profiles.catalog(), title, of, page);
    }
    line(
        page,
        format_args!("\nPackage sets: packages that go whole, with what only they needed"),
    );
    for (_, set) in profiles.catalog().sets() {
        line(
            page,
            format_args!("  {:<26} {:<7} {}", set.name, set.safety, set.title),
        );
    }
    list(
        profiles.catalog(),
        "Never removed unless forced by path",
        |category| category.safety.is_none() && category.band.as_str() == "protected",
        page,
    );
    list(
        profiles.catalog(),
        "Kept: so that every byte has a name",
        |category| category.safety.is_none() && category.band.as_str() != "protected",
        page,
    );
    page.push_str("\n`slim profiles NAME` shows a profile or a category whole.\n");
    Ok(())
}

fn list(catalog: &Catalog, title: &str, of: impl Fn(&&Category) -> bool, page: &mut String) {
    let rows: Vec<&Category> = catalog
        .iter()
        .map(|(_, category)| category)
        .filter(|category| of(category))
        .collect();
    if rows.is_empty() {
        return;
    }
    line(page, format_args!("\n{title}"));
    for category in rows {
        line(page, format_args!("  {:<26} {}", category.name, category.title));
    }
}

fn profile(profiles: &Profiles, profile: &Profile, page: &mut String) -> Result<(), Failure> {
    let choice = profiles.resolve(&[&profile.name])?;
    line(page, format_args!("profile {}: {}", profile.name, profile.title));
    let extends: Vec<&str> = profile.extends().collect();
    if !extends.is_empty() {
        line(page, format_args!("extends: {}", extends.join(", ")));
    }
    removed(profiles.catalog(), &choice, page);
    for (title, globs) in [
        ("Evidence that an image is of its kind", &profile.evidence),
        ("Also removes", &choice.remove_paths),
        ("Always keeps", &choice.keep_paths),
    ] {
        for glob in globs {
            line(page, format_args!("{title}: {}", glob.as_str()));
        }
    }
    if !choice.locales.is_empty() {
        line(
            page,
            format_args!("Keeps translations for: {}", choice.locales.join(", ")),
        );
    }
    Ok(())
}

fn removed(catalog: &Catalog, choice: &Choice, page: &mut String) {
    let mut rows: Vec<&Category> = choice.categories().filter_map(|id| catalog.get(id)).collect();
    rows.sort_by_key(|category| (category.safety, &category.name));
    let title = if rows.is_empty() && choice.package_sets().next().is_none() {
        "Removes no file."
    } else {
        "Removes:"
    };
    line(page, format_args!("{title}"));
    for category in rows {
        let safety = category.safety.map_or("", |safety| safety.as_str());
        line(
            page,
            format_args!("  {:<26} {safety:<7} {}", category.name, category.title),
        );
    }
    for set in choice.package_sets().filter_map(|id| catalog.set(id)) {
        line(
            page,
            format_args!("  {:<26} {:<7} {}", set.name, set.safety, set.title),
        );
    }
    if choice.removes_shadowed() {
        line(
            page,
            format_args!(
                "  {:<26} {:<7} Files that no path shows any more",
                "shadowed", "safe"
            ),
        );
    }
}

fn category(category: &Category, page: &mut String) {
    let safety = category.safety.map_or("never removed", |safety| safety.as_str());
    line(
        page,
        format_args!("category {}: {}", category.name, category.title),
    );
    line(page, format_args!("band {}, {safety}", category.band.as_str()));
    for (title, text) in [
        ("Why", &category.reason),
        ("May break", &category.breaks),
        ("At build time", &category.advice),
    ] {
        if !text.is_empty() {
            line(page, format_args!("{title}: {text}"));
        }
    }
    for when in &category.when {
        line(page, format_args!("Only where {}", when.describe()));
    }
    if category.directories == Directories::Remove {
        page.push_str("Directories that are left empty go too\n");
    }
    category
        .globs
        .iter()
        .for_each(|glob| line(page, format_args!("  + {}", glob.as_str())));
    category
        .except
        .iter()
        .for_each(|glob| line(page, format_args!("  - {}", glob.as_str())));
}

fn package_set(set: &PackageSet, page: &mut String) {
    line(page, format_args!("package set {}: {}", set.name, set.title));
    line(page, format_args!("{}", set.safety));
    for (title, text) in [
        ("Why", &set.reason),
        ("May break", &set.breaks),
        ("At build time", &set.advice),
    ] {
        if !text.is_empty() {
            line(page, format_args!("{title}: {text}"));
        }
    }
    for (manager, names) in &set.names {
        for name in names {
            line(page, format_args!("  + {manager}:{name}"));
        }
    }
    for name in &set.except {
        line(page, format_args!("  - {name}"));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "{text}");
}
