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
