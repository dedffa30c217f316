//! What is odd about an archive that is read all the same.
//!
//! Of its own because the codes are an interface: reports and tests name them.

/// Something odd, where readers may disagree or something was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The kind of oddity.
    pub code: WarningCode,
    /// The entry it is about, as written in the archive; empty where there is none.
    pub path: Vec<u8>,
    /// One line for people, without the path.
    pub message: String,
}

/// The kinds of oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WarningCode {
    /// A global PAX header: read, applied to nothing, as docker does.
    GlobalHeader,
    /// More than one extension header of one type before an entry: the last one counts.
    RepeatedExtension,
    /// PAX and GNU extension headers before one entry: readers disagree which name counts.
    MixedExtensions,
    /// An extension header with no entry after it.
    ExtensionWithoutEntry,
    /// A link, directory or device with a size and no body: the size was ignored.
    SizeIgnored,
    /// A link, directory or device with a body: the body was skipped.
    BodySkipped,
    /// A type that nobody defined: read as a regular file.
    UnknownType,
    /// A POSIX contiguous file: a regular one.
    Contiguous,
    /// A GNU volume label, dump directory or multi-volume part: not content, skipped.
    NotContent,
    /// One zero block between entries.
    LoneZeroBlock,
    /// Bytes other than zero after the end of the archive.
    DataAfterEnd,
    /// A PAX time that cannot be read: the header's time was taken.
    BadTime,
    /// A negative owner.
    NegativeId,
    /// A `LIBARCHIVE.xattr` record that cannot be decoded.
    BadXattr,
    /// A GNU sparse format that nobody defined: read as an ordinary file.
    UnknownSparse,
    /// A regular file whose name ends in a slash: GNU tar makes it a directory, engines don't.
    TrailingSlash,
    /// A GNU header that old versions of Go wrote with a ustar prefix.
    GnuPrefix,
}

impl WarningCode {
    /// The code in kebab case, as reports show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GlobalHeader => "global-pax-header",
            Self::RepeatedExtension => "repeated-extension",
            Self::MixedExtensions => "mixed-extensions",
            Self::ExtensionWithoutEntry => "extension-without-entry",
            Self::SizeIgnored => "size-ignored",
            Self::BodySkipped => "body-skipped",
            Self::UnknownType => "unknown-type",
            Self::Contiguous => "contiguous-file",
            Self::NotContent => "not-content",
            Self::LoneZeroBlock => "lone-zero-block",
            Self::DataAfterEnd => "data-after-end",
            Self::BadTime => "bad-time",
            Self::NegativeId => "negative-id",
            Self::BadXattr => "bad-xattr",
            Self::UnknownSparse => "unknown-sparse-format",
            Self::TrailingSlash => "file-with-trailing-slash",
            Self::GnuPrefix => "gnu-prefix",
        }
    }
}
