//! The fields of an entry that both the block and extension headers can speak of: names, owner, time,
//! attributes.
//!
//! Apart from the rest of the resolver because here it is a matter of who outranks whom.

use std::mem;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::Resolver;
use crate::limits::Limit;
use crate::tar::block::{self, Dialect, Field};
use crate::tar::error::TarError;
use crate::tar::header::{Header, Time};
use crate::tar::pax::{self, Fields, LIBARCHIVE_XATTR, XATTR};
use crate::tar::warning::WarningCode;

/// libarchive writes no padding; others do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Resolver<'_> {
    /// Sorts the records of a PAX header: those that become fields, attributes, the others.
    pub(super) fn records<'p>(&mut self, body: &'p [u8]) -> Result<Fields<'p>, TarError> {
        let mut fields = Fields::default();
        for record in pax::records(body) {
            let (key, value) = record.map_err(|reason| self.bad_pax(reason))?;
            if fields.take(key, value).map_err(|reason| self.bad_pax(reason))? {
                continue;
            }
            if let Some(name) = key.strip_prefix(XATTR) {
                push(&mut self.header.xattrs, self.spare, name, value);
            } else if let Some(name) = key.strip_prefix(LIBARCHIVE_XATTR) {
                self.libarchive_xattr(name, value);
            } else if matches!(key, b"atime" | b"ctime") && !value.is_empty() && pax::time(value).is_none() {
                self.warn(WarningCode::BadTime, "a PAX time is no number");
            } else {
                push(&mut self.header.pax, self.spare, key, value);
            }
        }
        let repeated = last_wins(&mut self.header.xattrs) | last_wins(&mut self.header.pax) | fields.repeated;
        self.header.pax.retain(|(_, value)| !value.is_empty());
        self.header.canonical &= !repeated;
        Ok(fields)
    }

    fn libarchive_xattr(&mut self, name: &[u8], value: &[u8]) {
        match (pax::url_decode(name), BASE64.decode(value)) {
            (Some(name), Ok(value)) => self.header.xattrs.push((name, value)),
            _ => self.warn(
                WarningCode::BadXattr,
                "a LIBARCHIVE.xattr record cannot be decoded",
            ),
        }
    }

    /// Names by the rules of Go: a GNU sparse name, then GNU `L` and `K`, then PAX, then the header block.
    pub(super) fn names(
        &mut self,
        fields: &Fields,
        name: Option<&[u8]>,
        link: Option<&[u8]>,
    ) -> Result<(), TarError> {
        let (prefix, is_gnu_prefix) = self.block.prefix();
        let long = |header: &mut Header, body: Option<&[u8]>| {
            let text = block::c_str(body.unwrap_or_default());
            header.canonical &= body.is_none_or(|body| text.len() + 1 >= body.len());
            Some(text.to_vec()).filter(|text| !text.is_empty())
        };
        let (long_name, long_link) = (long(self.header, name), long(self.header, link));
        let path = &mut self.header.path;
        if let Some(name) = long_name.as_deref().or(fields.path) {
            path.extend_from_slice(name);
        } else {
            if !prefix.is_empty() {
                path.extend_from_slice(prefix);
                path.push(b'/');
            }
            path.extend_from_slice(self.block.text(block::NAME));
        }
        let link = long_link
            .as_deref()
            .or(fields.link)
            .unwrap_or_else(|| self.block.text(block::LINK));
        self.header.link.extend_from_slice(link);
        if is_gnu_prefix {
            self.warn(
                WarningCode::GnuPrefix,
                "a GNU header with a ustar prefix, as Go before 1.8 wrote it",
            );
        }
        self.check_length()?;
        self.within(Limit::Path, self.header.link.len() as u64)
    }

    /// Refuses a path over the limit.
    pub(super) fn check_length(&self) -> Result<(), TarError> {
        self.within(Limit::Path, self.header.path.len() as u64)
    }

    pub(super) fn owner(&mut self, fields: &Fields) -> Result<(), TarError> {
        self.header.mode = (self.number(block::MODE, "mode")? & 0o7777) as u32;
        self.header.uid = self.id(block::UID, fields.uid, "uid")?;
        self.header.gid = self.id(block::GID, fields.gid, "gid")?;
        if self.block.dialect() != Dialect::V7 || fields.uname.is_some() || fields.gname.is_some() {
            let in_block = |field| match self.block.dialect() {
                Dialect::V7 => b"",
                _ => self.block.text(field),
            };
            self.header
                .uname
                .extend_from_slice(fields.uname.unwrap_or_else(|| in_block(block::UNAME)));
            self.header
                .gname
                .extend_from_slice(fields.gname.unwrap_or_else(|| in_block(block::GNAME)));
        }
        Ok(())
    }

    /// An owner. A negative one becomes what the kernel makes of it in engines: its low 32 bits; -1, which
    /// means "leave as it is" there, root.
    fn id(&mut self, field: Field, record: Option<&[u8]>, name: &'static str) -> Result<u64, TarError> {
        let in_block = self.number(field, name)?;
        let id = match record {
            Some(text) => pax::signed_decimal(text).ok_or_else(|| self.bad_number(name))?,
            None => in_block,
        };
        if let Ok(id) = u64::try_from(id) {
            return Ok(id);
        }
        self.warn(WarningCode::NegativeId, &format!("{name} is {id}"));
        Ok(match id as u32 {
            u32::MAX => 0,
            id => u64::from(id),
        })
    }

    pub(super) fn mtime(&mut self, fields: &Fields) -> Result<(), TarError> {
        self.header.mtime = Time {
            secs: self.number(block::MTIME, "mtime")?,
            nanos: 0,
        };
        match fields.mtime.map(pax::time) {
            Some(Some(time)) => self.header.mtime = time,
            Some(None) => self.warn(
                WarningCode::BadTime,
                "the PAX mtime is no number, the header's is taken",
            ),
            None => (),
        }
        Ok(())
    }
}

/// Appends a record, in buffers of earlier entries where there are any.
fn push(list: &mut Vec<(Vec<u8>, Vec<u8>)>, spare: &mut Vec<(Vec<u8>, Vec<u8>)>, key: &[u8], value: &[u8]) {
    let (mut own_key, mut own_value) = spare.pop().unwrap_or_default();
    own_key.clear();
    own_key.extend_from_slice(key);
    own_value.clear();
    own_value.extend_from_slice(value);
    list.push((own_key, own_value));
}

/// Sorts records by key and keeps the last of each. Returns whether there was one twice.
fn last_wins(list: &mut Vec<(Vec<u8>, Vec<u8>)>) -> bool {
    let before = list.len();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            mem::swap(&mut later.1, &mut kept.1);
        }
        is_same
    });
    list.len() != before
}
