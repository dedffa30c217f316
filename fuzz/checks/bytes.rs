//! Decisions out of bytes: where a check needs something built, the input says what.
//!
//! Of its own because a decision must cost few bytes and any bytes must decide something: that is what lets a fuzzer
//! work. When the input is used up every decision is the first choice.

/// The rest of an input.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, else 0.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// Eight bytes as a number.
    pub(super) fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// So many bytes, or as many as there are.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Lengths that follow from the input alone, for cutting it: the input itself stays an ordinary file.
pub(super) fn lengths(input: &[u8], most: usize) -> impl Iterator<Item = usize> {
    let seed = input.iter().fold(0x9e37_79b9_u32, |seed, &byte| {
        seed.rotate_left(5) ^ u32::from(byte)
    });
    std::iter::successors(Some(seed), |state| {
        Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    })
    .map(move |state| (state >> 8) as usize % most + 1)
}

/// The archive with right checksums: what is behind them is what hostile archives bring. Every block with the magic of
/// a header is taken for one.
pub(super) fn repaired(archive: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for block in archive.as_chunks_mut::<512>().0 {
        if &block[257..262] == b"ustar" {
            seal(block);
        }
    }
    archive
}

/// Writes the checksum of a header block.
pub(super) fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
