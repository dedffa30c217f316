//! dpkg's order of versions: deb-version(7).
//!
//! A module of its own because it is another program's algorithm.

use std::cmp::Ordering;

/// Whether `version` stands to `wanted` as the operator says; an operator that does not exist holds.
pub(super) fn holds(version: &str, operator: &str, wanted: &str) -> bool {
    let order = compare(version, wanted);
    match operator {
        "<<" => order.is_lt(),
        "<" | "<=" => order.is_le(),
        "=" => order.is_eq(),
        ">" | ">=" => order.is_ge(),
        ">>" => order.is_gt(),
        _ => true,
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| -> (u64, String, String) {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (
            epoch.parse().unwrap_or(0),
            upstream.to_owned(),
            revision.to_owned(),
        )
    };
    let (a, b) = (parts(a), parts(b));
    let order = a.0.cmp(&b.0).then_with(|| part(&a.1, &b.1));
    order.then_with(|| part(&a.2, &b.2))
}

/// Runs of what is no digit and runs of digits, in turn.
fn part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let (text_a, text_b) = (
            run(&mut a, |b| !b.is_ascii_digit()),
            run(&mut b, |b| !b.is_ascii_digit()),
        );
        for at in 0..text_a.len().max(text_b.len()) {
            let weights = [text_a, text_b].map(|text| weight(text.get(at).copied()));
            match weights[0].cmp(&weights[1]) {
                Ordering::Equal => {}
                order => return order,
            }
        }
        let digits = [run(&mut a, u8::is_ascii_digit), run(&mut b, u8::is_ascii_digit)];
        let [x, y] = digits.map(|run| {
            let zeros = run.iter().take_while(|&&b| b == b'0').count();
            &run[zeros..]
        });
        match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    Ordering::Equal
}

/// A tilde comes before the end, letters before everything else.
fn weight(byte: Option<u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(b),
        Some(b) => i32::from(b) + 256,
    }
}

fn run<'a>(rest: &mut &'a [u8], belongs: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = rest.iter().position(|b| !belongs(b)).unwrap_or(rest.len());
    let (run, behind) = rest.split_at(end);
    *rest = behind;
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_dpkg() {
        for (a, order, b) in [
            ("1.0", Ordering::Equal, "1.0"),
            ("1.0", Ordering::Equal, "0:1.0"),
            ("1.10", Ordering::Greater, "1.9"),
            ("1:0.1", Ordering::Greater, "9"),
            ("1.0~rc1", Ordering::Less, "1.0"),
            ("1.0-1", Ordering::Less, "1.0-1+b1"),
            ("1.0-1ubuntu1", Ordering::Greater, "1.0-1"),
            ("1.0a", Ordering::Less, "1.0+"),
            ("2.36-9+deb12u10", Ordering::Greater, "2.36-9+deb12u4"),
            ("1.001", Ordering::Equal, "1.1"),
        ] {
            assert_eq!(compare(a, b), order, "{a} {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
        }
        assert!(holds("2", ">>", "1") && !holds("1", ">>", "1") && holds("1", ">=", "1"));
        assert!(holds("1", "<<", "1.1") && holds("1", "=", "1") && !holds("2", "<=", "1"));
    }
}
