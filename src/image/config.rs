//! The image config: raw bytes, and the few keys that slim reads.
//!
//! Kept as the bytes that were read beside a JSON value that keeps every key in order, so that a rewrite
//! edits what it must and leaves the rest as it was (rule 17). Spec: image-spec `config.md`.

use serde_json::Value;

use super::ImageError;
use crate::oci::{DiffId, Digest, ImageId, Platform};

/// A parsed config beside its bytes.
#[derive(Debug, Clone)]
pub struct Config {
    raw: Vec<u8>,
    value: Value,
    id: ImageId,
}

/// One row of the config's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The instruction, as the builder wrote it; empty where it wrote none.
    pub created_by: String,
    /// Whether the row made no layer.
    pub empty_layer: bool,
}

impl Config {
    /// Parses `raw`. Refuses what is no object.
    pub fn parse(raw: Vec<u8>) -> Result<Self, ImageError> {
        let id = ImageId(Digest::of(&raw));
        let what = || format!("config {id}");
        let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
        let value: Value = serde_json::from_slice(text).map_err(|e| ImageError::BadDocument {
            what: what(),
            reason: e.to_string(),
        })?;
        if !value.is_object() {
            return Err(ImageError::BadDocument {
                what: what(),
                reason: "not a JSON object".to_owned(),
            });
        }
        Ok(Self { raw, value, id })
    }

    /// The bytes as stored.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The JSON value, every key in order.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Hash of the bytes as stored.
    pub fn id(&self) -> &ImageId {
        &self.id
    }

    /// `config sha256:…`, for messages.
    pub fn label(&self) -> String {
        format!("config {}", self.id)
    }

    /// The diff ids, base first. An error where `rootfs` is missing or holds what is no digest.
    pub fn diff_ids(&self) -> Result<Vec<DiffId>, ImageError> {
        let bad = |reason: String| ImageError::BadDocument {
            what: self.label(),
            reason,
        };
        let rootfs = self
            .value
            .get("rootfs")
            .ok_or_else(|| bad("rootfs is missing".to_owned()))?;
        let list = match rootfs.get("diff_ids") {
            Some(Value::Array(list)) => list.as_slice(),
            None | Some(Value::Null) => &[],
            Some(_) => return Err(bad("rootfs.diff_ids is not a list".to_owned())),
        };
        let parse = |id: &Value| {
            let text = id
                .as_str()
                .ok_or_else(|| bad("rootfs.diff_ids holds what is no text".to_owned()))?;
            text.parse().map_err(|e| bad(format!("rootfs.diff_ids: {e}")))
        };
        list.iter().map(parse).collect()
    }

    /// The history rows, oldest first; empty where the image has none.
    pub fn history(&self) -> Vec<History> {
        let rows = self
            .value
            .get("history")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let text = |row: &Value, key: &str| {
            row.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let is_empty = |row: &Value| row.get("empty_layer").and_then(Value::as_bool).unwrap_or(false);
        rows.iter()
            .map(|row| History {
                created_by: text(row, "created_by"),
                empty_layer: is_empty(row),
            })
            .collect()
    }

    /// The time the image says it was made, as written (RFC 3339).
    pub fn created(&self) -> Option<&str> {
        self.value.get("created").and_then(Value::as_str)
    }

    /// [`Config::created`] in seconds since 1970, where it is a time.
    pub fn created_secs(&self) -> Option<i64> {
        seconds_of(self.created()?)
    }

    /// The platform, with empty parts where the config names none.
    pub fn platform(&self) -> Platform {
        let text = |key: &str| self.value.get(key).and_then(Value::as_str).unwrap_or_default();
        let variant = Some(text("variant")).filter(|variant| !variant.is_empty());
        Platform::new(text("os"), text("architecture"), variant)
    }

    /// A key of the inner `config` object: what a container is started with (`Env`, `Cmd`, `WorkingDir` …).
    pub fn runtime(&self, key: &str) -> Option<&Value> {
        self.value.get("config")?.get(key)
    }

    /// A list of texts of the inner `config` object; empty where it is missing.
    pub fn runtime_list(&self, key: &str) -> Vec<String> {
        let list = self
            .runtime(key)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The value of an environment variable that the config sets.
    pub fn env(&self, name: &str) -> Option<String> {
        let is = |pair: &String| {
            pair.split_once('=')
                .filter(|(key, _)| *key == name)
                .map(|(_, v)| v.to_owned())
        };
        self.runtime_list("Env").iter().rev().find_map(is)
    }
}

/// Seconds since 1970 of an RFC 3339 time, the fraction cut off.
fn seconds_of(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let zone = text
        .get(19..)?
        .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign @ ("+" | "-"), rest) => {
            let (hours, minutes) = rest.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if sign == "-" { -seconds } else { seconds }
        }
        _ => return None,
    };
    // Days from the civil calendar, March first, so that the leap day comes last.
    let (shifted, moved) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * moved + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes_as_null() {
        let raw = br#"{"config":{"Env":null},"history":null,"rootfs":{"type":"layers","diff_ids":null}}"#;
        let config = Config::parse(raw.to_vec()).unwrap();
        assert!(config.diff_ids().unwrap().is_empty() && config.history().is_empty());
        assert_eq!(config.env("PATH"), None);
    }

    #[test]
    fn times_in_seconds() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00.123456789Z", Some(1_709_208_000)),
            ("2000-01-01T01:00:00+01:00", Some(946_684_800)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800)),
            ("yesterday", None),
            ("2024-02-29T12:00:00", None),
        ] {
            assert_eq!(seconds_of(text), want, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_config() {
        assert!(Config::parse(b"[]".to_vec()).is_err());
        assert!(Config::parse(b"{}".to_vec()).unwrap().diff_ids().is_err());
        let bad = br#"{"rootfs":{"diff_ids":["sha256:12"]}}"#;
        assert!(Config::parse(bad.to_vec()).unwrap().diff_ids().is_err());
    }
}
