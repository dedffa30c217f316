//! What the world tells a run: environment variables, the terminal, logins.
//!
//! The only module that reads the environment; everything else is handed what it needs.

#[cfg(feature = "tui")]
use std::collections::BTreeMap;
use std::env;
#[cfg(feature = "registry")]
use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "registry")]
use super::args::CommentArgs;
use super::exit::Failure;
use crate::budget::Day;
#[cfg(feature = "registry")]
use crate::forge::{Place, Surroundings, place_of};
use crate::report::text::{ColorMode, Style, Symbols};
#[cfg(feature = "engine")]
use crate::transport::engine;

#[cfg(feature = "tui")]
use crate::tui::{Background, Depth, Start, Theme};

/// What slim calls itself.
#[cfg(feature = "registry")]
pub(super) const USER_AGENT: &str = concat!("layerslim/", env!("CARGO_PKG_VERSION"));

/// Whether colours and block characters suit where a document goes.
pub(super) fn style(is_terminal: bool) -> Style {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let color = if no_color || !(set("CLICOLOR_FORCE") || (is_terminal && !is_dumb)) {
        ColorMode::None
    } else {
        ColorMode::Ansi
    };
    Style {
        color,
        symbols: symbols(),
    }
}

/// Which characters the locale has: those of the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
fn symbols() -> Symbols {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    let is_utf8 = locale.is_none_or(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    if is_utf8 { Symbols::Unicode } else { Symbols::Ascii }
}

/// Columns of the terminal that standard output is; 100 where it is none, so that files read the same everywhere.
pub(super) fn width() -> usize {
    let columns = || env::var("COLUMNS").ok()?.parse().ok();
    if !std::io::stdout().is_terminal() {
        return columns().unwrap_or(100);
    }
    terminal_size::terminal_size()
        .map_or_else(|| columns().unwrap_or(80), |(width, _)| usize::from(width.0))
        .clamp(20, 300)
}

/// `SOURCE_DATE_EPOCH` as RFC 3339, where it is set (rule 16).
pub(super) fn source_date() -> Result<Option<String>, Failure> {
    let Some(text) = env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let bad = || {
        Failure::usage(format!(
            "SOURCE_DATE_EPOCH is no number of seconds: {}",
            text.display()
        ))
    };
    let seconds: u32 = text.to_str().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    Ok(Some(rfc3339(i64::from(seconds))))
}

/// The day that it is, in UTC.
pub(super) fn today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = rfc3339(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    // A clock that shows a year of five digits is past every allowance.
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .unwrap_or(Day::LAST)
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub(super) fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// `SLIM_CACHE`, else the user's cache directory; none where neither is known.
pub(super) fn cache_directory() -> Option<PathBuf> {
    let of_user = || {
        Some(
            from("XDG_CACHE_HOME")
                .or_else(|| Some(from("HOME")?.join(".cache")))?
                .join("layerslim"),
        )
    };
    from("SLIM_CACHE").or_else(of_user)
}

/// What a person's config file says.
#[cfg(feature = "tui")]
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// Keys of actions, in place of the table's.
    #[serde(deserialize_with = "keys")]
    pub(super) keys: BTreeMap<String, Vec<String>>,
    /// How the interface begins.
    pub(super) tui: Start,
    /// `dark` or `light`.
    background: Option<String>,
}

/// One key, or several.
#[cfg(feature = "tui")]
fn keys<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    use serde::de::Error;
    let table: toml::Table = serde::Deserialize::deserialize(from)?;
    let mut keys = BTreeMap::new();
    for (name, value) in table {
        let words = match value {
            toml::Value::String(word) => vec![word],
            value => value
                .try_into()
                .map_err(|_| D::Error::custom(format!("{name}: write a key, or a list of keys")))?,
        };
        keys.insert(name, words);
    }
    Ok(keys)
}

/// The config file: `$XDG_CONFIG_HOME/layerslim/config.toml`, else below `~/.config`; what is not there says nothing.
#[cfg(feature = "tui")]
pub(super) fn config() -> Result<Config, Failure> {
    let directory = from("XDG_CONFIG_HOME").or_else(|| Some(from("HOME")?.join(".config")));
    let Some(path) = directory.map(|directory| directory.join("layerslim/config.toml")) else {
        return Ok(Config::default());
    };
    let bad = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| bad(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(bad(&error)),
    }
}

/// Which colours the terminal has, and on what: `NO_COLOR`, `COLORTERM` and `TERM` say the one, the config file and
/// `COLORFGBG` the other; and which characters.
#[cfg(feature = "tui")]
pub(super) fn theme(config: &Config) -> Result<Theme, Failure> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    let full = variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
    let depth = if variable("NO_COLOR").is_some() || term == "dumb" {
        Depth::None
    } else if full || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256") {
        Depth::Indexed
    } else {
        Depth::Sixteen
    };
    let background = match config.background.as_deref() {
        Some("light") => Background::Light,
        Some("dark") => Background::Dark,
        Some(other) => {
            return Err(Failure::usage(format!(
                "background is `{other}`; there are dark and light"
            )));
        }
        // `foreground;background`, as numbers of the sixteen colours.
        None => match variable("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse().ok()) {
            Some(7 | 9..=15_u8) => Background::Light,
            _ => Background::Dark,
        },
    };
    Ok(Theme {
        depth,
        background,
        symbols: symbols(),
    })
}

/// The path that a variable holds.
pub(super) fn from(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// What a variable says, in capitals or else in small letters, as the proxies' are written.
#[cfg(feature = "registry")]
pub(super) fn either_case(name: &str) -> Option<String> {
    text(name).or_else(|| text(&name.to_ascii_lowercase()))
}

/// What a variable says.
#[cfg(feature = "registry")]
pub(super) fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The engine that docker and podman would speak to.
#[cfg(feature = "engine")]
pub(super) fn engine() -> Result<engine::Engine, engine::EngineError> {
    let address = engine::find(&engine::Surroundings {
        variable: &|name| env::var(name).ok().filter(|value| !value.is_empty()),
        is_there: &std::path::Path::exists,
    })?;
    Ok(engine::Engine::new(address, USER_AGENT))
}

/// Where a comment belongs, as flags and the CI say.
#[cfg(feature = "registry")]
pub(super) fn place(args: &CommentArgs) -> Result<Place, Failure> {
    let event = from("GITHUB_EVENT_PATH").map(|path| {
        fs::read(&path)
            .map_err(|error| Failure::usage(format!("GITHUB_EVENT_PATH, {}: {error}", path.display())))
    });
    // A number that was given needs no event.
    let event = if args.number.is_none() {
        event.transpose()?
    } else {
        None
    };
    let place = place_of(&Surroundings {
        variable: &text,
        event: event.as_deref(),
        forge: args.forge,
        api: args.api.clone(),
        repository: args.repo.clone(),
        number: args.number,
        token: args.token_env.clone(),
    });
    Ok(place?)
}

/// The file that a step's summary is appended to, where the CI has such a thing.
#[cfg(feature = "registry")]
pub(super) fn step_summary() -> Option<PathBuf> {
    from("GITHUB_STEP_SUMMARY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_709_208_000, "2024-02-29T12:00:00Z"),
            (4_294_967_295, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(rfc3339(seconds), want);
        }
    }
}
