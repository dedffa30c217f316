//! A comparison as the comment of a pull request: read in five seconds, with everything else folded.
//!
//! A module of its own because its order is an argument: a verdict, one small table, budgets, what broke the cache; only
//! then what else there is to know. The same document gives the same text, so that a comment changes only where the
//! image did. Every name goes through `markdown_words` (rule 33).

use super::model::{BudgetRow, BudgetState, Diff, DiffImage};
use super::sentence::{self, Piece};
use crate::report::markdown_words::{Align, Inline, Table, code, code_cut, ours, paragraph, prose, text};
use crate::report::text::{count, number, short_digest, signed_number, size};

mod details;

use details::{details, sections};

/// What forges take as one comment (GitHub: 65,536 characters).
const MAX_CHARS: usize = 65_536;
/// Rows of a table, from what is shown where there is room to what is shown where there is none.
const ROWS: [usize; 9] = [200, 100, 50, 25, 12, 6, 3, 1, 0];
/// Rows of budgets and platforms that are shown in any case.
const LEAST: usize = 20;
/// Characters of an instruction.
const INSTRUCTION: usize = 160;
/// Characters of a path, and of other names.
const NAME: usize = 120;

/// How a comment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// How many characters it may have. What does not fit is left out, and that is said.
    pub max_chars: usize,
}

impl Default for Comment {
    fn default() -> Self {
        Self { max_chars: MAX_CHARS }
    }
}

/// The comment on one image, or on every platform of an index.
pub fn markdown(diffs: &[Diff], comment: &Comment) -> String {
    let fits = |text: &String| text.chars().count() <= comment.max_chars;
    let tried = ROWS.into_iter().map(|rows| whole(diffs, rows)).find(fits);
    tried.unwrap_or_else(|| verdict_alone(diffs, comment.max_chars))
}

fn whole(diffs: &[Diff], rows: usize) -> String {
    let mut out = String::new();
    match diffs {
        [only] => one(only, rows, &mut out),
        all => several(all, rows, &mut out),
    }
    if rows == 0 {
        out.push_str("_The details do not fit into one comment; `slim diff --format json` has them._\n\n");
    }
    if let Some(diff) = diffs.first() {
        footer(diff, diffs.len(), &mut out);
    }
    out
}

/// What is left where nothing else fits: as much of the first sentence as does.
fn verdict_alone(diffs: &[Diff], most: usize) -> String {
    let mut out = String::new();
    if let Some(diff) = diffs.first() {
        paragraph(&line(&sentence::verdict(diff)), &mut out);
    }
    if out.chars().count() > most {
        String::new()
    } else {
        out
    }
}

fn one(diff: &Diff, rows: usize, out: &mut String) {
    paragraph(&line(&sentence::verdict(diff)), out);
    let is_compared = diff.old.is_some() && diff.new.is_some();
    if is_compared && !diff.identical {
        totals(diff, out);
    }
    budgets(&diff.budgets, rows, out);
    for sentence in story(diff) {
        paragraph(&sentence, out);
    }
    sections(
        diff,
        rows,
        &mut |summary, body, out| details(summary, body, out),
        out,
    );
}

/// What broke the cache, and what was built again for nothing.
fn story(diff: &Diff) -> Vec<Inline> {
    sentence::story(diff)
        .iter()
        .map(|sentence| line(sentence))
        .collect()
}

/// The one small table.
fn totals(diff: &Diff, out: &mut String) {
    let totals = &diff.totals;
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "before"),
        (Align::Right, "after"),
        (Align::Right, "change"),
    ]);
    let wire = totals.wire_bytes_estimate;
    let about = if totals.wire_bytes.is_some() {
        "compressed"
    } else {
        "compressed, about"
    };
    for (name, change) in [(about, wire), ("on disk", totals.disk_bytes)] {
        table.row([
            ours(name),
            ours(&size(change.old)),
            ours(&size(change.new)),
            ours(&sentence::change(change)),
        ]);
    }
    for (name, change) in [("layers", totals.layers), ("files", totals.files)] {
        table.row([
            ours(name),
            ours(&number(change.old)),
            ours(&number(change.new)),
            ours(&signed_number(change.delta)),
        ]);
    }
    table.write(out);
}

/// Budgets that are not kept, and how many are.
fn budgets(budgets: &[BudgetRow], rows: usize, out: &mut String) {
    let of = |state: BudgetState| budgets.iter().filter(move |row| row.state == state);
    let kept = of(BudgetState::Ok).count() as u64;
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Left, "budget"),
        (Align::Right, "found"),
        (Align::Right, "allowed"),
        (Align::Left, ""),
    ]);
    let broken: Vec<&BudgetRow> = of(BudgetState::Over).chain(of(BudgetState::Allowed)).collect();
    let most = rows.max(LEAST);
    for row in broken.iter().take(most) {
        let state = if row.state == BudgetState::Over {
            "❌ over"
        } else {
            "⚠️ allowed"
        };
        let [name, value, limit] = [&row.name, &row.value, &row.limit].map(|words| text(&short(words)));
        table.row([ours(state), name, value, limit, prose(&short(&row.message))]);
    }
    table.write(out);
    more(broken.len(), most, out);
    if kept > 0 {
        paragraph(&ours(&format!("✅ {} kept", count(kept, "budget"))), out);
    }
}

fn several(diffs: &[Diff], rows: usize, out: &mut String) {
    let named = diffs
        .iter()
        .find_map(|diff| diff.new.as_ref().or(diff.old.as_ref()));
    let name = named.map_or_else(Inline::default, |image| {
        code_cut(sentence::title(image), NAME).bold()
    });
    let same = diffs.iter().filter(|diff| diff.identical).count() as u64;
    let said = match same {
        same if same == diffs.len() as u64 => " did not change",
        0 => "",
        _ => ", some of which did not change",
    };
    let platforms = ours(&format!("{}{said}", count(diffs.len() as u64, "platform")));
    paragraph(&name.and(&ours(": ")).and(&platforms), out);
    table_of_platforms(diffs, rows.max(LEAST), out);
    for diff in diffs {
        budgets(&diff.budgets, rows, out);
    }
    for (platforms, sentence) in stories(diffs).into_iter().take(rows.max(LEAST)) {
        let names: Vec<Inline> = platforms.iter().map(|name| code_cut(name, NAME)).collect();
        paragraph(&joined(&names).and(&ours(": ")).and(&sentence), out);
    }
    for diff in diffs {
        let mut body = String::new();
        let mut titled = |summary: &str, inner: &str, out: &mut String| {
            paragraph(&ours(summary).bold(), out);
            out.push_str(inner);
        };
        sections(diff, rows, &mut titled, &mut body);
        details(&plain_platform(&diff.platform), &body, out);
    }
}

fn table_of_platforms(diffs: &[Diff], most: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, "platform"),
        (Align::Right, "compressed"),
        (Align::Right, "change"),
        (Align::Right, "on disk"),
        (Align::Right, "change"),
        (Align::Right, "to download"),
    ]);
    for diff in diffs.iter().take(most) {
        let platform = code_cut(&diff.platform, NAME);
        let side = match (&diff.old, &diff.new) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some("only in the old image"),
            _ => Some("only in the new image"),
        };
        if let Some(side) = side {
            let blank = Inline::default;
            table.row([platform, blank(), ours(side), blank(), blank(), blank()]);
            continue;
        }
        let (wire, disk) = (diff.totals.wire_bytes_estimate, diff.totals.disk_bytes);
        table.row([
            platform,
            ours(&size(wire.new)),
            ours(&sentence::change(wire)),
            ours(&size(disk.new)),
            ours(&sentence::change(disk)),
            ours(&sentence::transfer(diff)),
        ]);
    }
    table.write(out);
    more(diffs.len(), most, out);
}

/// What is said of platforms, each sentence once.
fn stories(diffs: &[Diff]) -> Vec<(Vec<&str>, Inline)> {
    let mut out: Vec<(Vec<&str>, Inline)> = Vec::new();
    for diff in diffs {
        for sentence in story(diff) {
            match out.iter_mut().find(|(_, known)| *known == sentence) {
                Some((platforms, _)) => platforms.push(&diff.platform),
                None => out.push((vec![&diff.platform], sentence)),
            }
        }
    }
    out
}

/// Which images these are.
fn footer(diff: &Diff, platforms: usize, out: &mut String) {
    let named = |image: &Option<DiffImage>| {
        let image = image.as_ref()?;
        let digest = image.index.as_ref().or(image.image.digest.as_ref());
        let mut name = code_cut(&image.image.reference, NAME);
        if let Some(digest) = digest {
            name = name.and(&ours(" ")).and(&code(short_digest(digest)));
        }
        Some(name)
    };
    let names: Vec<Inline> = [&diff.old, &diff.new].into_iter().filter_map(named).collect();
    let mut words = String::from("<sub>");
    for (at, name) in names.iter().enumerate() {
        words.push_str(if at > 0 { " → " } else { "" });
        words.push_str(name.as_str());
    }
    if platforms == 1 {
        words.push_str(" · ");
        words.push_str(code_cut(&diff.platform, NAME).as_str());
    }
    if let Some(limits) = sentence::limits(diff) {
        words.push_str(" · ");
        words.push_str(limits);
    }
    words.push_str("</sub>\n");
    out.push_str(&words);
}

/// A sentence as Markdown.
fn line(sentence: &[Piece]) -> Inline {
    let mut out = Inline::default();
    for piece in sentence {
        out = out.and(&match piece {
            Piece::Words(words) => ours(words),
            Piece::Strong(words) => ours(words).bold(),
            Piece::Name(name) => code_cut(name, INSTRUCTION),
            Piece::Title(name) => code_cut(name, NAME).bold(),
        });
    }
    out
}

fn joined(names: &[Inline]) -> Inline {
    let mut out = Inline::default();
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out = out.and(&ours(", "));
        }
        out = out.and(name);
    }
    out
}

/// How many rows of a table were left out.
fn more(all: usize, shown: usize, out: &mut String) {
    if all > shown {
        let rest = number((all - shown) as u64);
        paragraph(&ours(&format!("… {rest} more rows")), out);
    }
}

/// The end of a path, which says more than its beginning.
fn path(name: &str) -> Inline {
    let count = name.chars().count();
    if count <= NAME {
        return code(name);
    }
    let end: String = name.chars().skip(count + 1 - NAME).collect();
    code(&format!("…{end}"))
}

fn short(words: &str) -> String {
    match words.char_indices().nth(INSTRUCTION) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

/// A platform where Markdown is not read, which a hostile one must not leave.
fn plain_platform(platform: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    platform
        .chars()
        .take(NAME)
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect()
}
