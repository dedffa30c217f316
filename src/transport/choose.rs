//! Which image of an index is meant: one choice for every medium that has indexes.
//!
//! A module of its own because registries and OCI layouts must choose alike. It assumes that nested
//! indexes were already walked: what it sees is a flat list in the order of the index.

use crate::oci::{Descriptor, Platform};

/// One manifest that an index lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The manifest's descriptor, as the index has it.
    pub descriptor: Descriptor,
    /// What it runs on; `None` where the index does not say.
    pub platform: Option<Platform>,
}

impl Candidate {
    /// The candidate that an index entry is.
    pub fn new(descriptor: Descriptor) -> Self {
        let platform = descriptor.platform.clone();
        Self { descriptor, platform }
    }

    /// Whether this is an image, and not a build attestation or another artifact beside the images.
    pub fn is_image(&self) -> bool {
        let is_attestation = self.descriptor.annotation("vnd.docker.reference.type").is_some();
        match &self.platform {
            Some(platform) => !platform.is_unknown() && !is_attestation,
            None => !is_attestation && !self.descriptor.extra.contains_key("artifactType"),
        }
    }
}

/// The image that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The image.
    pub candidate: &'a Candidate,
    /// How many other images stood beside it.
    pub others: usize,
}

/// Why no image of an index can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// Occurs when an index lists no image at all.
    #[error("the index lists no image")]
    Empty,
    /// Occurs when no image of the index serves the platform that was asked for.
    #[error("there is no image for {wanted}; there is {available}")]
    NoSuchPlatform {
        /// The platform asked for.
        wanted: String,
        /// The platforms there are, with commas between them.
        available: String,
    },
    /// Occurs when nobody asked for a platform, and none of several images is for this machine.
    #[error("none of the images is for this machine ({host}); choose one with --platform: {available}")]
    Ambiguous {
        /// This machine's platform.
        host: String,
        /// The platforms there are, with commas between them.
        available: String,
    },
}

/// The image for `wanted`; where nobody asks, the only one, else the one for this machine.
pub(crate) fn choose<'a>(
    candidates: &'a [Candidate],
    wanted: Option<&Platform>,
) -> Result<Choice<'a>, ChooseError> {
    let images: Vec<&Candidate> = candidates.iter().filter(|one| one.is_image()).collect();
    let choice = |candidate| Choice {
        candidate,
        others: images.len() - 1,
    };
    match (images.as_slice(), wanted) {
        ([], _) => Err(ChooseError::Empty),
        ([only], None) => Ok(choice(only)),
        // The index does not say: the caller looks at the config with `check`.
        ([only], Some(_)) if only.platform.is_none() => Ok(choice(only)),
        (_, Some(wanted)) => best(&images, wanted)
            .map(choice)
            .ok_or_else(|| ChooseError::NoSuchPlatform {
                wanted: wanted.to_string(),
                available: list(&images),
            }),
        (_, None) => {
            let host = Platform::host();
            match best(&images, &host) {
                Some(one) => Ok(choice(one)),
                None => Err(ChooseError::Ambiguous {
                    host: host.to_string(),
                    available: list(&images),
                }),
            }
        }
    }
}

/// Refuses an image whose config names another platform than the one asked for.
pub(crate) fn check(image: &Platform, wanted: Option<&Platform>) -> Result<(), ChooseError> {
    match wanted {
        Some(wanted) if image.rank_for(wanted).is_none() => Err(ChooseError::NoSuchPlatform {
            wanted: wanted.to_string(),
            available: image.to_string(),
        }),
        _ => Ok(()),
    }
}

/// The lowest rank wins; the first of equals, as containerd does.
fn best<'a>(images: &[&'a Candidate], wanted: &Platform) -> Option<&'a Candidate> {
    let ranked = images.iter().filter_map(|one| {
        let rank = one.platform.as_ref()?.rank_for(wanted)?;
        Some((rank, *one))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, one)| one)
}

fn list(images: &[&Candidate]) -> String {
    let names: Vec<String> = images
        .iter()
        .map(|one| match &one.platform {
            Some(platform) => platform.to_string(),
            None => format!("{} (unnamed)", one.descriptor.digest.short()),
        })
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, MediaType};

    fn candidates(platforms: &[&str]) -> Vec<Candidate> {
        let one = |text: &&str| {
            let mut descriptor = Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(text.as_bytes()), 1);
            descriptor.platform = Some(text.parse().unwrap());
            Candidate::new(descriptor)
        };
        platforms.iter().map(one).collect()
    }

    fn chosen(list: &[Candidate], wanted: Option<&str>) -> Result<String, String> {
        let wanted = wanted.map(|text| text.parse::<Platform>().unwrap());
        let choice = choose(list, wanted.as_ref()).map_err(|e| e.to_string())?;
        let platform = choice.candidate.platform.as_ref().unwrap();
        Ok(format!("{platform}+{}", choice.others))
    }

    #[test]
    fn the_best_for_the_platform_asked_for() {
        let list = candidates(&["linux/arm/v6", "linux/arm/v7", "linux/arm64", "unknown/unknown"]);
        assert_eq!(chosen(&list, Some("linux/arm/v7")).unwrap(), "linux/arm/v7+2");
        assert_eq!(chosen(&list, Some("linux/arm64/v8")).unwrap(), "linux/arm64+2");
        let error = chosen(&list, Some("linux/s390x")).unwrap_err();
        assert!(error.contains("linux/s390x") && error.contains("linux/arm/v6, linux/arm/v7, linux/arm64"));
        assert!(!error.contains("unknown"), "{error}");
    }

    #[test]
    fn where_nobody_asks_the_only_one_or_the_one_for_this_machine() {
        let sole = candidates(&["linux/s390x", "unknown/unknown"]);
        assert_eq!(chosen(&sole, None).unwrap(), "linux/s390x+0");
        let host = Platform::host().to_string();
        let with_host = candidates(&["linux/mips", &host, "linux/riscv64"]);
        assert_eq!(chosen(&with_host, None).unwrap(), format!("{host}+2"));
        let without = candidates(&["linux/mips", "windows/amd64"]);
        assert!(
            chosen(&without, None)
                .unwrap_err()
                .contains("linux/mips, windows/amd64")
        );
        assert_eq!(
            choose(&candidates(&["unknown/unknown"]), None),
            Err(ChooseError::Empty)
        );
    }

    #[test]
    fn an_unnamed_only_image_is_taken_and_checked_by_its_config() {
        let mut list = candidates(&["linux/amd64"]);
        list[0].platform = None;
        let arm = Platform::new("linux", "arm64", None);
        assert!(choose(&list, Some(&arm)).is_ok());
        assert!(check(&Platform::new("linux", "amd64", None), Some(&arm)).is_err());
        assert!(check(&Platform::new("linux", "arm64", Some("v8")), Some(&arm)).is_ok());
    }

    #[test]
    fn attestations_and_artifacts_are_no_images() {
        let mut list = candidates(&["linux/amd64", "linux/arm64"]);
        let note = (
            "vnd.docker.reference.type".to_owned(),
            "attestation-manifest".to_owned(),
        );
        list[0].descriptor.annotations = Some([note].into_iter().collect());
        list[1].platform = None;
        let kind = serde_json::Value::from("application/x-sbom");
        list[1].descriptor.extra.insert("artifactType".to_owned(), kind);
        assert_eq!(choose(&list, None), Err(ChooseError::Empty));
    }
}
