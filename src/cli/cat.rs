//! `slim cat`: the content of one file of an image.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use super::args::CatArgs;
use super::exit::Failure;
use super::look::{self, Looked};
use super::session::Session;
use crate::bytesize::ByteSize;
use crate::content::EntryId;
use crate::inside::{self, Follow, InsideError, Sight, View, hex, kind_in_words};
use crate::layer::{Detail, Kind, NodeId};
use crate::progress::Progress;
use crate::report::printable_lines;

pub(super) fn run(args: &CatArgs, session: &Session) -> Result<(), Failure> {
    let looked = look::read(&args.image, Detail::Facts, session)?;
    let sight = looked.sight(&args.view)?;
    let node = looked.find(&sight, &args.path, Follow::Symlinks)?;
    let inode = file(&looked, &sight, node, args)?;
    session.finish();
    let most = args.max_bytes.map_or(u64::MAX, |size| size.0);
    let stdout = io::stdout();
    let form = match (args.hex, stdout.is_terminal()) {
        (true, _) => Form::Hex,
        (false, true) => Form::Escaped,
        (false, false) => Form::Raw,
    };
    let mut out = Out::new(BufWriter::new(stdout.lock()), form);
    // Bars would be drawn between the lines.
    let progress = Progress::none();
    let source = looked.source(session, &progress);
    let copied = inside::copy(&source, inode, most, &mut |bytes| out.write(bytes));
    let ended = out.end();
    let (total, ..) = match copied {
        // A reader that went away (`slim cat … | head`) is no failure.
        Err(InsideError::Sink(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
        copied => copied?,
    };
    match ended {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(InsideError::Sink(error).into()),
        _ => {}
    }
    if most < total {
        session.note(&format!(
            "{}: cut at {} of {}",
            args.path,
            ByteSize(most),
            ByteSize(total)
        ));
    }
    Ok(())
}

/// The file that is shown; an error with the way out where it is none.
fn file(looked: &Looked, sight: &Sight<'_>, node: NodeId, args: &CatArgs) -> Result<EntryId, Failure> {
    let (path, map) = (&args.path, &looked.map);
    let inode = sight
        .inode(node)
        .ok_or_else(|| Failure::usage(directory(path, &args.image)))?;
    match map.entry(inode).kind {
        Kind::File => Ok(inode),
        Kind::Directory => Err(Failure::usage(directory(path, &args.image))),
        Kind::Symlink if sight.view() != View::Merged => Err(Failure::usage(format!(
            "{path} is a symlink to {} in {}, where symlinks are not followed",
            String::from_utf8_lossy(map.link(inode)),
            look::place(sight.view())
        ))),
        kind => Err(Failure::usage(format!(
            "{path} is {}, which has no content",
            kind_in_words(kind)
        ))),
    }
}

fn directory(path: &str, image: &str) -> String {
    format!("{path} is a directory; `slim extract {image} {path} DIRECTORY` takes it out")
}

/// How bytes are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Raw,
    /// As text that a terminal does not act on (rule 33).
    Escaped,
    /// As `hexdump -C`.
    Hex,
}

/// Where bytes are shown.
struct Out<W> {
    to: W,
    form: Form,
    /// What does not make a whole line of hex yet, or a whole character.
    rest: Vec<u8>,
    /// Bytes shown, for hex.
    offset: u64,
}

impl<W: Write> Out<W> {
    fn new(to: W, form: Form) -> Self {
        Self {
            to,
            form,
            rest: Vec::new(),
            offset: 0,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.form == Form::Raw {
            return self.to.write_all(bytes);
        }
        self.rest.extend_from_slice(bytes);
        let whole = match self.form {
            Form::Hex => self.rest.len() / hex::LINE * hex::LINE,
            _ => whole_characters(&self.rest),
        };
        self.show(whole)
    }

    fn end(mut self) -> io::Result<()> {
        self.show(self.rest.len())?;
        self.to.flush()
    }

    /// Shows the first bytes of the rest.
    fn show(&mut self, count: usize) -> io::Result<()> {
        let shown: Vec<u8> = self.rest.drain(..count).collect();
        if self.form == Form::Hex {
            for line in shown.chunks(hex::LINE) {
                writeln!(self.to, "{}", hex::line(self.offset, line))?;
                self.offset += line.len() as u64;
            }
            return Ok(());
        }
        for chunk in shown.utf8_chunks() {
            self.to.write_all(printable_lines(chunk.valid()).as_bytes())?;
            for byte in chunk.invalid() {
                write!(self.to, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// How many of the bytes end with a whole character, or with what can be none.
fn whole_characters(bytes: &[u8]) -> usize {
    // A character has at most four bytes; where its first one is near the end it may be cut.
    let tail = bytes.len().saturating_sub(3);
    let first = bytes[tail..].iter().rposition(|&byte| byte >= 0xc0);
    first.map_or(bytes.len(), |at| match str::from_utf8(&bytes[tail + at..]) {
        Err(error) if error.error_len().is_none() => tail + at,
        _ => bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: Form, pieces: &[&[u8]]) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, form);
        for piece in pieces {
            out.write(piece).unwrap();
        }
        out.end().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn a_terminal_is_shown_what_it_does_not_act_on() {
        for (pieces, want) in [
            (&[&b"a\tb\n"[..]][..], "a\tb\n"),
            (&[b"\x1b[31m", b"red\r\n"], "\\u{1b}[31mred\\u{d}\n"),
            (&[b"caf\xc3", b"\xa9 \xe2\x82", b"\xac"], "caf\u{e9} \u{20ac}"),
            (&[b"\xf0\x9f\x8d", b"\xa9"], "\u{1f369}"),
            (&[b"\xff\xc3", b"a"], "\\xff\\xc3a"),
            (&[b"end\xe2\x82"], "end\\xe2\\x82"),
        ] {
            assert_eq!(shown(Form::Escaped, pieces), want, "{pieces:?}");
        }
    }

    #[test]
    fn lines_of_hex_do_not_depend_on_how_bytes_come() {
        let bytes: Vec<u8> = (0..40).collect();
        let whole = shown(Form::Hex, &[&bytes]);
        let pieces: Vec<&[u8]> = bytes.chunks(7).collect();
        assert_eq!(shown(Form::Hex, &pieces), whole);
        assert_eq!(whole.lines().count(), 3);
        assert!(whole.lines().nth(2).unwrap().starts_with("00000020  20 21 22"));
    }
}
