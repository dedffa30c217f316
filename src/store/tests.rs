//! The store on disk: what is written is read back, and what is no blob never has a name.

use std::fs::FileTimes;
use std::io::Write as _;
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::*;

fn store() -> Store {
    Store::temporary(None).unwrap()
}

fn incoming(store: &Store) -> usize {
    fs::read_dir(store.dir().join(INCOMING)).unwrap().count()
}

fn age(path: &Path, hours: u64) {
    let then = SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_accessed(then).set_modified(then))
        .unwrap();
}

#[test]
fn a_new_store_is_an_empty_layout_and_goes_away() {
    let store = store();
    let dir = store.dir().to_owned();
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"], serde_json::json!([]));
    let layout: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("oci-layout")).unwrap()).unwrap();
    assert_eq!(layout["imageLayoutVersion"], "1.0.0");
    assert!(dir.join("blobs/sha256").is_dir());
    drop(store);
    assert!(!dir.exists());
}

#[test]
fn opening_again_keeps_what_is_there() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let digest = Store::open(&dir).unwrap().put(b"blob").unwrap();
    fs::write(dir.join("index.json"), b"mine").unwrap();
    let store = Store::open(&dir).unwrap();
    assert!(store.contains(&digest, Some(4)));
    assert_eq!(fs::read(dir.join("index.json")).unwrap(), b"mine");
    assert_eq!(incoming(&store), 0);
}

#[test]
fn what_is_written_is_read_back_under_its_digest() {
    let store = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"hello ").unwrap();
    writer.write_all(b"blob").unwrap();
    assert_eq!((writer.size(), incoming(&store)), (10, 1));
    let (digest, size) = writer.commit().unwrap();
    assert_eq!((digest.clone(), size), (Digest::of(b"hello blob"), 10));
    assert_eq!(
        io::read_to_string(store.read(&digest).unwrap()).unwrap(),
        "hello blob"
    );
    assert!(store.contains(&digest, None));
    assert!(!store.contains(&digest, Some(9)));
    assert_eq!(incoming(&store), 0);
}

#[test]
fn a_blob_is_checked_against_its_promise() {
    let store = store();
    let mut sha512 = Hasher::new(Algorithm::Sha512);
    sha512.update(b"x");
    let sha512 = sha512.finish();
    for (expected, size, good) in [
        (&Digest::of(b"x"), 1, true),
        (&Digest::of(b"x"), 2, false),
        (&Digest::of(b"y"), 1, false),
        (&sha512, 1, true),
    ] {
        let mut writer = store.writer().unwrap();
        writer.write_all(b"x").unwrap();
        let result = writer.commit_as(expected, size);
        assert_eq!(result.is_ok(), good, "{expected} {size}: {result:?}");
        assert_eq!(store.contains(expected, Some(size)), good, "{expected} {size}");
        assert_eq!(incoming(&store), 0);
    }
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let store = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(&vec![7; 2 * PIECE]).unwrap();
    drop(writer);
    assert_eq!(incoming(&store), 0);
    assert_eq!(Store::blobs_in(store.dir()).unwrap(), []);
}

#[test]
fn an_equal_blob_stays_and_a_damaged_one_is_replaced() {
    let store = store();
    let digest = store.put(b"good").unwrap();
    let path = store.path_of(&digest);
    age(&path, 50);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    store.put(b"good").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    fs::write(&path, b"go").unwrap();
    store.put(b"good").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"good");
}

#[test]
fn a_blob_that_the_disk_damaged_is_found_out() {
    let store = store();
    let digest = store.put(b"good").unwrap();
    assert!(store.is_sound(&digest));
    fs::write(store.path_of(&digest), b"goof").unwrap();
    assert!(store.contains(&digest, Some(4)) && !store.is_sound(&digest));
    assert!(!store.contains(&digest, None), "it is gone");
    assert!(!store.is_sound(&Digest::of(b"absent")));
}

#[test]
fn many_writers_of_one_blob_agree() {
    let store = store();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|n| drop(store.put(&[n; 1000]).unwrap())));
        }
    });
    for n in 0..20 {
        assert!(store.contains(&Digest::of(&[n; 1000]), Some(1000)));
    }
    assert_eq!(incoming(&store), 0);
}

#[test]
fn errors_name_what_they_speak_of() {
    let store = store();
    let digest = Digest::of(b"absent");
    let error = store.read(&digest).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }));
    assert!(error.to_string().contains(digest.hex()), "{error}");

    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(error.to_string().contains("/file/"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_names_the_file() {
    let store = store();
    let mut writer = store.writer().unwrap();
    let (_, path) = store.writer().unwrap().close().unwrap().into_parts();
    let full = File::options().write(true).open("/dev/full").unwrap();
    writer.replace_file(NamedTempFile::from_parts(full, path));
    let error = writer
        .write_all(&vec![0; PIECE])
        .and_then(|()| writer.flush())
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let shown = error.to_string();
    assert!(
        shown.contains("/.incoming/.slim-") && shown.contains("No space"),
        "{shown}"
    );
    assert!(writer.commit().is_err());
    assert_eq!(incoming(&store), 0);
}
