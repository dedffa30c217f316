//! All documents in the forms that people and other programs show: no page is too wide, no name is syntax.

use unicode_width::UnicodeWidthStr;

use super::super::text::{ColorMode, Style, Symbols};
use super::super::*;
use super::made::{BASE, Medium, UPPER, case};
use super::outcome::outcomes;

#[test]
fn no_line_is_wider_than_the_page_and_nothing_writes_into_the_terminal() {
    for width in [40, 41, 57, 80, 120, 300] {
        for symbols in [Symbols::Unicode, Symbols::Ascii] {
            let page = Page {
                style: Style {
                    color: ColorMode::None,
                    symbols,
                },
                width,
                dockerfile: "Dockerfile",
            };
            let colored = Page {
                style: Style {
                    color: ColorMode::Ansi,
                    symbols,
                },
                width,
                dockerfile: "Dockerfile",
            };
            for (text, colored) in pages(&page).into_iter().zip(pages(&colored)) {
                assert_eq!(without_colors(&colored), text, "colours add nothing");
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                    assert!(!line.ends_with(' '), "{width}: {line:?}");
                    let is_harmless = |c: char| !c.is_control() && c != '\u{202e}' && c != '\u{a0}';
                    assert!(line.chars().all(is_harmless), "{line:?}");
                }
            }
        }
    }
}

/// Text without colours.
fn without_colors(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, code)) = rest.split_once("\u{1b}[") {
        out.push_str(plain);
        rest = code.split_once('m').unwrap().1;
    }
    out + rest
}

#[test]
fn ascii_pages_are_ascii() {
    let page = Page {
        style: Style {
            color: ColorMode::Ansi,
            symbols: Symbols::Ascii,
        },
        width: 100,
        dockerfile: "Dockerfile",
    };
    let case = case(Medium::Archive, &[BASE, UPPER]);
    let text = format("text").unwrap();
    let report = (text.report.unwrap())(&[case.report("layer")], &page).unwrap();
    assert!(report.is_ascii(), "{report}");
    assert!((text.plan.unwrap())(&[case.plan(&[])], &page).unwrap().is_ascii());
}

/// Every document in every format row called `text`, for a page.
fn pages(page: &Page) -> Vec<String> {
    let text = format("text").unwrap();
    let (verify, write) = outcomes();
    let mut pages = vec![
        (text.verify.unwrap())(&[verify], page).unwrap(),
        (text.write.unwrap())(&[write], page).unwrap(),
    ];
    for medium in [Medium::Layout, Medium::Archive] {
        for layers in [&[BASE, UPPER][..], &[]] {
            let case = case(medium, layers);
            pages.push((text.plan.unwrap())(&[case.plan(&["/usr/bin/t"])], page).unwrap());
            for by in ["", "directory,layer,category"] {
                pages.push((text.report.unwrap())(&[case.report(by)], page).unwrap());
            }
        }
    }
    pages
}

#[test]
fn no_name_is_syntax_of_markdown_or_csv() {
    for text in forms("markdown") {
        let bad = |c: char| c != '\n' && escape::is_unsafe(c);
        assert_eq!(text.find(bad), None, "{text}");
        let shown = text.contains("opt/a\\u{1b}[31m\\u{202e}b\\\\c");
        assert!(shown || text.contains("slim save"), "{text}");
        let opened = text.matches("<details>").count();
        assert_eq!(text.matches("</details>").count(), opened, "{text}");
    }
    for text in forms("csv") {
        let columns = text.lines().next().unwrap().split(',').count();
        assert!(columns >= 8, "{text}");
        assert!(text.ends_with("\r\n"));
        assert!(!text.replace("\r\n", "").contains(escape::is_unsafe), "{text}");
    }
}

/// Every form of a hostile case's documents but JSON and HTML, which have tests of their own.
fn forms(name: &str) -> Vec<String> {
    let row = format(name).unwrap();
    let page = Page {
        style: Style::default(),
        width: 80,
        dockerfile: "Dockerfile",
    };
    let case = case(Medium::Archive, &[BASE, UPPER]);
    let options = ReportOptions {
        by: vec![Dimension::Layer, Dimension::Owner],
        largest: 20,
        advice: true,
        tree: true,
    };
    let whole = case.report_of(&options);
    let folded = Report {
        tree: None,
        ..whole.clone()
    };
    vec![
        (row.report.unwrap())(&[whole], &page).unwrap(),
        (row.report.unwrap())(&[folded.clone(), folded], &page).unwrap(),
        (row.plan.unwrap())(&[case.plan(&["/usr/bin/t"])], &page).unwrap(),
    ]
}
