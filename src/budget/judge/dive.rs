//! dive's rules, with dive's meaning: a threshold itself still passes.
//!
//! A module of its own because these numbers are dive's. What is to blame is ours: the bytes that no path shows.

use super::blame::{Blamed, Files};
use super::{Finding, Verdict, whole};
use crate::budget::DiveRule;
use crate::bytesize::ByteSize;
use crate::report::{Amount, Report, Unit};

pub(super) fn finding(rule: DiveRule, report: &Report, files: &Files<'_>) -> Finding {
    let numbers = &report.dive;
    let (is_over, value, limit, unit, message) = match rule {
        DiveRule::LowestEfficiency(least) => {
            let value = numbers.efficiency;
            let is_over = least > value;
            let word = if is_over { "below" } else { "not below" };
            let message = format!(
                "efficiency as dive counts it {}, {word} {}",
                share(value),
                share(least)
            );
            (is_over, ratio(value), ratio(least), Unit::Ratio, message)
        }
        DiveRule::HighestWastedBytes(most) => {
            let value = numbers.wasted_bytes;
            let is_over = value > most;
            let word = if is_over { "over" } else { "not over" };
            let message = format!(
                "{} wasted as dive counts it, {word} {}",
                ByteSize(value),
                ByteSize(most)
            );
            (
                is_over,
                Some(whole(value)),
                Some(whole(most)),
                Unit::Bytes,
                message,
            )
        }
        DiveRule::HighestUserWastedPercent(most) => {
            // dive divides by the bytes above the first layer also where there are none.
            let none = if numbers.wasted_bytes > 0 {
                f64::INFINITY
            } else {
                0.0
            };
            let value = numbers.user_wasted_ratio.unwrap_or(none);
            let is_over = value > most;
            let word = if is_over { "over" } else { "not over" };
            let message = format!(
                "{} of what stands on the first layer wasted, as dive counts it, {word} {}",
                share(value),
                share(most)
            );
            (is_over, ratio(value), ratio(most), Unit::Ratio, message)
        }
    };
    Finding {
        verdict: if is_over { Verdict::Over } else { Verdict::Kept },
        value,
        limit,
        unit,
        message,
        blamed: if is_over {
            files.shadowed()
        } else {
            Blamed::default()
        },
    }
}

fn ratio(value: f64) -> Option<Amount> {
    Some(Amount::Ratio(value)).filter(|_| value.is_finite())
}

fn share(ratio: f64) -> String {
    if ratio.is_finite() {
        format!("{:.2} %", ratio * 100.0)
    } else {
        "more than all".to_owned()
    }
}
