//! A value of a TOML file with its key and its line: read into what a budget takes, or refused with all three.
//!
//! A module of its own because every key of a budget is read in the same few ways.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{BudgetError, Day};
use crate::bytesize::ByteSize;
use crate::profile::{Place, nearest};

/// A file that is read: what errors call it, and its content.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

/// A value, the place where it stands, and the keys that lead to it.
#[derive(Clone)]
pub(super) struct Value<'a> {
    source: Source<'a>,
    pub(super) place: Place,
    /// `budget.category.apt-cache`
    pub(super) key: String,
    raw: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// The table that a whole file is.
    pub(super) fn entries_of(
        source: Source<'a>,
        table: &'a DeTable<'a>,
        above: &str,
    ) -> Vec<(&'a str, Self)> {
        let mut entries: Vec<_> = table.iter().collect();
        // In the order in which they are written.
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a str = AsRef::<std::borrow::Cow<'a, str>>::as_ref(key);
            let key = if above.is_empty() {
                name.to_owned()
            } else {
                format!("{above}.{name}")
            };
            (name, Self::at(source, key, value))
        };
        entries.into_iter().map(entry).collect()
    }

    fn at(source: Source<'a>, key: String, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            source,
            place: Place::in_text(source.file, source.text, value.span().start),
            key,
            raw: value.get_ref(),
        }
    }

    /// The entries of a table.
    pub(super) fn table(&self) -> Result<Vec<(&'a str, Self)>, BudgetError> {
        match self.raw {
            DeValue::Table(table) => Ok(Self::entries_of(self.source, table, &self.key)),
            _ => Err(self.wrong("a table")),
        }
    }

    /// The elements of an array.
    pub(super) fn array(&self) -> Result<Vec<Self>, BudgetError> {
        match self.raw {
            DeValue::Array(array) => Ok(array
                .iter()
                .map(|value| Self::at(self.source, self.key.clone(), value))
                .collect()),
            _ => Err(self.wrong("an array")),
        }
    }

    /// The elements of an array, or the value itself where it is none.
    pub(super) fn one_or_more(&self) -> Vec<Self> {
        self.array().unwrap_or_else(|_| vec![self.clone()])
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, BudgetError> {
        self.raw.as_str().ok_or_else(|| self.wrong("a text"))
    }

    /// A number of bytes, or a text such as `300 MB`.
    pub(super) fn size(&self) -> Result<u64, BudgetError> {
        match self.raw {
            DeValue::String(text) => size(text, &self.key, &self.place),
            DeValue::Integer(_) => self.count(),
            _ => Err(self.wrong("a size such as \"300 MB\"")),
        }
    }

    /// A whole number from 0 on.
    pub(super) fn count(&self) -> Result<u64, BudgetError> {
        let number = self
            .raw
            .as_integer()
            .and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok());
        number.ok_or_else(|| self.wrong("a whole number from 0 on"))
    }

    /// A day.
    pub(super) fn day(&self) -> Result<Day, BudgetError> {
        let date = match self.raw {
            DeValue::Datetime(time) if time.time.is_none() => time.date.map(Day::from),
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        date.ok_or_else(|| self.wrong("a day such as 2026-12-31"))
    }

    fn wrong(&self, wanted: &str) -> BudgetError {
        self.refused(format!("it must be {wanted}, not {}", kind(self.raw)))
    }

    /// The error that this value is not what its key takes.
    pub(super) fn refused(&self, reason: String) -> BudgetError {
        BudgetError::Value {
            place: self.place.clone(),
            key: self.key.clone(),
            reason,
        }
    }

    /// The error that there is no such key.
    pub(super) fn unknown(&self, name: &str, known: &[&str]) -> BudgetError {
        BudgetError::UnknownKey {
            place: self.place.clone(),
            key: self.key.clone(),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
        }
    }
}

/// A text such as `300 MB` as bytes.
pub(super) fn size(text: &str, key: &str, place: &Place) -> Result<u64, BudgetError> {
    let parsed: Result<ByteSize, _> = text.parse();
    parsed
        .map(|size| size.0)
        .map_err(|error| BudgetError::size(place.clone(), key, &error))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "this number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
