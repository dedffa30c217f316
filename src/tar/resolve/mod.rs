//! From a header block and the extension headers before it to one [`Header`].
//!
//! Of its own because this is where the rules of Go's `archive/tar` stand: which of several names counts, what
//! is refused, what is read with a warning, and whether the blocks may be written again as they are. It sees
//! one entry, and no body.

mod fields;

use std::mem;
use std::ops::Range;

use crate::limits::{Limit, Limits};
use crate::tar::block::{self, Block, Dialect, Field};
use crate::tar::error::{TarError, shown};
use crate::tar::header::{Header, Kind};
use crate::tar::pax::{self, Fields};
use crate::tar::sparse::{self, OldBlock, PaxFormat};
use crate::tar::warning::{Warning, WarningCode};

/// What stands between a header block and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The entry is complete; `header.size` bytes of body follow.
    Body,
    /// The entry is complete; a body of that size is claimed that should not be there.
    Claimed(u64),
    /// Not an entry: skip that many bytes.
    NotContent(u64),
    /// A sparse entry; blocks of its map follow, then `header.size` bytes of body.
    OldMap,
    /// A sparse entry; `header.size` bytes follow and begin with its map.
    BodyMap,
}

/// The extension headers that were read since the last entry: ranges of `header.raw`.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) pax: Option<Range<usize>>,
    pub(super) name: Option<Range<usize>>,
    pub(super) link: Option<Range<usize>>,
    /// Whether one type came more than once.
    pub(super) repeated: bool,
}

impl Pending {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.name.is_none() && self.link.is_none()
    }
}

/// Resolves one entry into `header`.
pub(super) struct Resolver<'a> {
    pub(super) block: Block<'a>,
    /// Where the block begins.
    pub(super) offset: u64,
    pub(super) limits: &'a Limits,
    pub(super) header: &'a mut Header,
    pub(super) warnings: &'a mut Vec<Warning>,
    pub(super) spare: &'a mut Vec<(Vec<u8>, Vec<u8>)>,
}

impl Resolver<'_> {
    /// Fills the header, whose `raw` holds the extension headers. `raw` gets the block too.
    pub(super) fn resolve(mut self, pending: &Pending) -> Result<Next, TarError> {
        let mut raw = mem::take(&mut self.header.raw);
        let bytes_of = |range: &Option<Range<usize>>| range.clone().map(|range| &raw[range]);
        let result = self.fill(
            pending,
            bytes_of(&pending.pax),
            bytes_of(&pending.name),
            bytes_of(&pending.link),
        );
        raw.extend_from_slice(self.block.bytes());
        self.header.raw = raw;
        result
    }

    fn fill(
        &mut self,
        pending: &Pending,
        pax: Option<&[u8]>,
        name: Option<&[u8]>,
        link: Option<&[u8]>,
    ) -> Result<Next, TarError> {
        self.header.canonical = true;
        let fields = self.records(pax.unwrap_or_default())?;
        self.names(&fields, name, link)?;
        if pending.repeated {
            self.warn(
                WarningCode::RepeatedExtension,
                "several extension headers of one type, the last counts",
            );
        }
        if pax.is_some() && (name.is_some() || link.is_some()) {
            self.warn(
                WarningCode::MixedExtensions,
                "PAX and GNU extension headers before one entry",
            );
        }
        self.owner(&fields)?;
        self.mtime(&fields)?;
        self.kind();
        self.device()?;
        let size = self.size(&fields)?;
        self.body(&fields, size)
    }

    /// The kind by the type flag. Types that engines refuse are not canonical.
    fn kind(&mut self) {
        let is_slashed = self.header.path.ends_with(b"/");
        self.header.kind = match self.block.type_flag() {
            0 if is_slashed => Kind::Directory,
            b'0' if is_slashed => {
                self.warn(
                    WarningCode::TrailingSlash,
                    "a regular file whose name ends in a slash",
                );
                Kind::Regular
            }
            0 | b'0' => Kind::Regular,
            b'7' => {
                let message = "a contiguous file, read as a regular one; docker refuses it";
                self.warn(WarningCode::Contiguous, message);
                Kind::Regular
            }
            b'S' => {
                self.header.canonical = false;
                Kind::Regular
            }
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'V' | b'M' | b'N' | b'D' => {
                self.warn(WarningCode::NotContent, "GNU tar's own bookkeeping, not content");
                Kind::Other(self.block.type_flag())
            }
            other => {
                let flag = other.escape_ascii();
                self.warn(
                    WarningCode::UnknownType,
                    &format!("type `{flag}` is unknown, read as a regular file"),
                );
                Kind::Other(other)
            }
        };
    }

    fn device(&mut self) -> Result<(), TarError> {
        if self.block.dialect() == Dialect::V7 {
            return Ok(());
        }
        let major = self.number(block::MAJOR, "devmajor")?;
        let minor = self.number(block::MINOR, "devminor")?;
        if matches!(self.header.kind, Kind::CharDevice | Kind::BlockDevice) {
            let major = u32::try_from(major).map_err(|_| self.bad_number("devmajor"))?;
            let minor = u32::try_from(minor).map_err(|_| self.bad_number("devminor"))?;
            self.header.device = (major, minor);
        }
        Ok(())
    }

    /// The claimed size of the body: a PAX record outdoes the header block. Where both claim different
    /// sizes that either could hold, readers disagree.
    fn size(&mut self, fields: &Fields) -> Result<u64, TarError> {
        const OCTAL_MAX: u64 = 0o77_777_777_777;
        let in_block = self.number(block::SIZE, "size")?;
        let Ok(in_block) = u64::try_from(in_block) else {
            self.header.canonical = false;
            return if self.header.kind.is_header_only() {
                Ok(0)
            } else {
                Err(self.bad_number("size"))
            };
        };
        let Some(text) = fields.size else {
            return Ok(in_block);
        };
        let size = pax::decimal(text).ok_or_else(|| self.bad_number("size"))?;
        self.header.canonical &= size == in_block || size > OCTAL_MAX;
        Ok(size)
    }

    fn body(&mut self, fields: &Fields, size: u64) -> Result<Next, TarError> {
        let format = sparse::pax_format(&fields.sparse);
        let is_old = self.block.type_flag() == b'S';
        if !is_old && fields.sparse.present && format == PaxFormat::Unknown {
            self.warn(
                WarningCode::UnknownSparse,
                "sparse records without a map, or of an unknown version",
            );
        }
        let is_sparse = is_old || format != PaxFormat::Unknown;
        if matches!(self.header.kind, Kind::Other(b'V' | b'M' | b'N' | b'D')) {
            return Ok(Next::NotContent(size));
        }
        if self.header.kind.is_header_only() {
            if is_sparse {
                return Err(self.bad_sparse("only regular files are"));
            }
            self.header.canonical &= size == 0;
            return Ok(if size == 0 {
                Next::Body
            } else {
                Next::Claimed(size)
            });
        }
        (self.header.size, self.header.logical_size) = (size, size);
        if is_sparse {
            self.header.canonical = false;
            return if is_old {
                self.old_sparse()
            } else {
                self.pax_sparse(fields, format)
            };
        }
        Ok(Next::Body)
    }

    fn old_sparse(&mut self) -> Result<Next, TarError> {
        if self.block.dialect() != Dialect::Gnu {
            return Err(self.bad_sparse("its map is in a dialect other than GNU's"));
        }
        let logical = self.number(block::GNU_REAL_SIZE, "realsize")?;
        self.header.logical_size = u64::try_from(logical).map_err(|_| self.bad_number("realsize"))?;
        self.check_expansion()?;
        let mut extents = Vec::new();
        let more = sparse::take_old_block(self.block.bytes(), OldBlock::Header, &mut extents);
        let more = more.map_err(|reason| self.bad_sparse(reason))?;
        let stored = self.header.size;
        if !more {
            let logical = self.header.logical_size;
            sparse::check(&mut extents, logical, stored).map_err(|reason| self.bad_sparse(reason))?;
        }
        self.header.sparse = Some(extents);
        Ok(if more { Next::OldMap } else { Next::Body })
    }

    fn pax_sparse(&mut self, fields: &Fields, format: PaxFormat) -> Result<Next, TarError> {
        let fields = &fields.sparse;
        if let Some(name) = fields.name {
            self.header.path.clear();
            self.header.path.extend_from_slice(name);
            if name.contains(&0) {
                return Err(self.bad_pax("a name holds a NUL"));
            }
            self.check_length()?;
        }
        if let Some(size) = fields.size.or(fields.real_size) {
            self.header.logical_size = pax::decimal(size).ok_or_else(|| self.bad_number("realsize"))?;
        }
        self.check_expansion()?;
        if format == PaxFormat::InBody {
            return Ok(Next::BodyMap);
        }
        let mut extents = sparse::from_records(fields).map_err(|reason| self.bad_sparse(reason))?;
        let (logical, stored) = (self.header.logical_size, self.header.size);
        sparse::check(&mut extents, logical, stored).map_err(|reason| self.bad_sparse(reason))?;
        self.header.sparse = Some(extents);
        Ok(Next::Body)
    }

    fn check_expansion(&self) -> Result<(), TarError> {
        self.within(Limit::Sparse, self.header.logical_size)
    }

    fn number(&self, field: Field, name: &'static str) -> Result<i64, TarError> {
        self.block.number(field).ok_or_else(|| self.bad_number(name))
    }

    /// Records a warning; an entry with a warning is not canonical.
    fn warn(&mut self, code: WarningCode, message: &str) {
        self.header.canonical = false;
        self.warnings.push(Warning {
            code,
            path: Vec::new(),
            message: message.to_owned(),
        });
    }

    fn bad_number(&self, field: &'static str) -> TarError {
        TarError::BadNumber {
            field,
            path: shown(&self.header.path),
            offset: self.offset,
        }
    }

    fn bad_pax(&self, reason: &'static str) -> TarError {
        TarError::BadPax {
            reason,
            offset: self.offset,
        }
    }

    fn bad_sparse(&self, reason: &'static str) -> TarError {
        bad_sparse(reason, &self.header.path, self.offset)
    }

    /// Refuses what is over a limit.
    fn within(&self, limit: Limit, value: u64) -> Result<(), TarError> {
        self.limits
            .check(limit, value)
            .map_err(|exceeded| TarError::Limit {
                exceeded,
                value,
                path: shown(&self.header.path),
                offset: self.offset,
            })
    }
}

/// The error of a sparse map, with the entry it is about.
pub(super) fn bad_sparse(reason: &'static str, path: &[u8], offset: u64) -> TarError {
    TarError::BadSparse {
        reason,
        path: shown(path),
        offset,
    }
}
