//! Against Debian's `docker-registry`, on a port of its own; skipped, aloud, where it is not installed.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{client, client_with, image, read_all, reference};
use crate::oci::{MediaType, Reference};
use crate::progress::Progress;
use crate::transport::registry::{Credentials, Login, Mount, RegistryError, open, write};

/// `user` and `pass`, as htpasswd -B writes them.
const HTPASSWD: &str = "user:$2y$05$abcdefghijklmnopqrstuuZFBUbfXoM8LFiPx8LYlO/sXZB/Cwk3K\n";

struct Server {
    child: Child,
    host: String,
    _data: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn server(auth: &str) -> Option<Server> {
    let program = "docker-registry";
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()));
    if !found {
        eprintln!("skipped: {program} is not installed");
        return None;
    }
    let data = tempfile::tempdir().unwrap();
    let host = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let config = data.path().join("config.yml");
    std::fs::write(data.path().join("htpasswd"), HTPASSWD).unwrap();
    std::fs::write(&config, configuration(data.path(), &host, auth)).unwrap();
    let child = Command::new(program)
        .arg("serve")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(&host).is_err() {
        assert!(Instant::now() < deadline, "the registry does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(Server {
        child,
        host,
        _data: data,
    })
}

fn configuration(data: &Path, host: &str, auth: &str) -> String {
    let data = data.display();
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}/blobs}}}}\n\
         http: {{addr: \"{host}\"}}\n{}",
        auth.replace("DATA", &data.to_string())
    )
}

fn push_and_pull(client: &super::Client, target: &Reference) {
    let large: Vec<u8> = (0..5_000_000_u32).map(|at| (at % 251) as u8).collect();
    let sent = image(&[&large, b"", b"small"]);
    let digest = write(&sent, target, client, None, &Progress::none())
        .unwrap()
        .digest;
    assert_eq!(Some(&digest), sent.digest());
    let back = open(target, None, client).unwrap().image;
    assert_eq!(
        back.manifest.as_ref().unwrap().raw(),
        sent.manifest.as_ref().unwrap().raw()
    );
    assert_eq!(back.config.raw(), sent.config.raw());
    for (layer, bytes) in back.layers.iter().zip([&large[..], b"", b"small"]) {
        assert!(read_all(back.open(layer).unwrap()).unwrap() == bytes);
    }
    let layer = &back.layers[0].descriptor().unwrap().digest;
    assert_eq!(client.has_blob(target, layer).unwrap(), Some(large.len() as u64));
}

#[test]
fn an_image_goes_up_and_comes_down_as_it_was() {
    let Some(server) = server("") else { return };
    push_and_pull(&client(), &reference(&server.host, "team/app:1"));
}

#[test]
fn blobs_are_mounted_from_the_repository_next_door() {
    let Some(server) = server("") else { return };
    let (client, sent) = (client(), image(&[b"one", b"two"]));
    let (from, to) = (reference(&server.host, "from:1"), reference(&server.host, "to:1"));
    write(&sent, &from, &client, None, &Progress::none()).unwrap();
    let layer = &sent.layers[0].descriptor().unwrap().digest;
    assert!(matches!(
        client.mount(&to, "from", layer).unwrap(),
        Mount::Mounted
    ));
    assert!(matches!(
        client.mount(&to, "nobody", &sent.layers[1].diff_id.0).unwrap(),
        Mount::Upload(_)
    ));
    write(&sent, &to, &client, Some(&from), &Progress::none()).unwrap();
    assert_eq!(open(&to, None, &client).unwrap().image.digest(), sent.digest());
}

#[test]
fn an_index_is_put_after_its_images() {
    let Some(server) = server("") else { return };
    let (client, sent) = (client(), image(&[b"one"]));
    let child = reference(&server.host, &format!("app@{}", sent.digest().unwrap()));
    write(&sent, &child, &client, None, &Progress::none()).unwrap();
    let mut entry = sent.manifest.as_ref().unwrap().descriptor();
    entry.platform = Some("linux/amd64".parse().unwrap());
    let index =
        serde_json::json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [entry]});
    let target = reference(&server.host, "app:all");
    let bytes = index.to_string().into_bytes();
    client
        .put_manifest(&target, "all", &MediaType::OCI_INDEX.into(), &bytes)
        .unwrap();
    assert_eq!(
        open(&target, None, &client).unwrap().image.digest(),
        sent.digest()
    );
}

#[test]
fn a_password_opens_a_registry_and_a_wrong_one_does_not() {
    let auth = "auth: {htpasswd: {realm: r, path: DATA/htpasswd}}\n";
    let Some(server) = server(auth) else { return };
    let target = reference(&server.host, "app:1");
    let with = |password| client_with(Credentials::default().with_password(&server.host, "user", password));
    push_and_pull(&with("pass"), &target);
    for (client, want) in [(with("wrong"), Login::Refused), (client(), Login::Missing)] {
        let error = write(&image(&[b"one"]), &target, &client, None, &Progress::none()).unwrap_err();
        let RegistryError::Unauthorized { login, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(login, want);
    }
}

#[test]
fn bytes_of_another_digest_are_refused_by_the_registry() {
    let Some(server) = server("") else { return };
    let target = reference(&server.host, "app:1");
    let descriptor = super::layer_descriptor(b"right");
    let open = || Ok(Box::new(&b"wrong"[..]) as Box<dyn io::Read + Send>);
    let error = client()
        .upload(&target, &descriptor, None, &open, &|_| {})
        .unwrap_err();
    assert!(error.to_string().contains("DIGEST_INVALID"), "{error}");
}
