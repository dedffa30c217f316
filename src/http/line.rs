//! Connections to one server: a socket of this machine, or a host and a port, with or without TLS.
//!
//! A module of its own because engines are spoken to over sockets, which the HTTP library knows nothing of, and because
//! they may answer before they have read a request to its end: what cannot be sent any more is no error here, what the
//! server said before it hung up is read. Every call has a connection of its own.

use std::io::{self, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, Transport,
};
use ureq::{Agent, Error, Timeout};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer's head at most.
const MAX_HEAD: usize = 64 << 10;
/// Bytes of the buffers of a connection.
const BUFFER: usize = 128 << 10;

/// Where a server listens.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A socket of this machine.
    Socket(PathBuf),
    /// A host with a port, with TLS where there is a configuration for it.
    Host(String, Option<Box<TlsConfig>>),
}

/// How one call is made.
#[derive(Debug, Clone)]
pub(crate) struct Calling<'a> {
    /// What the client calls itself.
    pub(crate) user_agent: &'a str,
    /// How long the server may be silent.
    pub(crate) silence: Duration,
    /// How long everything may take together, where that is bounded.
    pub(crate) within: Option<Duration>,
    /// Set when the server takes nothing more: what is left to send need not be made.
    pub(crate) is_deaf: Arc<AtomicBool>,
}

impl Line {
    /// Scheme and authority of its URLs.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Socket(_) => "http://localhost".to_owned(),
            Self::Host(host, None) => format!("http://{host}"),
            Self::Host(host, Some(_)) => format!("https://{host}"),
        }
    }

    /// An agent for one call.
    pub(crate) fn agent(&self, calling: &Calling<'_>) -> Agent {
        let connect = calling
            .within
            .map_or(CONNECT_TIMEOUT, |within| within.min(CONNECT_TIMEOUT));
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_response_header_size(MAX_HEAD)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .proxy(None)
            .user_agent(calling.user_agent)
            .accept_encoding("identity")
            .timeout_global(calling.within)
            .timeout_connect(Some(connect))
            .timeout_per_read(Some(calling.silence))
            .timeout_per_write(Some(calling.silence));
        let socket = match self {
            Self::Socket(path) => Some(path.clone()),
            Self::Host(_, tls) => {
                if let Some(tls) = tls {
                    config = config.tls_config((**tls).clone());
                }
                None
            }
        };
        let names = Names {
            is_socket: socket.is_some(),
        };
        let connect = Connect {
            socket,
            is_deaf: calling.is_deaf.clone(),
        };
        Agent::with_parts(config.build(), connect.chain(RustlsConnector::default()), names)
    }
}

/// Addresses of hosts; of a socket there is nothing to ask for.
#[derive(Debug)]
struct Names {
    is_socket: bool,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if !self.is_socket {
            return DefaultResolver::default().resolve(uri, config, timeout);
        }
        let mut none = self.empty();
        none.push(([127, 0, 0, 1], 80).into());
        Ok(none)
    }
}

#[derive(Debug)]
struct Connect {
    socket: Option<PathBuf>,
    is_deaf: Arc<AtomicBool>,
}

impl Connector for Connect {
    type Out = Connected;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connected>, Error> {
        let stream = match &self.socket {
            #[cfg(unix)]
            Some(path) => Stream::Socket(UnixStream::connect(path)?),
            #[cfg(not(unix))]
            Some(_) => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            None => Stream::Host(to_host(details)?),
        };
        Ok(Some(Connected {
            stream,
            buffers: LazyBuffers::new(BUFFER, BUFFER),
            is_deaf: self.is_deaf.clone(),
        }))
    }
}

/// The first address that answers.
fn to_host(details: &ConnectionDetails<'_>) -> Result<TcpStream, Error> {
    let mut last = Error::HostNotFound;
    for address in &details.addrs[..] {
        let within = details.timeout.not_zero().map_or(CONNECT_TIMEOUT, |left| *left);
        match TcpStream::connect_timeout(address, within) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if is_silence(&error) => last = Error::Timeout(Timeout::Connect),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

#[derive(Debug)]
enum Stream {
    #[cfg(unix)]
    Socket(UnixStream),
    Host(TcpStream),
}

impl Stream {
    fn limit(&self, timeout: NextTimeout, what: Half) -> io::Result<()> {
        let left = timeout.not_zero().map(|left| *left);
        match (self, what) {
            #[cfg(unix)]
            (Self::Socket(stream), Half::Read) => stream.set_read_timeout(left),
            #[cfg(unix)]
            (Self::Socket(stream), Half::Write) => stream.set_write_timeout(left),
            (Self::Host(stream), Half::Read) => stream.set_read_timeout(left),
            (Self::Host(stream), Half::Write) => stream.set_write_timeout(left),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.read(buffer),
            Self::Host(stream) => stream.read(buffer),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.write_all(bytes),
            Self::Host(stream) => stream.write_all(bytes),
        }
    }
}

#[derive(Clone, Copy)]
enum Half {
    Read,
    Write,
}

/// A connection on which what the server no longer takes is dropped.
#[derive(Debug)]
struct Connected {
    stream: Stream,
    buffers: LazyBuffers,
    is_deaf: Arc<AtomicBool>,
}

impl Transport for Connected {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Ok(());
        }
        let timeout = timeout.for_write();
        self.stream.limit(timeout, Half::Write)?;
        match self.stream.write_all(&self.buffers.output()[..amount]) {
            Ok(()) => Ok(()),
            Err(error) if is_silence(&error) => Err(Error::Timeout(timeout.reason)),
            Err(error) if is_hung_up(&error) => {
                self.is_deaf.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        self.stream.limit(timeout, Half::Read)?;
        let room = self.buffers.input_append_buf();
        let count = loop {
            match self.stream.read(room) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_silence(&error) => return Err(Error::Timeout(timeout.reason)),
                Err(error) => return Err(error.into()),
            }
        };
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        false // no connection is used twice
    }
}

/// A timeout, in the words of either kind of system.
fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}
