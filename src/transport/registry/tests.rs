//! The client against servers: a scripted one in this process, and Debian's `docker-registry` where it is
//! installed.

mod download;
mod fake;
mod login;
mod real;
mod refer;
mod send;
mod walk;

use std::io::{self, Read};
use std::sync::Arc;

use super::{Client, Credentials, Settings};
use crate::http;
use crate::image::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use crate::oci::{Descriptor, Digest, MediaType, Reference};

fn client() -> Client {
    client_with(Credentials::default())
}

fn client_with(credentials: Credentials) -> Client {
    let settings = Settings {
        credentials,
        http: http::Settings {
            user_agent: "layerslim/test".to_owned(),
            ..http::Settings::default()
        },
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

fn layer_descriptor(bytes: &[u8]) -> Descriptor {
    let media_type = MediaType::from("application/vnd.oci.image.layer.v1.tar");
    Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64)
}

/// Blobs in memory.
struct Blobs(Vec<Vec<u8>>);

impl OpenBlob for Blobs {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let BlobRef::Stored(wanted) = blob else {
            panic!("only stored blobs here")
        };
        match self.0.iter().find(|bytes| Digest::of(bytes) == wanted.digest) {
            Some(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            None => Err(ImageError::Read {
                what: blob.label(),
                source: io::ErrorKind::NotFound.into(),
            }),
        }
    }
}

/// An image with the given plain layers.
fn image(layers: &[&[u8]]) -> Image {
    let ids: Vec<String> = layers.iter().map(|bytes| Digest::of(bytes).to_string()).collect();
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": ids},
    });
    let config = Config::parse(config.to_string().into_bytes()).unwrap();
    let descriptors: Vec<Descriptor> = layers.iter().map(|bytes| layer_descriptor(bytes)).collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_MANIFEST,
        "config": Descriptor::new(MediaType::OCI_CONFIG, Digest::of(config.raw()), config.raw().len() as u64),
        "layers": descriptors,
    });
    let manifest = Manifest::parse(manifest.to_string().into_bytes(), None).unwrap();
    let name = ImageName {
        transport: "oci",
        reference: "oci:test:latest".to_owned(),
    };
    let blobs = Blobs(layers.iter().map(|bytes| bytes.to_vec()).collect());
    Image::from_manifest(name, manifest, config, Arc::new(blobs)).unwrap()
}

fn read_all(mut reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn reference(host: &str, rest: &str) -> Reference {
    format!("{host}/{rest}").parse().unwrap()
}
