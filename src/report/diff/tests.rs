//! The comment on documents that no image is needed for: budgets, and what is left when nothing fits.

use super::*;

fn one_sided(platform: &str) -> Diff {
    Diff::one_sided(platform.to_owned(), None, None)
}

fn budget(state: BudgetState, name: &str) -> BudgetRow {
    BudgetRow {
        name: name.to_owned(),
        state,
        value: "322 MB".to_owned(),
        limit: "300 MB".to_owned(),
        message: "see `/usr/lib` @team".to_owned(),
    }
}

#[test]
fn budgets_that_are_not_kept_come_first() {
    let mut diff = one_sided("linux/amd64");
    diff.budgets = vec![
        budget(BudgetState::Ok, "kept"),
        budget(BudgetState::Allowed, "max-wire"),
        budget(BudgetState::Over, "max|disk"),
    ];
    let said = markdown(&[diff], &Comment::default());
    let at = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words}: {said}"));
    assert!(at("❌ over | max&#124;disk | 322 MB | 300 MB |") < at("⚠️ allowed | max-wire"));
    assert!(at("⚠️ allowed") < at("✅ 1\u{a0}budget kept"));
    assert!(!said.contains("@team"), "{said}");
}

#[test]
fn any_number_of_characters_is_kept_to() {
    let many: Vec<Diff> = (0..500)
        .map(|number| one_sided(&format!("linux/{number}/{}", "x".repeat(300))))
        .collect();
    for most in [65_536, 8000, 1000, 200, 10] {
        let said = markdown(&many, &Comment { max_chars: most });
        assert!(said.chars().count() <= most, "{most}: {said}");
        assert_eq!(said.is_empty(), most == 10, "{most}");
    }
}

#[test]
fn a_summary_is_left_by_no_platform() {
    let said = markdown(&[one_sided("</summary>"), one_sided("<b>")], &Comment::default());
    assert!(
        !said.contains("<b>\n") && !said.contains("<summary></summary>"),
        "{said}"
    );
}
