//! Which layer of the old image became which of the new one.
//!
//! A module of its own because it is pure: it sees diff ids and instructions and nothing of what layers hold.

use std::collections::HashMap;

use super::side::Step;

/// What counts for two layers with the same uncompressed tar: more than all others together can.
const SAME_TAR: u32 = 100_000;
/// For the same instruction.
const SAME_INSTRUCTION: u32 = 90;
/// For instructions that are alike: so much for all words, less for fewer.
const ALIKE: u32 = 40;
/// For two layers of which no instruction is known.
const UNKNOWN: u32 = 1;
/// Words of an instruction that are compared.
const WORDS: usize = 64;

/// One layer to match.
pub(super) struct Candidate<'a> {
    pub(super) diff_id: &'a str,
    pub(super) step: &'a Step,
}

/// Layers of both images in one order: an index of the old image, of the new one, or of both. Each index occurs once,
/// those of the new image in their order.
pub(super) fn align(old: &[Candidate<'_>], new: &[Candidate<'_>]) -> Vec<(Option<usize>, Option<usize>)> {
    let same = old.iter().zip(new).take_while(|(a, b)| a.diff_id == b.diff_id);
    let same = same.count();
    let mut rows: Vec<_> = (0..same).map(|at| (Some(at), Some(at))).collect();
    let rest = aligned(&old[same..], &new[same..]);
    rows.extend(
        rest.into_iter()
            .map(|(a, b)| (a.map(|at| at + same), b.map(|at| at + same))),
    );
    moved(rows, old, new)
}

/// Whether two instructions are one, but for the hashes that builders put in place of what was copied.
pub(super) fn is_same_instruction(a: &str, b: &str) -> bool {
    key(a).eq(key(b))
}

fn key(instruction: &str) -> impl Iterator<Item = &str> {
    instruction.split(' ').map(|word| {
        let kinds = ["file:", "dir:", "multi:"];
        kinds
            .into_iter()
            .find(|kind| word.starts_with(kind))
            .unwrap_or(word)
    })
}

/// The pairing in order that matches most.
fn aligned(old: &[Candidate<'_>], new: &[Candidate<'_>]) -> Vec<(Option<usize>, Option<usize>)> {
    let words = |all: &[Candidate<'_>]| -> Vec<Vec<String>> {
        all.iter()
            .map(|one| sorted_words(&one.step.instruction))
            .collect()
    };
    let (old_words, new_words) = (words(old), words(new));
    let score = |a: usize, b: usize| score((&old[a], &old_words[a]), (&new[b], &new_words[b]));
    // best[a][b]: what can be matched of old[a..] and new[b..].
    let width = new.len() + 1;
    let mut best = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            let paired = match score(a, b) {
                0 => 0,
                score => score.saturating_add(best[(a + 1) * width + b + 1]),
            };
            best[a * width + b] = paired.max(best[(a + 1) * width + b]).max(best[a * width + b + 1]);
        }
    }
    let (mut a, mut b, mut rows) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        let score = score(a, b);
        let here = best[a * width + b];
        if score > 0 && here == score.saturating_add(best[(a + 1) * width + b + 1]) {
            rows.push((Some(a), Some(b)));
            (a, b) = (a + 1, b + 1);
        } else if here == best[(a + 1) * width + b] {
            rows.push((Some(a), None));
            a += 1;
        } else {
            rows.push((None, Some(b)));
            b += 1;
        }
    }
    rows.extend((a..old.len()).map(|a| (Some(a), None)));
    rows.extend((b..new.len()).map(|b| (None, Some(b))));
    rows
}

fn score((a, a_words): (&Candidate<'_>, &[String]), (b, b_words): (&Candidate<'_>, &[String])) -> u32 {
    let (old, new) = (&a.step.instruction, &b.step.instruction);
    if a.diff_id == b.diff_id {
        return SAME_TAR;
    }
    if old.is_empty() && new.is_empty() {
        return UNKNOWN;
    }
    if is_same_instruction(old, new) {
        return SAME_INSTRUCTION;
    }
    let keyword = |text: &'_ str| text.split(' ').next().map(str::to_owned);
    if old.is_empty() || keyword(old) != keyword(new) {
        return 0;
    }
    let shared = shared(a_words, b_words);
    let all = a_words.len() + b_words.len() - shared;
    // Of a copy it is enough that it goes to the same place, or takes one of the same files.
    let is_alike = if is_copy(old) {
        shared > 0
    } else {
        shared * 2 >= all
    };
    if is_alike && shared > 0 {
        (shared as u32 * ALIKE / all as u32).max(1)
    } else {
        0
    }
}

/// Whether an instruction copies files, as its first word says.
pub(super) fn is_copy(instruction: &str) -> bool {
    instruction.starts_with("COPY ") || instruction.starts_with("ADD ")
}

/// Words that tell instructions of one kind apart: of a copy only what is copied, and where to.
fn sorted_words(instruction: &str) -> Vec<String> {
    let is_copy = is_copy(instruction);
    let is_place = |word: &&str| !word.starts_with("--") && !word.ends_with(':') && *word != "in";
    let words = key(instruction).skip(1).filter(|word| !is_copy || is_place(word));
    let mut words: Vec<String> = words.take(WORDS).map(str::to_owned).collect();
    words.sort_unstable();
    words
}

/// How many words two sorted lists share.
fn shared(a: &[String], b: &[String]) -> usize {
    let (mut at, mut count) = (0, 0);
    for word in a {
        while b.get(at).is_some_and(|other| other < word) {
            at += 1;
        }
        if b.get(at) == Some(word) {
            at += 1;
            count += 1;
        }
    }
    count
}

/// Layers that both images have in another order are one layer too.
fn moved(
    mut rows: Vec<(Option<usize>, Option<usize>)>,
    old: &[Candidate<'_>],
    new: &[Candidate<'_>],
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut left: HashMap<&str, Vec<usize>> = HashMap::new();
    for at in rows
        .iter()
        .rev()
        .filter(|row| row.1.is_none())
        .filter_map(|row| row.0)
    {
        left.entry(old[at].diff_id).or_default().push(at);
    }
    let mut taken = Vec::new();
    for row in rows.iter_mut().filter(|row| row.0.is_none()) {
        let found = row.1.and_then(|at| left.get_mut(new[at].diff_id)?.pop());
        row.0 = found;
        taken.extend(found);
    }
    rows.retain(|row| row.1.is_some() || row.0.is_none_or(|at| !taken.contains(&at)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refer(all: &[(String, Step)]) -> Vec<Candidate<'_>> {
        all.iter()
            .map(|(diff_id, step)| Candidate { diff_id, step })
            .collect()
    }

    /// `id:instruction` for each layer, parted by `;`.
    fn rows(old: &str, new: &str) -> String {
        let parse = |text: &str| -> Vec<(String, Step)> {
            let layers = text.split(';').filter(|layer| !layer.is_empty());
            let split = layers.filter_map(|layer| layer.split_once(':'));
            split
                .map(|(id, instruction)| {
                    let step = Step {
                        instruction: instruction.to_owned(),
                        ..Step::default()
                    };
                    (id.to_owned(), step)
                })
                .collect()
        };
        let (old, new) = (parse(old), parse(new));
        let shown = |at: Option<usize>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let rows = align(&refer(&old), &refer(&new));
        let rows: Vec<String> = rows.into_iter().map(|(a, b)| shown(a) + &shown(b)).collect();
        rows.join(" ")
    }

    #[test]
    fn layers_are_matched_in_order() {
        for (old, new, want) in [
            ("", "", ""),
            ("a:X", "a:X", "00"),
            ("a:X;b:Y", "a:X", "00 1-"),
            ("a:X", "a:X;b:Y", "00 -1"),
            (
                "a:X;b:COPY . .;c:RUN make",
                "a:X;d:COPY . .;e:RUN make",
                "00 11 22",
            ),
            // One is inserted, one is gone.
            (
                "a:X;b:RUN one;c:RUN two",
                "a:X;d:COPY y /y;e:RUN one;f:RUN two",
                "00 -1 12 23",
            ),
            ("a:X;b:RUN one;c:RUN two", "a:X;e:RUN two", "00 1- 21"),
            // An instruction that changed a little, and one that changed altogether.
            (
                "a:X;b:RUN pip install x==1",
                "a:X;c:RUN pip install x==2",
                "00 11",
            ),
            ("a:X;b:RUN pip install x==1", "a:X;c:RUN make all", "00 1- -1"),
            ("a:RUN make", "b:COPY make", "0- -0"),
            ("a:COPY x /a", "b:COPY x /b", "00"),
            ("a:COPY x /a", "b:COPY y /b", "0- -0"),
            ("a:COPY dir:0123 in /app", "b:COPY dir:0123 in /srv", "0- -0"),
            // What the classic builder copied is a hash.
            ("a:COPY dir:0123 in /app", "b:COPY dir:4567 in /app", "00"),
            // The same tar elsewhere, also out of order, and twice.
            ("a:X;b:Y;c:Z", "a:X;c:Z;b:Y", "00 21 12"),
            ("e:X;e:X", "f:Y;e:X;e:X", "-0 01 12"),
            // No history.
            ("a:;b:", "c:;d:", "00 11"),
        ] {
            assert_eq!(rows(old, new), want, "{old} | {new}");
        }
    }
}
