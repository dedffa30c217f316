//! dive's `.dive-ci`: three rules with dive's defaults and dive's meaning.
//!
//! A module of its own because the form is dive's, not ours. It is YAML of one shape, a mapping `rules` of three keys, and
//! only that shape is read; keys that dive does not know it ignores, and so does this. Model: dive 0.13, `runtime/ci`.

use super::BudgetError;
use super::rule::{Budgets, DiveRule, Limit, Rule};
use crate::bytesize::ByteSize;
use crate::profile::Place;

/// The rules with dive's own thresholds, in the order in which dive judges them.
const DEFAULTS: [(&str, &str); 3] = [
    ("lowestEfficiency", "0.9"),
    ("highestWastedBytes", "disabled"),
    ("highestUserWastedPercent", "0.1"),
];

impl Budgets {
    /// The rules of a `.dive-ci`; those that it does not name are as dive has them. `file` is what errors call it,
    /// `text` its content.
    ///
    /// Fails with [`BudgetError::Dive`].
    pub fn of_dive_ci(file: &str, text: &str) -> Result<Self, BudgetError> {
        let mut given = DEFAULTS.map(|(key, value)| (key, value.to_owned(), 1));
        for (line, key, value) in lines(file, text)? {
            // dive compares keys without regard to their case.
            let own = given.iter_mut().find(|(own, ..)| own.eq_ignore_ascii_case(&key));
            if let Some(own) = own {
                (own.1, own.2) = (value, line);
            }
        }
        let mut budgets = Self {
            files: vec![file.to_owned()],
            ..Self::default()
        };
        for (key, value, line) in given {
            let place = at(file, line);
            if let Some(rule) = rule(key, &value, &place)? {
                budgets.add(Rule {
                    name: format!("dive.{key}"),
                    place,
                    limit: Limit::Dive(rule),
                })?;
            }
        }
        Ok(budgets)
    }
}

fn at(file: &str, line: usize) -> Place {
    Place {
        file: file.to_owned(),
        line: Some(line),
    }
}

/// Every key below `rules:` with its line and its value.
fn lines(file: &str, text: &str) -> Result<Vec<(usize, String, String)>, BudgetError> {
    let (mut found, mut is_inside) = (Vec::new(), false);
    for (at_line, line) in text.lines().enumerate() {
        let plain = without_comment(line).trim_end();
        if plain.trim().is_empty() || plain == "---" || plain == "..." {
            continue;
        }
        let number = at_line + 1;
        let refused = |reason: &str| BudgetError::Dive {
            place: at(file, number),
            reason: format!(
                "{reason}; slim reads `rules:` with one `key: value` a line below it, as dive's documentation shows"
            ),
        };
        let (key, value) = plain
            .split_once(':')
            .filter(|(_, value)| value.is_empty() || value.starts_with(' '))
            .ok_or_else(|| refused("no `key: value`"))?;
        let value = unquoted(value.trim());
        if !key.starts_with([' ', '\t']) {
            is_inside = key.trim() == "rules";
            if is_inside && !value.is_empty() && value != "{}" {
                return Err(refused("`rules` is no mapping"));
            }
        } else if is_inside {
            if value.starts_with(['{', '[', '|', '>', '&', '*', '!']) {
                return Err(refused("no plain value"));
            }
            found.push((number, unquoted(key.trim()).to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}

/// A line up to its comment: a `#` at its beginning or behind a space, outside quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &line[..at],
            (None, '"' | '\'') if before.is_whitespace() => quote = Some(c),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}

/// A rule with its threshold; `None` for one that is switched off.
fn rule(key: &str, value: &str, place: &Place) -> Result<Option<DiveRule>, BudgetError> {
    let word = value.trim().to_ascii_lowercase();
    if ["", "disabled", "off", "false"].contains(&word.as_str()) {
        return Ok(None);
    }
    let refused = |reason: String| BudgetError::Dive {
        place: place.clone(),
        reason: format!("`{key}`: {reason}"),
    };
    if key == "highestWastedBytes" {
        let size: ByteSize = value
            .replace(',', "")
            .parse()
            .map_err(|error: crate::bytesize::ByteSizeError| refused(error.to_string()))?;
        return Ok(Some(DiveRule::HighestWastedBytes(size.0)));
    }
    let ratio: Option<f64> = word.parse().ok();
    let ratio = ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| refused(format!("`{value}` is no number from 0 to 1, and not `disabled`")))?;
    Ok(Some(if key == "lowestEfficiency" {
        DiveRule::LowestEfficiency(ratio)
    } else {
        DiveRule::HighestUserWastedPercent(ratio)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<DiveRule> {
        let budgets = Budgets::of_dive_ci(".dive-ci", text).unwrap();
        let of = |rule: &Rule| match rule.limit {
            Limit::Dive(rule) => rule,
            ref other => panic!("{other:?}"),
        };
        budgets.rules().iter().map(of).collect()
    }

    #[test]
    fn what_is_not_named_is_as_dive_has_it() {
        use DiveRule::{
            HighestUserWastedPercent as User, HighestWastedBytes as Bytes, LowestEfficiency as Least,
        };
        let defaults = vec![Least(0.9), User(0.1)];
        for (text, want) in [
            ("", defaults.clone()),
            ("# nothing\n---\nrules:\n", defaults.clone()),
            ("lowestEfficiency: 0.5\n", defaults.clone()),
            ("other:\n  lowestEfficiency: 0.5\n", defaults),
            (
                "rules:\n  # If the efficiency is below\n  lowestEfficiency: 0.95  # a ratio\n\n  highestWastedBytes: \"20MB\"\n  highestUserWastedPercent: 0.20\n",
                vec![Least(0.95), Bytes(20_000_000), User(0.2)],
            ),
            (
                "rules:\n    lowestefficiency: disabled\n    highestWastedBytes: 1,024 KiB\n    highestUserWastedPercent: 'Off'\n",
                vec![Bytes(1_048_576)],
            ),
            (
                "rules:\n  lowestEfficiency: false\n  highestUserWastedPercent:\n  what: ever\n",
                vec![],
            ),
        ] {
            assert_eq!(rules(text), want, "{text}");
        }
    }

    #[test]
    fn what_dive_refuses_is_refused() {
        for (text, want) in [
            (
                "rules:\n  lowestEfficiency: 95\n",
                ".dive-ci:2: `lowestEfficiency`: `95` is no number from 0 to 1",
            ),
            (
                "rules:\n  lowestEfficiency: high\n",
                ".dive-ci:2: `lowestEfficiency`: `high` is no number",
            ),
            (
                "rules:\n  highestWastedBytes: 20 apples\n",
                ".dive-ci:2: `highestWastedBytes`: `20 apples` is no size",
            ),
            ("rules: 3\n", ".dive-ci:1: `rules` is no mapping"),
            ("rules:\n  - lowestEfficiency\n", ".dive-ci:2: no `key: value`"),
            (
                "rules:\n  lowestEfficiency: {a: 1}\n",
                ".dive-ci:2: no plain value",
            ),
        ] {
            let error = Budgets::of_dive_ci(".dive-ci", text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
