//! Media types of manifests, configs and layers, in both families (OCI and Docker v2s2).
//!
//! Unknown types are kept as text: what to do about them is for the floor above to say by name (rule 22).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A media type as written in a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(pub String);

/// Whose words a manifest speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `application/vnd.oci.image.*`
    Oci,
    /// `application/vnd.docker.*`, image manifest version 2 schema 2.
    Docker,
}

/// How a layer blob is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip, of one or more members.
    Gzip,
    /// zstd, of one or more frames.
    Zstd,
    /// bzip2: as xz.
    Bzip2,
    /// xz: docker accepts such layers, which no spec has; read only.
    Xz,
}

impl Compression {
    /// The name as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

impl MediaType {
    /// An OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// The config of what has none (image-spec `manifest.md`).
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// An OCI image config.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A Docker v2s2 manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// A Docker manifest list.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// A Docker config.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

    /// The type of a layer in the given family and form, or `None` where the family has no such layer
    /// (zstd in Docker v2s2, bzip2 and xz in both: podman and skopeo refuse them).
    pub fn layer(family: Family, compression: Compression) -> Option<Self> {
        let text = match (family, compression) {
            (Family::Oci, Compression::None) => "application/vnd.oci.image.layer.v1.tar",
            (Family::Oci, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Family::Oci, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Family::Docker, Compression::None) => "application/vnd.docker.image.rootfs.diff.tar",
            (Family::Docker, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (_, Compression::Bzip2 | Compression::Xz) | (Family::Docker, Compression::Zstd) => return None,
        };
        Some(Self(text.to_owned()))
    }

    /// Whether this is an image manifest of either family.
    pub fn is_manifest(&self) -> bool {
        matches!(self.0.as_str(), Self::OCI_MANIFEST | Self::DOCKER_MANIFEST)
    }

    /// Whether this is an index (OCI) or manifest list (Docker).
    pub fn is_index(&self) -> bool {
        matches!(self.0.as_str(), Self::OCI_INDEX | Self::DOCKER_INDEX)
    }

    /// The family, where the type belongs to one.
    pub fn family(&self) -> Option<Family> {
        if self.0.starts_with("application/vnd.oci.") {
            Some(Family::Oci)
        } else if self.0.starts_with("application/vnd.docker.") {
            Some(Family::Docker)
        } else {
            None
        }
    }

    /// What a layer of this type claims to be stored as; `None` for a type that is no layer we can read.
    /// Non-distributable ("foreign") types count as layers here: their content may well be present.
    pub fn layer_compression(&self) -> Option<Compression> {
        let rest = [
            "application/vnd.oci.image.layer.v1.",
            "application/vnd.oci.image.layer.nondistributable.v1.",
        ]
        .iter()
        .find_map(|prefix| self.0.strip_prefix(prefix))
        .or_else(|| self.0.strip_prefix("application/vnd.docker.image.rootfs.diff."))
        .or_else(|| {
            self.0
                .strip_prefix("application/vnd.docker.image.rootfs.foreign.diff.")
        })?;
        match rest {
            "tar" => Some(Compression::None),
            "tar+gzip" | "tar.gzip" => Some(Compression::Gzip),
            "tar+zstd" | "tar.zstd" => Some(Compression::Zstd),
            "tar+bzip2" | "tar.bzip2" => Some(Compression::Bzip2),
            "tar+xz" | "tar.xz" => Some(Compression::Xz),
            _ => None,
        }
    }

    /// Whether the layer's content may legally live elsewhere than in the registry.
    pub fn is_foreign(&self) -> bool {
        self.0.contains("nondistributable") || self.0.contains(".foreign.")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_types_round_trip() {
        for family in [Family::Oci, Family::Docker] {
            for compression in [
                Compression::None,
                Compression::Gzip,
                Compression::Zstd,
                Compression::Xz,
            ] {
                if let Some(media_type) = MediaType::layer(family, compression) {
                    assert_eq!(media_type.family(), Some(family));
                    assert_eq!(media_type.layer_compression(), Some(compression));
                }
            }
        }
        assert!(MediaType::layer(Family::Docker, Compression::Zstd).is_none());
        assert!(
            MediaType::from("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
                .layer_compression()
                .is_none()
        );
    }
}
