//! Programs and libraries as small as they can be: what they ask a loader for, and nothing else.
//!
//! A module of its own because several tests need a real ELF file. Spec: the gABI's program headers and dynamic section.

/// A 64-bit program or library that asks for these: interpreter, libraries, run path, as text of a recipe.
pub(crate) fn elf(interpreter: &str, needed: &[&str], runpath: &str) -> String {
    let mut names = vec![0_u8];
    let mut name = |text: &str| {
        let at = names.len() as u64;
        names.extend(text.as_bytes());
        names.push(0);
        at
    };
    let mut tags: Vec<(u64, u64)> = needed.iter().map(|needed| (1, name(needed))).collect();
    if !runpath.is_empty() {
        tags.push((29, name(runpath)));
    }
    let (head, entry) = (64_u64, 56_u64);
    let interpreter = if interpreter.is_empty() {
        Vec::new()
    } else {
        [interpreter.as_bytes(), b"\0"].concat()
    };
    let interp_at = head + 3 * entry;
    let names_at = interp_at + interpreter.len() as u64;
    let dynamic_at = names_at + names.len() as u64;
    tags.extend([(5, names_at), (10, names.len() as u64), (0, 0)]);
    let dynamic: Vec<u8> = tags
        .iter()
        .flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat())
        .collect();
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0, head, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend([0, 0, 0, 0, head as u8, 0, entry as u8, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    let kind = if interpreter.is_empty() { 4 } else { 3 };
    let whole = dynamic_at + dynamic.len() as u64;
    for (kind, at, length) in [
        (kind, interp_at, interpreter.len() as u64),
        (1, 0, whole),
        (2, dynamic_at, dynamic.len() as u64),
    ] {
        file.extend(u64::from(kind as u32).to_le_bytes());
        for number in [at, at, at, length, length, 8] {
            file.extend(number.to_le_bytes());
        }
    }
    for part in [&interpreter, &names, &dynamic] {
        file.extend(part);
    }
    file.iter()
        .fold("hex=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
