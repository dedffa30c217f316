//! Takes symbols and debug information off a program or a shared library, as GNU `strip` does.
//!
//! Of its own because it is the one place that has such a file whole. What is loaded does not move: [`Cut`] says what
//! stays where it is, here it is copied, and what came out is looked at once more before anybody gets it.

use crate::elf::{Cut, Head, Refused, Table};

/// The stripped file: smaller, with the same program headers and the same bytes in every segment.
///
/// The three fields of the ELF header that say where section headers are (`e_shoff`, `e_shnum`, `e_shstrndx`) change
/// although the first segment often has them; nothing reads them to start a program. The result depends on nothing but
/// the bytes, and stripping it again is [`Refused::Nothing`].
pub fn strip(file: &[u8]) -> Result<Vec<u8>, Refused> {
    let (head, cut) = cut(file)?;
    let mut out = Vec::with_capacity(usize::try_from(cut.length()).map_err(|_| Refused::TooLarge)?);
    let part = |at: u64, length: u64| slice(file, Table { at, length }).ok_or(Refused::Damaged);
    out.extend_from_slice(part(0, cut.prefix)?);
    for moved in &cut.moved {
        pad(&mut out, moved.to);
        out.extend_from_slice(part(moved.from, moved.length)?);
    }
    for (at, bytes) in [&cut.names, &cut.headers] {
        pad(&mut out, *at);
        out.extend_from_slice(bytes);
    }
    head.write_sections(&mut out, cut.headers.0, cut.count, cut.names_index);
    if is_right(file, &out, &head, &cut) {
        Ok(out)
    } else {
        Err(Refused::Unsure)
    }
}

fn cut(file: &[u8]) -> Result<(Head, Cut), Refused> {
    if !file.starts_with(b"\x7fELF") {
        return Err(Refused::NotLoadable);
    }
    let head = Head::parse(file).ok_or(Refused::Damaged)?;
    if !head.is_loadable() {
        return Err(Refused::NotLoadable);
    }
    if head.sections.length == 0 {
        return Err(Refused::Nothing);
    }
    let part = |table| slice(file, table).ok_or(Refused::Damaged);
    let (segments, sections) = (part(head.segments)?, part(head.sections)?);
    let names = part(head.names(sections).ok_or(Refused::Damaged)?)?;
    let cut = Cut::new(&head, segments, sections, names, file.len() as u64)?;
    Ok((head, cut))
}

fn slice(file: &[u8], table: Table) -> Option<&[u8]> {
    let at = usize::try_from(table.at).ok()?;
    file.get(at..at.checked_add(usize::try_from(table.length).ok()?)?)
}

fn pad(out: &mut Vec<u8>, to: u64) {
    out.resize(out.len().max(to as usize), 0);
}

/// Reads the result as if it were anybody's file: everything that is loaded is as it was and where it was, every other
/// section that stays has its bytes, and there is nothing left to strip.
fn is_right(old: &[u8], new: &[u8], head: &Head, cut: &Cut) -> bool {
    let Some(found) = Head::parse(new) else {
        return false;
    };
    let prefix = cut.prefix as usize;
    let (Some(before), Some(after)) = (old.get(..prefix), new.get(..prefix)) else {
        return false;
    };
    // The header as it was, with the fields that may differ as they are now.
    let mut first = before[..before.len().min(Head::BYTES)].to_vec();
    head.write_sections(&mut first, cut.headers.0, cut.count, cut.names_index);
    let is_loaded_the_same = after[..first.len()] == first && after[first.len()..] == before[first.len()..];
    let has_segments =
        found.segments == head.segments && slice(new, found.segments) == slice(old, head.segments);
    let is_moved = cut.moved.iter().all(|moved| {
        let (at, length) = (moved.from, moved.length);
        slice(new, Table { at: moved.to, length }) == slice(old, Table { at, length })
    });
    is_loaded_the_same
        && has_segments
        && is_moved
        && self::cut(new).is_err_and(|reason| reason == Refused::Nothing)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use super::*;
    use crate::elf::testing::{Draft, FORMS, piece};
    use crate::elf::{MAX_BYTES, estimate};

    /// The names of the sections of a file, by its own headers.
    fn sections(file: &[u8]) -> Vec<String> {
        let is_64 = file[4] == 2;
        let row_bytes = if is_64 { 64 } else { 40 };
        let number = |at: usize, width: usize| {
            let mut bytes = file[at..at + width].to_vec();
            if file[5] == 1 {
                bytes.reverse();
            }
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte))
        };
        let head = Head::parse(file).unwrap();
        let names_at = head.names(slice(file, head.sections).unwrap()).unwrap().at as usize;
        let rows = (0..head.sections.length as usize / row_bytes)
            .map(|row| head.sections.at as usize + row * row_bytes);
        rows.map(|row| {
            let name = &file[names_at + number(row, 4)..];
            let end = name.iter().position(|&byte| byte == 0).unwrap();
            String::from_utf8(name[..end].to_vec()).unwrap()
        })
        .collect()
    }

    #[test]
    fn symbols_and_debug_information_go_and_nothing_that_is_loaded_moves() {
        for form in FORMS {
            for names_first in [false, true] {
                let mut draft = Draft::new(form);
                draft.names_first = names_first;
                let old = draft.build();
                let new = strip(&old).unwrap();
                let want = ["", ".text", ".rela.plt", ".comment", ".note.x", ".shstrtab"];
                assert_eq!(sections(&new), want, "{form:?}");
                assert!(
                    new.len() < 1500 && old.len() > 16_000,
                    "{} → {}",
                    old.len(),
                    new.len()
                );
                let comment = &draft.section(".comment").body;
                let has_comment = new.windows(comment.len()).any(|bytes| bytes == comment);
                assert!(has_comment, "what stays has its bytes");
                assert_eq!(strip(&new), Err(Refused::Nothing), "once is enough");
            }
        }
    }

    #[test]
    fn sections_that_are_loaded_keep_their_index() {
        let mut draft = Draft::new(FORMS[0]);
        // Relocations for a linker stand between sections that are loaded.
        draft.sections.insert(1, piece(".rela.text", 4, 0, 96, ".symtab"));
        draft.sections.insert(3, piece(".data", 1, 3, 64, ""));
        // Loaded sections stand together in the file, so that nothing is between.
        let mut old = draft.build();
        assert_eq!(strip(&old), Err(Refused::Between));
        draft.section(".rela.text").body.clear();
        old = draft.build();
        let new = strip(&old).unwrap();
        let want = [
            "",
            ".text",
            "",
            ".rela.plt",
            ".data",
            ".comment",
            ".note.x",
            ".shstrtab",
        ];
        assert_eq!(sections(&new), want);
    }

    #[test]
    fn what_is_said_of_memory_alone_holds_nothing_back() {
        for form in FORMS {
            let mut draft = Draft::new(form);
            draft.second_segment = Some(".debug_info");
            assert_eq!(strip(&draft.build()), Err(Refused::Between));
            // PT_GNU_RELRO, as lld lets it reach beyond what is loaded.
            draft.second_kind = 0x6474_e552;
            assert!(strip(&draft.build()).is_ok_and(|new| new.len() < 1500));
        }
    }

    #[test]
    fn what_cannot_be_done_safely_is_refused() {
        type Case = (Refused, fn(&mut Draft));
        let cases: [Case; 10] = [
            (Refused::NotLoadable, |draft| draft.kind = 1),
            (Refused::NotLoadable, |draft| draft.kind = 4),
            (Refused::Appended, |draft| draft.tail = b"PK\x03\x04".to_vec()),
            (Refused::Appended, |draft| draft.tail = vec![0]),
            (Refused::Payload, |draft| {
                draft.sections.push(piece("pydata", 1, 0, 10, ""));
            }),
            (Refused::Payload, |draft| {
                draft.sections.push(piece(".sig", 1, 0, 10, ""));
            }),
            (Refused::Detached, |draft| draft.section(".text").kind = 8),
            (Refused::Between, |draft| draft.second_segment = Some(".note.x")),
            (Refused::Nothing, |draft| draft.sections.truncate(3)),
            (Refused::Nothing, |draft| {
                draft.sections.truncate(2);
                draft.sections.push(piece("pydata", 1, 0, 10, ""));
            }),
        ];
        for form in FORMS {
            for (number, (want, change)) in cases.iter().enumerate() {
                let mut draft = Draft::new(form);
                change(&mut draft);
                assert_eq!(strip(&draft.build()), Err(*want), "case {number}");
            }
        }
        for other in [&b""[..], b"#!/bin/sh\n", b"!<arch>\n", b"\x7fELF"] {
            let want = if other.len() == 4 {
                Refused::Damaged
            } else {
                Refused::NotLoadable
            };
            assert_eq!(strip(other), Err(want));
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_by_its_length() {
        let file = Draft::new(FORMS[0]).build();
        let head = Head::parse(&file).unwrap();
        let part = |table| slice(&file, table).unwrap();
        let (segments, sections) = (part(head.segments), part(head.sections));
        assert_eq!(
            estimate(&head, segments, sections, MAX_BYTES + 1),
            Err(Refused::TooLarge)
        );
        let names = part(head.names(sections).unwrap());
        assert_eq!(
            Cut::new(&head, segments, sections, names, MAX_BYTES + 1),
            Err(Refused::TooLarge)
        );
    }

    #[test]
    fn nothing_a_header_says_is_believed() {
        for form in FORMS {
            let good = Draft::new(form).build();
            for length in 0..good.len() {
                assert!(strip(&good[..length]).is_err(), "cut at {length}");
            }
            let tables = (0..200).chain(good.len() - 800..good.len());
            for at in tables {
                for byte in [0, 1, 2, 0x7f, 0x80, 0xff] {
                    let mut file = good.clone();
                    file[at] = byte;
                    if let Ok(new) = strip(&file) {
                        assert!(new.len() < file.len(), "{at}");
                        assert_eq!(strip(&new), Err(Refused::Nothing), "{at}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_program_that_runs_this_runs_without_its_symbols() {
        let Some(old) = std::env::current_exe()
            .ok()
            .and_then(|path| std::fs::read(path).ok())
        else {
            return;
        };
        let new = match strip(&old) {
            Ok(new) => new,
            Err(reason) => {
                assert!(
                    matches!(reason, Refused::Nothing | Refused::NotLoadable),
                    "{reason}"
                );
                return;
            }
        };
        assert!(new.len() < old.len());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stripped");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(&new).unwrap();
        drop(file);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let list = |program: &std::path::Path| {
            // Another test of this process may just have been forking while the file was open.
            let run = || {
                Command::new(program)
                    .args(["--list", "--format", "terse"])
                    .output()
            };
            let output = (0..50).find_map(|_| {
                run()
                    .inspect_err(|_| std::thread::sleep(std::time::Duration::from_millis(20)))
                    .ok()
            });
            output.unwrap().stdout
        };
        let want = list(&std::env::current_exe().unwrap());
        assert!(!want.is_empty());
        assert!(list(&path) == want, "it lists the same tests");
    }
}
