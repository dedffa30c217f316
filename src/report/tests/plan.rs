//! Plans: what goes, what stays and why, and how a selection is told.

use super::super::text::Style;
use super::super::*;
use super::keys;
use super::made::{BASE, Medium, UPPER, case};
use crate::profile::{Choice, Pick, Place, Profiles};

#[test]
fn a_plan_tells_what_goes_and_what_stays() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let plan = case.plan(&["/usr/bin/t"]);
    assert_eq!(plan.refused.len(), 1, "{:?}", plan.refused);
    assert_eq!(plan.refused[0].path, "/usr/share/doc/tool/linked");
    assert_eq!(plan.refused[0].needed_by, ["/srv/link"]);
    let groups: Vec<_> = plan
        .groups
        .iter()
        .map(|g| (g.category.as_deref(), g.files, g.disk_bytes))
        .collect();
    let apt = plan.groups[0].category.as_deref();
    assert_eq!(
        groups,
        [(apt, 2, 2000), (Some("docs"), 2, 1500), (None, 1, 0)],
        "a link's bytes go with its last name"
    );
    assert_eq!(
        plan.groups[1].examples[0],
        Example {
            path: "/usr/share/doc/tool/README".to_owned(),
            bytes: 1500
        }
    );
    assert_eq!((plan.totals.files, plan.totals.disk_bytes), (5, 3500));
    assert_eq!(
        plan.removals.iter().map(|removal| removal.bytes).sum::<u64>(),
        3500
    );
    let report = case.report("");
    assert_eq!(report.totals.removable_bytes, 3500, "what the default plan says");
    assert_eq!(plan.before.disk_bytes, report.totals.disk_bytes);
    assert_eq!(
        plan.modes.squash.sizes.disk_bytes,
        report.totals.visible_bytes - 3500
    );
    assert!(
        plan.modes.squash.sizes.uncompressed_bytes
            < plan.before.uncompressed_bytes - report.totals.shadowed_bytes
    );
    let (before, after) = (
        plan.before.wire_bytes_estimate,
        plan.modes.squash.sizes.wire_bytes_estimate,
    );
    assert!(
        after > 0 && after < before / 3,
        "the source's plain tars would be compressed: {before}, {after}"
    );
    let removed = plan.totals.wire_bytes_estimate;
    assert!(removed > 0 && removed < plan.totals.disk_bytes / 2, "{removed}");
    let json: serde_json::Value = serde_json::from_str(&crate::report::json(&[plan]).unwrap()).unwrap();
    let want = "schema_version source selection removals changes packages refused groups totals before modes warnings";
    assert_eq!(keys(&json), want);
    assert_eq!(
        keys(&json["source"]),
        "reference digest config_digest diff_ids platform"
    );
    assert_eq!(
        keys(&json["selection"]),
        "profiles remove remove_words keep_words remove_packages remove_paths keep_paths force_paths locales strip"
    );
    assert_eq!(keys(&json["removals"][0]), "path layer category rule bytes");
    assert_eq!(json["selection"]["force_paths"][0], "/usr/bin/t");
    assert_eq!(json["selection"]["profiles"][0], "default");
}

#[test]
fn a_selection_is_told_in_few_words() {
    let case = case(Medium::Layout, &[BASE]);
    let profiles = Profiles::builtin().unwrap();
    let pick = |name: &str| Pick::Category(profiles.catalog().find(name).unwrap().0);
    let review = |choice: &Choice| {
        let place = Place::flag("--remove");
        let mut choice = choice.clone();
        profiles
            .catalog()
            .to_remove("review", &place)
            .unwrap()
            .into_iter()
            .for_each(|pick| choice.add(pick));
        choice
    };
    let default = profiles.resolve(&["default"]).unwrap();
    let mut without_docs = default.clone();
    without_docs.spare(pick("docs"));
    let mut only_docs = profiles.resolve(&["none"]).unwrap();
    only_docs.add(pick("docs"));
    for (choice, want) in [
        (default.clone(), "profile default; removes safe"),
        (review(&default), "profile default; removes safe, review"),
        (
            without_docs,
            "profile default; removes safe; but keeps docs; force-path /a",
        ),
        (only_docs, "profile none; removes docs; force-path /a"),
    ] {
        let plan = case.plan_of(choice, &["/a"]);
        let text = text_of(&plan);
        assert!(text.contains(want), "{want}\n{text}");
    }
}

#[test]
fn a_plan_reads_well() {
    let text = text_of(&case(Medium::Layout, &[BASE, UPPER]).plan(&["/usr/bin/t"]));
    for want in [
        "  5.70 kB more that no path shows goes too\n",
        "      0 B  named by hand · 1 file\n           by /usr/bin/t\n",
        "  1 path: a symlink that stays leads to it\n    /usr/share/doc/tool/linked\n      \
         needed by /srv/link · asked for by /usr/share/doc/**\n",
        "\nslim save oci:shop/frontend:1.4 TARGET (or push) with",
    ] {
        assert!(text.contains(want), "{want}\n{text}");
    }
}

fn text_of(plan: &PlanDocument) -> String {
    let page = Page {
        style: Style::default(),
        width: 100,
        dockerfile: "Dockerfile",
    };
    (format("text").unwrap().plan.unwrap())(std::slice::from_ref(plan), &page).unwrap()
}
