//! Whole streams through decoder and encoder: what is read, what is refused, that the bytes of an
//! encoding depend on nothing but the input.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

const TEXT: &[u8] = b"hello, layer\n";
/// `xz` of [`TEXT`].
const XZ: &[u8] = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\0\x21\x01\x16\0\0\0\x74\x2f\xe5\xa3\
    \x01\0\x0chello, layer\n\0\0\0\0\xb6\x8b\xb8\xa4\x77\xef\x98\xea\
    \0\x01\x25\x0d\x71\x19\xc4\xb6\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04YZ";

/// `bzip2` of [`TEXT`].
const BZ2: &[u8] =
    b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x86\xdd\xac\x0a\x00\x00\x03\x51\x80\x00\x10\x40\x04\x22\
    \x44\x90\x20\x20\x00\x31\x00\x30\x20\x03\xd2\x14\x02\xde\x58\xd0\xbc\x5d\xc9\x14\xe1\x42\x42\x1b\
    \x76\xb0\x28";

/// Gives pieces of pseudo-random size, counts them, and says when it was read to the end.
struct Pieces<'a> {
    bytes: &'a [u8],
    seed: Cell<u32>,
    largest: usize,
    ends: &'a AtomicUsize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let seed = self
            .seed
            .get()
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.seed.set(seed);
        let size = (seed >> 8) as usize % self.largest + 1;
        let count = size.min(out.len()).min(self.bytes.len());
        out[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        if count == 0 && !out.is_empty() {
            self.ends.fetch_add(1, Ordering::Relaxed);
        }
        Ok(count)
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    encode(plain, Encoding::default(), 1)
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    encode(plain, Encoding::Zstd { level: 3 }, 1)
}

fn encode(plain: &[u8], encoding: Encoding, threads: usize) -> Vec<u8> {
    let mut encoder = encoder(Vec::new(), encoding, NonZeroUsize::new(threads).unwrap());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Decodes in pieces of every kind; all must tell the same story.
fn decode(bytes: &[u8]) -> Result<(Vec<u8>, Vec<Oddity>), String> {
    let mut told = Vec::new();
    for (largest_in, out_size) in [(1, 7), (3, 1), (100, 4096), (1 << 20, 1 << 17)] {
        let ends = AtomicUsize::new(0);
        let pieces = Pieces {
            bytes,
            seed: Cell::new(7),
            largest: largest_in,
            ends: &ends,
        };
        let result = decoder(pieces)
            .map_err(|error| error.to_string())
            .and_then(|mut decoder| read_all(&mut decoder, out_size).map_err(|error| error.to_string()));
        assert!(
            result.is_err() || ends.load(Ordering::Relaxed) > 0,
            "input not drained"
        );
        told.push(result);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    told.remove(0)
}

fn read_all(decoder: &mut Decoder<'_>, out_size: usize) -> io::Result<(Vec<u8>, Vec<Oddity>)> {
    let (mut plain, mut out) = (Vec::new(), vec![0; out_size]);
    assert_eq!(decoder.read(&mut []).unwrap(), 0);
    loop {
        match decoder.read(&mut out) {
            Ok(0) => {
                assert_eq!(decoder.read(&mut out).unwrap(), 0);
                return Ok((plain, decoder.oddities().to_vec()));
            }
            Ok(count) => plain.extend_from_slice(&out[..count]),
            Err(error) => {
                assert!(
                    decoder.read(&mut out).is_err(),
                    "an error must not look like the end later"
                );
                return Err(error);
            }
        }
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn changed(bytes: &[u8], from_end: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    bytes
}

/// A member with the given flags and optional fields.
fn member(flags: u8, fields: &[u8]) -> Vec<u8> {
    let plain = gzip(TEXT);
    joined(&[&plain[..3], &[flags], &plain[4..10], fields, &plain[10..]])
}

fn skippable(content: &[u8]) -> Vec<u8> {
    joined(&[
        b"\x53\x2a\x4d\x18",
        &(content.len() as u32).to_le_bytes(),
        content,
    ])
}

#[test]
fn what_must_be_read_is_read() {
    let (gz, zst) = (gzip(TEXT), zstd(TEXT));
    let twice = joined(&[TEXT, TEXT]);
    let header_crc = {
        let mut header = member(2, &[])[..10].to_vec();
        let crc = (crc32fast::hash(&header) as u16).to_le_bytes();
        header.extend(crc);
        joined(&[&header, &gz[10..]])
    };
    let cases: &[(&str, Vec<u8>, &[u8])] = &[
        ("empty", vec![], b""),
        ("plain", TEXT.to_vec(), TEXT),
        ("one byte", vec![0x1f], b"\x1f"),
        ("gzip", gz.clone(), TEXT),
        ("gzip of nothing", gzip(b""), b""),
        ("gzip, two members", joined(&[&gz, &gz]), &twice),
        (
            "gzip, empty members",
            joined(&[&gzip(b""), &gz, &gzip(b""), &gz, &gzip(b"")]),
            &twice,
        ),
        ("gzip, name", member(8, b"n\xe4me\0"), TEXT),
        (
            "gzip, long name and comment",
            member(24, &joined(&[&vec![b'x'; 70_000], b"\0c\0"])),
            TEXT,
        ),
        ("gzip, extra", member(4, b"\x03\0abc"), TEXT),
        ("gzip, header checksum", header_crc, TEXT),
        ("zstd", zst.clone(), TEXT),
        ("zstd of nothing", zstd(b""), b""),
        ("zstd, two frames", joined(&[&zst, &zst]), &twice),
        (
            "zstd, skippable frames",
            joined(&[
                &skippable(b"a"),
                &zst,
                &skippable(&vec![9; 300_000]),
                &skippable(b""),
                &zst,
                &skippable(b"b"),
            ]),
            &twice,
        ),
        ("bzip2", BZ2.to_vec(), TEXT),
        ("bzip2, two streams", joined(&[BZ2, BZ2]), &twice),
        ("xz", XZ.to_vec(), TEXT),
        (
            "xz, two streams, padding",
            joined(&[XZ, &[0; 4], XZ, &[0; 8]]),
            &twice,
        ),
    ];
    for (name, bytes, want) in cases {
        assert_eq!(decode(bytes), Ok((want.to_vec(), vec![])), "{name}");
    }
}

#[test]
fn what_is_passed_over_is_told() {
    let gz = gzip(TEXT);
    for (name, bytes, oddity) in [
        ("zeros", joined(&[&gz, &[0; 1000]]), Oddity::TrailingBytes(1000)),
        ("junk", joined(&[&gz, b"junk"]), Oddity::TrailingBytes(4)),
        ("half a magic", joined(&[&gz, b"\x1f"]), Oddity::TrailingBytes(1)),
        ("reserved flags", member(0x80, &[]), Oddity::ReservedFlags),
    ] {
        assert_eq!(decode(&bytes), Ok((TEXT.to_vec(), vec![oddity])), "{name}");
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let (gz, zst) = (gzip(TEXT), zstd(TEXT));
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("bzip2, cut", BZ2[..20].to_vec(), "bzip2 stream is cut short"),
        ("gzip, magic only", gz[..2].to_vec(), "gzip stream is cut short"),
        (
            "gzip, no name end",
            member(8, &[b'x'; 9])[..19].to_vec(),
            "gzip stream is cut short",
        ),
        (
            "gzip, no trailer",
            gz[..gz.len() - 8].to_vec(),
            "gzip stream is cut short",
        ),
        (
            "gzip, half a trailer",
            gz[..gz.len() - 3].to_vec(),
            "gzip stream is cut short",
        ),
        (
            "gzip, checksum",
            changed(&gz, 8),
            "checksum of the content is wrong",
        ),
        ("gzip, size", changed(&gz, 4), "size of the content is wrong"),
        (
            "gzip, header checksum",
            member(2, &[0, 0]),
            "header checksum is wrong",
        ),
        (
            "gzip, deflate",
            joined(&[&gz[..10], &[0xff; 20]]),
            "gzip stream is damaged",
        ),
        (
            "gzip, second member",
            joined(&[&gz, b"\x1f\x8b\x07\0\0\0\0\0\0\0"]),
            "method 7",
        ),
        (
            "gzip, second member cut",
            joined(&[&gz, &gz[..12]]),
            "gzip stream is cut short",
        ),
        ("zstd, junk", joined(&[&zst, b"junk"]), "not zstd"),
        ("zstd, zeros", joined(&[&zst, &[0; 4]]), "not zstd"),
        ("zstd, checksum", changed(&zst, 1), "checksum"),
        (
            "zstd, skippable cut",
            skippable(b"abc")[..9].to_vec(),
            "zstd stream is cut short",
        ),
        (
            "zstd, second frame cut",
            joined(&[&zst, &zst[..3]]),
            "zstd stream is cut short",
        ),
        ("bzip2, junk", joined(&[BZ2, b"junk"]), "bzip2 stream is damaged"),
        ("bzip2, checksum", changed(BZ2, 30), "bzip2 stream is damaged"),
        ("xz, junk", joined(&[XZ, b"junk"]), "xz stream is damaged"),
        ("xz, checksum", changed(XZ, 30), "xz stream is damaged"),
    ];
    for (name, bytes, want) in cases {
        let told = decode(bytes).expect_err(name);
        assert!(told.contains(want), "{name}: {told}");
    }
}

#[test]
fn every_cut_is_noticed() {
    let plain: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
    for (bytes, shortest) in [
        (gzip(&plain), 2),
        (zstd(&plain), 4),
        (XZ.to_vec(), 6),
        (BZ2.to_vec(), 10),
    ] {
        for length in shortest..bytes.len() {
            let mut out = Vec::new();
            let result = decoder(&bytes[..length]).unwrap().read_to_end(&mut out);
            assert_eq!(
                result.expect_err("cut").kind(),
                io::ErrorKind::UnexpectedEof,
                "{:?} cut to {length}",
                sniff(&bytes)
            );
        }
    }
}

/// A frame of run-length blocks behind a window of 2 GiB.
fn wide_frame(blocks: u32) -> Vec<u8> {
    let mut frame = b"\x28\xb5\x2f\xfd\x00\xa8".to_vec();
    for n in (0..blocks).rev() {
        let header = 0x2_0000 << 3 | 1 << 1 | u32::from(n == 0);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b'a');
    }
    frame
}

#[test]
fn a_wide_window_is_granted_to_little_content_only() {
    let read = |blocks| io::copy(&mut decoder(&wide_frame(blocks)[..]).unwrap(), &mut io::sink());
    assert_eq!(read(8).unwrap(), 8 << 17);
    let error = read(1025).unwrap_err();
    assert!(
        error.to_string().contains("window of 2147483648 bytes"),
        "{error}"
    );
}

#[test]
fn an_error_of_the_input_comes_through() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::TimedOut, "registry went away"))
        }
    }
    assert!(matches!(decoder(Broken), Err(CodecError::Input(_))));
    let plain: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
    for bytes in [&plain[..], &gzip(&plain), &zstd(&plain), &XZ[..40]] {
        let half = &bytes[..bytes.len() - 10];
        let error = io::copy(&mut decoder(half.chain(Broken)).unwrap(), &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{:?}", sniff(bytes));
        assert_eq!(error.to_string(), "registry went away");
    }
}

#[test]
fn encodings_are_read_and_shown() {
    for (text, want) in [
        ("none", Encoding::None),
        ("gzip", Encoding::Gzip { level: 6 }),
        ("gzip:1", Encoding::Gzip { level: 1 }),
        ("zstd", Encoding::Zstd { level: 3 }),
        ("zstd:19", Encoding::Zstd { level: 19 }),
    ] {
        assert_eq!(text.parse(), Ok(want));
        assert_eq!(want.to_string().parse(), Ok(want));
        assert_eq!(want.compression().as_str(), text.split(':').next().unwrap());
    }
    for (text, part) in [
        ("bzip2", "expected gzip, zstd or none"),
        ("", "expected gzip, zstd or none"),
        ("gzip:10", "`10` is not a level of gzip: expected 1 to 9"),
        ("gzip:", "`` is not a level of gzip"),
        ("zstd:0", "expected 1 to 22"),
        ("zstd:x", "`x` is not a level of zstd"),
        ("none:1", "`none` takes no level"),
    ] {
        let told = text.parse::<Encoding>().unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

/// Text-like bytes that compress about as layers do.
fn sample(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(size + 64);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        if state.is_multiple_of(3) {
            bytes.extend_from_slice(&state.to_le_bytes());
        } else {
            bytes.extend_from_slice(format!("usr/lib/{:x} ", state % 5000).as_bytes());
        }
    }
    bytes.truncate(size);
    bytes
}

const ENCODINGS: [Encoding; 6] = [
    Encoding::None,
    Encoding::Gzip { level: 1 },
    Encoding::Gzip { level: 6 },
    Encoding::Gzip { level: 9 },
    Encoding::Zstd { level: 1 },
    Encoding::Zstd { level: 3 },
];

#[test]
fn sizes_around_the_block_come_back_with_the_same_bytes_for_any_threads() {
    let block = 1 << 20;
    for size in [0, 1, block - 1, block, block + 1, 5 * block + 17] {
        let plain = sample(size, 3);
        for encoding in ENCODINGS {
            let bytes = encode(&plain, encoding, 1);
            for threads in [2, 4] {
                assert!(
                    encode(&plain, encoding, threads) == bytes,
                    "{encoding} {size} {threads}"
                );
            }
            let mut decoder = decoder(&bytes[..]).unwrap();
            let mut out = Vec::new();
            decoder.read_to_end(&mut out).unwrap();
            assert!(out == plain, "{encoding} {size}");
            assert!(size == 0 || decoder.compression() == encoding.compression());
        }
    }
}

#[test]
fn bytes_that_do_not_compress_fit() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(3 << 20)
    .collect();
    for level in 0..=9 {
        let bytes = encode(&noise, Encoding::Gzip { level }, 3);
        assert!(
            bytes.len() < noise.len() + noise.len() / 50,
            "{level}: {}",
            bytes.len()
        );
        let mut out = Vec::new();
        decoder(&bytes[..]).unwrap().read_to_end(&mut out).unwrap();
        assert!(out == noise, "{level}");
    }
}

/// Guards upgrades of the compressors: what slim wrote yesterday it must write tomorrow.
#[test]
fn golden_digests() {
    let plain = sample(5 << 20, 1);
    let digests = ["gzip:1", "gzip:6", "gzip:9", "zstd:3", "zstd:9"].map(|name| {
        let bytes = encode(&plain, name.parse().unwrap(), 2);
        (name, crate::oci::Digest::of(&bytes).short().to_owned())
    });
    let want = [
        ("gzip:1", "28639c8660fd"),
        ("gzip:6", "68177d7b58d3"),
        ("gzip:9", "ed5dfb644e4d"),
        ("zstd:3", "bc948c9501af"),
        ("zstd:9", "0ceda64c6297"),
    ];
    assert_eq!(digests, want.map(|(name, digest)| (name, digest.to_owned())));
}

#[test]
fn gzip_has_one_member_with_a_bare_header() {
    let bytes = encode(&sample(3 << 20, 5), Encoding::default(), 2);
    assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut single = flate2::bufread::GzDecoder::new(&bytes[..]);
    let plain = io::copy(&mut single, &mut io::sink()).unwrap();
    assert_eq!((plain, single.into_inner().len()), (3 << 20, 0));
}

/// Takes so many bytes, then the disk is full.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = data.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_and_not_forgotten() {
    let plain = sample(6 << 20, 9);
    for encoding in ENCODINGS {
        for (room, threads) in [(0, 1), (0, 3), (5, 2), (700_000, 1), (700_000, 3)] {
            let mut encoder = encoder(Full(room), encoding, NonZeroUsize::new(threads).unwrap());
            let wrote = encoder.write_all(&plain);
            let failed_before_end = wrote.is_err();
            if failed_before_end && encoding != Encoding::None {
                assert!(encoder.write(b"more").is_err());
                assert!(encoder.flush().is_ok());
            }
            let kind = |result: io::Result<()>| result.unwrap_err().kind();
            match wrote {
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{encoding}"),
                Ok(()) => assert_eq!(kind(encoder.finish().map(drop)), io::ErrorKind::StorageFull),
            }
        }
    }
}

#[test]
fn dropping_an_encoder_neither_hangs_nor_panics() {
    let plain = sample(12 << 20, 11);
    for encoding in ENCODINGS {
        for size in [0, 100, plain.len()] {
            let mut encoder = encoder(Vec::new(), encoding, NonZeroUsize::new(4).unwrap());
            encoder.write_all(&plain[..size]).unwrap();
            drop(encoder);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_cut_into_writes_gives_the_same_bytes(
        size in 0_usize..3_300_000,
        seed: u32,
        cuts in prop::collection::vec(0_usize..400_000, 0..12),
        which in 0..ENCODINGS.len(),
        threads in 1_usize..4,
    ) {
        let (plain, encoding) = (sample(size, seed), ENCODINGS[which]);
        let mut encoder = encoder(Vec::new(), encoding, NonZeroUsize::new(threads).unwrap());
        let mut rest = &plain[..];
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            rest = after;
        }
        encoder.write_all(rest).unwrap();
        let bytes = encoder.finish().unwrap();
        prop_assert!(bytes == encode(&plain, encoding, 1));
        let mut out = Vec::new();
        decoder(&bytes[..]).unwrap().read_to_end(&mut out).unwrap();
        prop_assert!(out == plain);
    }

    #[test]
    fn hostile_bytes_end(prefix in 0_usize..5, bytes in prop::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index) {
        let good = [gzip(TEXT), zstd(TEXT), XZ.to_vec(), BZ2.to_vec(), vec![]][prefix].clone();
        let cut = at.index(good.len() + 1);
        let hostile = joined(&[&good[..cut], &bytes]);
        if let Ok(mut decoder) = decoder(&hostile[..]) {
            let _ = io::copy(&mut decoder.by_ref().take(1 << 26), &mut io::sink());
        }
    }
}
