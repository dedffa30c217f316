//! Reading: what each medium takes, and what it refuses by name.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::testing::{
    Member, blob, config, docker_archive, image, layer, layout, open_text, refusal, stored, tagged, tar,
};
use crate::oci::{Digest, Family, MediaType};

fn file(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_docker_archive_plain_and_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let layers = [layer("a", "one"), layer("b", "two")];
    let plain = docker_archive("app", &layers);
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    for (name, bytes) in [("plain", &plain), ("gzip", &gzip(&plain)), ("zstd", &zstd)] {
        let opened = open_text(&file(dir.path(), name, bytes), None).unwrap();
        assert_eq!(opened.image.name.transport, "docker-archive", "{name}");
        assert!(opened.image.manifest.is_none() && opened.note.is_none());
        assert_eq!(stored(&opened.image), layers, "{name}");
    }
}

#[test]
fn one_of_several_images_is_chosen_by_reference_or_position() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = ([layer("a", "one")], [layer("a", "two")]);
    let (config_one, config_two) = (config("linux/amd64", &one), config("linux/arm64", &two));
    let manifest = json!([
        {"Config": "1.json", "RepoTags": ["app", "app:1"], "Layers": ["1.tar"]},
        {"Config": "2.json", "RepoTags": null, "Layers": ["2.tar"]},
    ]);
    let archive = tar(&[
        Member::File("manifest.json", manifest.to_string().as_bytes()),
        Member::File("1.json", &config_one),
        Member::File("./2.json", &config_two),
        Member::File("/1.tar", &one[0]),
        Member::File("2.tar", &two[0]),
    ]);
    let path = file(dir.path(), "several", &archive);
    for (choice, want) in [
        ("app:latest", &one),
        ("docker.io/library/app:1", &one),
        ("@0", &one),
        ("@1", &two),
    ] {
        let opened = open_text(&format!("docker-archive:{path}:{choice}"), None).unwrap();
        assert_eq!(&stored(&opened.image)[..], want, "{choice}");
    }
    assert!(
        refusal(&path).ends_with("choose one of app, @1"),
        "{}",
        refusal(&path)
    );
    let unknown = refusal(&format!("{path}:app:2"));
    assert!(unknown.contains("no image `app:2`; it has app, @1"), "{unknown}");
    let other = open_text(&format!("{path}:@1"), Some("linux/amd64"))
        .unwrap_err()
        .to_string();
    assert!(
        other.contains("no image for linux/amd64; there is linux/arm64"),
        "{other}"
    );
}

#[test]
fn what_a_docker_archive_names_must_be_inside_it() {
    let dir = tempfile::tempdir().unwrap();
    let layers = [layer("a", "one")];
    let config = config("linux/amd64", &layers);
    let blob_name = format!("blobs/sha256/{}", Digest::of(b"another").hex());
    let open = |config_name: &str, layer: &str, link: Option<(&str, &str)>| {
        let manifest = json!([{"Config": config_name, "RepoTags": null, "Layers": [layer]}]).to_string();
        let mut members = vec![
            Member::File("manifest.json", b"[]"),
            Member::File("manifest.json", manifest.as_bytes()),
            Member::File("c.json", &config),
            Member::File(&blob_name, &config),
            Member::File("x/1.tar", &layers[0]),
            Member::HardLink("y/hard.tar", "x/1.tar"),
        ];
        members.extend(link.map(|(name, target)| Member::Symlink(name, target)));
        let path = file(dir.path(), "archive", &tar(&members));
        open_text(&path, None)
            .map(|opened| stored(&opened.image))
            .map_err(|error| error.to_string())
    };
    for (layer, link) in [
        ("./x//1.tar", None),
        ("y/hard.tar", None),
        ("z/l", Some(("z/l", "../x/1.tar"))),
        ("z/../x/1.tar", None),
    ] {
        assert_eq!(open("c.json", layer, link).unwrap(), layers, "{layer}");
    }
    for (config_name, layer, link, part) in [
        ("c.json", "../1.tar", None, "outside the archive"),
        ("../../c.json", "x/1.tar", None, "outside the archive"),
        (
            "c.json",
            "l",
            Some(("l", "../../etc/passwd")),
            "link out of the archive, to `../../etc/passwd`",
        ),
        (
            "c.json",
            "l",
            Some(("l", "/etc/passwd")),
            "link out of the archive",
        ),
        ("c.json", "l", Some(("l", "l")), "leads nowhere"),
        (
            "c.json",
            "l",
            Some(("l", "gone")),
            "the layer `l` that manifest.json names is missing",
        ),
        (
            "gone.json",
            "x/1.tar",
            None,
            "the config `gone.json` that manifest.json names is missing",
        ),
        (&blob_name, "x/1.tar", None, "does not match its digest"),
    ] {
        let error = open(config_name, layer, link).unwrap_err();
        assert!(error.contains(part), "{config_name} {layer}: {error}");
    }
}

#[test]
fn a_config_that_is_only_called_like_a_digest_is_read_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let layers = [layer("a", "one")];
    let name = format!("{}.json", Digest::of(b"before an edit").hex());
    let manifest = json!([{"Config": name, "RepoTags": null, "Layers": ["l"]}]).to_string();
    let members = [
        Member::File("manifest.json", manifest.as_bytes()),
        Member::File(&name, &config("linux/amd64", &layers)),
        Member::File("l", &layers[0]),
    ];
    let opened = open_text(&file(dir.path(), "edited", &tar(&members)), None).unwrap();
    assert!(opened.note.unwrap().contains("has the digest sha256:"));
}

#[test]
fn what_is_no_image_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = |text: &str| tar(&[Member::File("manifest.json", text.as_bytes())]);
    let cut = docker_archive("app", &[layer("a", "one")])[..1300].to_vec();
    let big = tar(&[Member::File("manifest.json", &vec![b' '; (4 << 20) + 1])]);
    for (bytes, part) in [
        (Vec::new(), "an empty file"),
        (b"hello".to_vec(), "cut short"),
        (vec![b'x'; 4096], "not a tar"),
        (gzip(b"hello"), "a compressed file that holds no tar"),
        (
            tar(&[Member::File("README.md", b"")]),
            "a tar without manifest.json",
        ),
        (tar(&[Member::File("repositories", b"{}")]), "before version 1.10"),
        (manifest("null"), "manifest.json is not valid"),
        (manifest("{}"), "manifest.json is not valid"),
        (manifest("[]"), "lists no image"),
        (
            manifest(&format!("[{}", r#"{"x":"#.repeat(100_000))),
            "EOF while parsing",
        ),
        (cut, "cut short: member `0/layer.tar`"),
        (big, "--max-document"),
        (
            tar(&[Member::Directory("manifest.json")]),
            "is a directory, not a file",
        ),
    ] {
        let path = file(dir.path(), "x.tar", &bytes);
        assert!(refusal(&path).contains(part), "{part}: {}", refusal(&path));
    }
}

#[test]
fn a_layout_by_tag_by_platform_and_as_a_tar() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let (amd, arm) = ([layer("a", "amd")], [layer("a", "arm")]);
    let mut entries = vec![
        image(root, Family::Oci, "linux/amd64", &amd),
        image(root, Family::Docker, "linux/arm64", &arm),
    ];
    for (entry, architecture) in entries.iter_mut().zip(["amd64", "arm64"]) {
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
    }
    let index = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    let index = tagged(blob(root, MediaType::OCI_INDEX, index.as_bytes()), "multi");
    let single = tagged(image(root, Family::Oci, "linux/arm64", &arm), "single");
    layout(root, &[index, single]);
    let archive = dir.path().join("layout.tar");
    let mut builder = tar::Builder::new(fs::File::create(&archive).unwrap());
    builder.append_dir_all("blobs", root.join("blobs")).unwrap();
    builder
        .append_path_with_name(root.join("index.json"), "./index.json")
        .unwrap();
    builder.finish().unwrap();

    for source in [root.to_str().unwrap(), archive.to_str().unwrap()] {
        for (tag, platform, want, platforms) in [
            ("multi", "linux/amd64", &amd, 2),
            ("multi", "linux/arm64/v8", &arm, 2),
            ("single", "linux/arm64", &arm, 1),
        ] {
            let opened = open_text(&format!("{source}:{tag}"), Some(platform)).unwrap();
            assert_eq!(&stored(&opened.image)[..], want, "{source} {tag} {platform}");
            assert_eq!(
                (opened.platforms, opened.note.is_some()),
                (platforms, platforms > 1)
            );
        }
        assert!(
            refusal(source).contains("choose one of multi, single"),
            "{}",
            refusal(source)
        );
        assert!(refusal(&format!("{source}:other")).contains("no image `other`"));
        let wrong = open_text(&format!("{source}:single"), Some("linux/s390x"))
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("no image for linux/s390x"), "{wrong}");
    }
}

#[test]
fn untagged_images_of_one_platform_are_never_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    let one = |text| image(dir.path(), Family::Oci, "linux/amd64", &[layer("a", text)]);
    let (first, second) = (one("1"), one("2"));
    layout(dir.path(), &[first.clone(), second]);
    let text = dir.path().to_str().unwrap();
    let host = open_text(text, Some("linux/amd64")).unwrap_err().to_string();
    assert!(host.contains("choose one of sha256:"), "{host}");
    let digest = first["digest"].as_str().unwrap();
    assert!(open_text(&format!("{text}:{digest}"), None).is_ok());
}

#[test]
fn a_damaged_layout_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let text = root.to_str().unwrap();
    let index = |text: &str| fs::write(root.join("index.json"), text).unwrap();
    for (json, part) in [
        ("", "index.json is not valid"),
        ("null", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "manifests is missing"),
        (r#"{"manifests":[]}"#, "lists no image"),
        (
            r#"{"manifests":[{"digest":"/etc:passwd","size":1}]}"#,
            "not supported",
        ),
    ] {
        index(json);
        assert!(refusal(text).contains(part), "{json}: {}", refusal(text));
    }
    index(&format!(r#"{{"manifests":[{}]}}"#, r#"{"x":"#.repeat(100_000)));
    assert!(refusal(text).contains("recursion limit"), "{}", refusal(text));

    let layers = [layer("a", "one")];
    let entry = image(root, Family::Oci, "linux/amd64", &layers);
    index(&format!("\u{feff}{}", json!({"manifests": [entry]})));
    assert!(open_text(text, None).is_ok(), "a byte order mark is passed over");
    let path = root.join("blobs/sha256").join(Digest::of(&layers[0]).hex());
    let missing = |change: &dyn Fn()| {
        change();
        refusal(text)
    };
    assert!(missing(&|| fs::write(&path, "short").unwrap()).contains("is 5 bytes, its descriptor says"));
    let said = missing(&|| fs::remove_file(&path).unwrap());
    assert!(said.contains("is missing (expected at blobs/sha256/"), "{said}");
    let manifest = root
        .join("blobs")
        .join(entry["digest"].as_str().unwrap().replace(':', "/"));
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[0] = b' ';
    assert!(
        missing(&|| fs::write(&manifest, &bytes).unwrap()).contains("manifest does not match its digest")
    );
}

#[cfg(unix)]
#[test]
fn symlinks_stay_inside_the_layout() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("layout");
    fs::create_dir(&root).unwrap();
    let layers = [layer("a", "one")];
    layout(&root, &[image(&root, Family::Oci, "linux/amd64", &layers)]);
    let blob = root.join("blobs/sha256").join(Digest::of(&layers[0]).hex());
    let text = root.to_str().unwrap();

    fs::rename(&blob, root.join("rootfs.tar")).unwrap();
    symlink("../../rootfs.tar", &blob).unwrap();
    assert_eq!(stored(&open_text(text, None).unwrap().image), layers);

    fs::rename(root.join("rootfs.tar"), dir.path().join("outside.tar")).unwrap();
    fs::remove_file(&blob).unwrap();
    symlink("../../../outside.tar", &blob).unwrap();
    assert!(
        refusal(text).contains("a symlink leads out of the layout"),
        "{}",
        refusal(text)
    );
}

#[test]
fn nested_indexes_end_at_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let nest = |depth: usize| {
        let mut entry = image(dir.path(), Family::Oci, "linux/amd64", &[layer("a", "one")]);
        for _ in 0..depth {
            let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
            entry = blob(dir.path(), MediaType::OCI_INDEX, index.as_bytes());
        }
        layout(dir.path(), &[entry]);
        open_text(dir.path().to_str().unwrap(), None).map_err(|error| error.to_string())
    };
    assert!(nest(15).is_ok());
    assert!(nest(16).unwrap_err().contains("nested more than 16 deep"));
}

#[test]
fn artifacts_and_unknown_manifests_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().to_str().unwrap();
    let helm = blob(dir.path(), "application/vnd.cncf.helm.config.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "config": helm, "layers": []}).to_string();
    layout(
        dir.path(),
        &[blob(dir.path(), MediaType::OCI_MANIFEST, manifest.as_bytes())],
    );
    assert!(
        refusal(text).contains("an artifact of type `application/vnd.cncf.helm"),
        "{}",
        refusal(text)
    );
    layout(dir.path(), &[blob(dir.path(), "text/plain", b"hello")]);
    assert!(
        refusal(text).contains("of media type `text/plain`"),
        "{}",
        refusal(text)
    );
}
