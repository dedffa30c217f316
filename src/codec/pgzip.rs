//! gzip written by several threads as one plain member, the same bytes for any number of them.
//!
//! A module of its own because the way is pigz's and needs saying once: the input is cut into blocks
//! of fixed size; each is deflated alone, primed with the 32 KiB before it, and ended on a byte
//! boundary by a sync flush, the last one by the end of the stream. Blocks joined in order are one
//! deflate stream; their checksums are combined. One member without padding is what every reader
//! takes. Memory is bounded: a fixed number of blocks per thread is under way.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use flate2::{Compress, Compression, FlushCompress, Status};

/// Bytes of input in a block. The output depends on it: changing it changes every digest.
const BLOCK: usize = 1 << 20;
/// Bytes before a block that prime it: all that deflate can look back.
const HISTORY: usize = 32 * 1024;
/// Bytes that a stored deflate block holds at most.
const STORED: usize = 65_535;
/// Deflate, no name, no time, no word on level or system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A gzip member under way.
pub(super) struct ParallelGzip<W> {
    sink: W,
    /// The block being filled.
    block: Block,
    engine: Engine,
    threads: NonZeroUsize,
    level: Compression,
    /// Emptied blocks, to be used again.
    spare: Vec<Block>,
    crc: crc32fast::Hasher,
    size: u32,
    header_written: bool,
}

/// Input, and what became of it.
#[derive(Default)]
struct Block {
    /// `history` bytes of the block before, then this block's own.
    plain: Vec<u8>,
    history: usize,
    last: bool,
    packed: Vec<u8>,
    crc: crc32fast::Hasher,
}

impl Block {
    fn own(&self) -> &[u8] {
        &self.plain[self.history..]
    }
}

enum Engine {
    Inline,
    Pool(Pool),
}

impl<W: Write> ParallelGzip<W> {
    pub(super) fn new(sink: W, level: u32, threads: NonZeroUsize) -> Self {
        let level = Compression::new(level.min(9));
        Self {
            sink,
            block: Block::default(),
            engine: Engine::Inline,
            threads,
            level,
            spare: Vec::new(),
            crc: crc32fast::Hasher::new(),
            size: 0,
            header_written: false,
        }
    }

    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // A full block waits for the next byte: only then it is known not to be the last.
        if self.block.own().len() == BLOCK && !data.is_empty() {
            self.use_threads();
            self.dispatch()?;
        }
        let count = data.len().min(BLOCK - self.block.own().len());
        self.block.plain.extend_from_slice(&data[..count]);
        Ok(count)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.block.last = true;
        self.dispatch()?;
        while let Some(block) = self.next_done()? {
            self.emit(block)?;
        }
        self.sink.write_all(&self.crc.finalize().to_le_bytes())?;
        self.sink.write_all(&self.size.to_le_bytes())?;
        Ok(self.sink)
    }

    /// Starts the threads once there is more than one block. Without threads to be had the work is
    /// done here, to the same bytes.
    fn use_threads(&mut self) {
        if self.threads.get() == 1 || matches!(self.engine, Engine::Pool(_)) {
            return;
        }
        match Pool::start(self.threads, self.level) {
            Some(pool) => self.engine = Engine::Pool(pool),
            None => self.threads = NonZeroUsize::MIN,
        }
    }

    /// Sends the current block on its way and begins the next.
    fn dispatch(&mut self) -> io::Result<()> {
        let mut next = self.spare.pop().unwrap_or_default();
        let tail = self.block.plain.len().saturating_sub(HISTORY);
        next.plain.clear();
        next.plain.extend_from_slice(&self.block.plain[tail..]);
        next.history = next.plain.len();
        let mut block = mem::replace(&mut self.block, next);
        match &mut self.engine {
            Engine::Inline => {
                deflate(&mut block, self.level)?;
                self.emit(block)
            }
            Engine::Pool(pool) => {
                let mut ready = Vec::new();
                while pool.is_full() {
                    ready.extend(pool.wait()?);
                }
                pool.send(block)?;
                while let Some(block) = pool.poll()? {
                    ready.push(block);
                }
                ready.into_iter().try_for_each(|block| self.emit(block))
            }
        }
    }

    fn next_done(&mut self) -> io::Result<Option<Block>> {
        match &mut self.engine {
            Engine::Inline => Ok(None),
            Engine::Pool(pool) => pool.wait(),
        }
    }

    fn emit(&mut self, block: Block) -> io::Result<()> {
        if !mem::replace(&mut self.header_written, true) {
            self.sink.write_all(&HEADER)?;
        }
        self.sink.write_all(&block.packed)?;
        self.crc.combine(&block.crc);
        self.size = self.size.wrapping_add(block.own().len() as u32);
        self.spare.push(block);
        Ok(())
    }
}

/// Fills in what becomes of the block.
///
/// A compressor is made anew for each block: one that is used again with `reset` looks at bytes that
/// the block before left in its window, and its output depends on them (zlib-rs#459).
fn deflate(block: &mut Block, level: Compression) -> io::Result<()> {
    let (history, own) = block.plain.split_at(block.history);
    let mut compress = Compress::new(level, false);
    if !history.is_empty() {
        compress.set_dictionary(history).map_err(io::Error::other)?;
    }
    let flush = if block.last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    block.packed.clear();
    // Room for the worst case, so that one call does it: a second one would repeat the flush.
    block.packed.reserve(own.len() + own.len() / 4 + 4096);
    let status = compress
        .compress_vec(own, &mut block.packed, flush)
        .map_err(io::Error::other)?;
    let complete = compress.total_in() == own.len() as u64
        && block.packed.len() < block.packed.capacity()
        && (!block.last || status == Status::StreamEnd);
    if !complete {
        return Err(io::Error::other("deflate did not take a whole block at once"));
    }
    if !own.is_empty() && block.packed.len() > own.len() + own.len().div_ceil(STORED) * 5 {
        store(own, block.last, &mut block.packed);
    }
    block.crc = crc32fast::Hasher::new();
    block.crc.update(own);
    Ok(())
}

/// Writes the block as stored deflate blocks (RFC 1951, 3.2.4): level 1 has but one code, which makes
/// bytes that do not compress longer by a twentieth.
fn store(own: &[u8], last: bool, packed: &mut Vec<u8>) {
    packed.clear();
    let mut pieces = own.chunks(STORED).peekable();
    while let Some(piece) = pieces.next() {
        let length = piece.len() as u16;
        packed.push(u8::from(last && pieces.peek().is_none()));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(piece);
    }
}

type Reply = io::Result<Block>;
type Job = (Block, SyncSender<Reply>);

/// Threads that deflate blocks, and the blocks that are with them, in order.
struct Pool {
    jobs: Option<SyncSender<Job>>,
    under_way: VecDeque<Receiver<Reply>>,
    limit: usize,
    abandoned: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts up to `threads` threads; none where not one can be had.
    fn start(threads: NonZeroUsize, level: Compression) -> Option<Self> {
        let limit = threads.get() * 2;
        let (jobs, queue) = sync_channel::<Job>(limit);
        let queue = Arc::new(Mutex::new(queue));
        let abandoned = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..threads.get())
            .map_while(|_| {
                let (queue, abandoned) = (Arc::clone(&queue), Arc::clone(&abandoned));
                let work = move || work(&queue, &abandoned, level);
                thread::Builder::new().name("gzip".to_owned()).spawn(work).ok()
            })
            .collect();
        let pool = Self {
            jobs: Some(jobs),
            under_way: VecDeque::with_capacity(limit),
            limit,
            abandoned,
            workers,
        };
        (!pool.workers.is_empty()).then_some(pool)
    }

    fn is_full(&self) -> bool {
        self.under_way.len() >= self.limit
    }

    fn send(&mut self, block: Block) -> io::Result<()> {
        let (reply, receiver) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send((block, reply)).map_err(|_| stopped())?;
        self.under_way.push_back(receiver);
        Ok(())
    }

    /// The oldest block, once it is done; none where none is under way.
    fn wait(&mut self) -> io::Result<Option<Block>> {
        let Some(receiver) = self.under_way.pop_front() else {
            return Ok(None);
        };
        receiver.recv().map_err(|_| stopped())?.map(Some)
    }

    /// The oldest block, if it is done.
    fn poll(&mut self) -> io::Result<Option<Block>> {
        let Some(receiver) = self.under_way.front() else {
            return Ok(None);
        };
        let reply = match receiver.try_recv() {
            Ok(reply) => reply,
            Err(TryRecvError::Empty) => return Ok(None),
            Err(TryRecvError::Disconnected) => return Err(stopped()),
        };
        self.under_way.pop_front();
        reply.map(Some)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // A thread that panicked was told of by the block it did not answer for.
            let _ = worker.join();
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>, abandoned: &AtomicBool, level: Compression) {
    loop {
        let job = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok((mut block, reply)) = job else { return };
        if abandoned.load(Ordering::Relaxed) {
            return;
        }
        let result = deflate(&mut block, level).map(|()| block);
        // Nobody waits for it any more where the encoder was dropped meanwhile.
        let _ = reply.send(result);
    }
}

fn stopped() -> io::Error {
    io::Error::other("a compression thread has stopped")
}
