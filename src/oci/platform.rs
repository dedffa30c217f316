//! Platforms: `os/architecture[/variant]`, parsed and matched.
//!
//! Matching follows containerd: `linux/arm64` and `linux/arm64/v8` are the same, a missing variant on
//! `arm` means v7, and `amd64` without a variant is `v1`-compatible.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an image runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system, in Go's words (`linux`, `windows`).
    #[serde(default)]
    pub os: String,
    /// CPU architecture, in Go's words (`amd64`, `arm64`).
    #[serde(default)]
    pub architecture: String,
    /// CPU variant (`v7`, `v8`), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Every other key, as it was (`os.version`, `os.features` …).
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Platform {
    /// `linux` on this machine's architecture: what is taken from an index where nobody asks for another.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self::new("linux", architecture, None)
    }

    /// A platform of the three usual parts.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            extra: serde_json::Map::new(),
        }
    }

    /// Whether this is the `unknown/unknown` of an attestation manifest in an index.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }

    /// How well an image of platform `self` serves one who asks for `wanted`: `None` not at all, else
    /// lower is better. An exact variant wins over a missing one, and that over an older one.
    pub fn rank_for(&self, wanted: &Self) -> Option<u32> {
        if self.os != wanted.os || self.architecture != wanted.architecture {
            return None;
        }
        let (have, want) = (self.normal_variant(), wanted.normal_variant());
        if have == want {
            return Some(u32::from(self.variant != wanted.variant));
        }
        let (have, want) = (number(&have)?, number(&want)?);
        if wanted.variant.is_none() && self.architecture != "arm" {
            return None; // amd64/v3 is never taken where plain amd64 is asked for
        }
        (have < want).then(|| 2 + (want - have))
    }

    fn normal_variant(&self) -> String {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", None | Some("" | "8" | "v8")) => "v8".to_owned(),
            ("arm", None | Some("" | "7")) => "v7".to_owned(),
            ("amd64", None | Some("")) => "v1".to_owned(),
            (_, variant) => variant.unwrap_or_default().to_owned(),
        }
    }
}

fn number(variant: &str) -> Option<u32> {
    variant.trim_start_matches('v').parse().ok()
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [os, arch] if !os.is_empty() && !arch.is_empty() => Ok(Self::new(os, arch, None)),
            [os, arch, variant] if ![os, arch, variant].iter().any(|p| p.is_empty()) => {
                Ok(Self::new(os, arch, Some(variant)))
            }
            _ => Err(format!(
                "`{text}` is not a platform: expected os/arch or os/arch/variant, as in linux/arm64"
            )),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_containerd() {
        let p = |text: &str| text.parse::<Platform>().unwrap();
        assert_eq!(p("linux/arm64/v8").rank_for(&p("linux/arm64")), Some(1));
        assert_eq!(p("linux/arm64").rank_for(&p("linux/arm64")), Some(0));
        assert_eq!(p("linux/amd64/v3").rank_for(&p("linux/amd64")), None);
        assert_eq!(p("linux/arm/v6").rank_for(&p("linux/arm/v7")), Some(3));
        assert_eq!(p("linux/arm/v7").rank_for(&p("linux/arm/v6")), None);
        assert_eq!(p("windows/amd64").rank_for(&p("linux/amd64")), None);
        assert!("linux".parse::<Platform>().is_err());
    }
}
