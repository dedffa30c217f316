//! A day of the calendar, in UTC.
//!
//! A module of its own because an allowance ends on one, and nothing else of slim counts in days.

use std::fmt;
use std::str::FromStr;

/// A day, as in `2026-12-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    of_month: u8,
}

impl Day {
    /// The last one that can be written.
    pub const LAST: Self = Self {
        year: 9999,
        month: 12,
        of_month: 31,
    };
}

impl FromStr for Day {
    type Err = ();

    /// Reads `YYYY-MM-DD`, as TOML and RFC 3339 write a date. Fails on anything else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let parsed: toml::value::Datetime = text.parse().map_err(drop)?;
        match (parsed.date, parsed.time) {
            (Some(date), None) => Ok(date.into()),
            _ => Err(()),
        }
    }
}

impl From<toml::value::Date> for Day {
    fn from(date: toml::value::Date) -> Self {
        Self {
            year: date.year,
            month: date.month,
            of_month: date.day,
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_written_and_ordered() {
        let day = |text: &str| text.parse::<Day>();
        assert_eq!(day("2026-02-28").unwrap().to_string(), "2026-02-28");
        assert!(day("2026-12-31") < day("2027-01-01") && day("2026-09-30") < day("2026-10-01"));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-01-01T00:00:00Z",
            "12:00:00",
        ] {
            assert_eq!(day(text), Err(()), "{text}");
        }
    }
}
