//! An HTTP proxy that knows CONNECT, as companies have them: every host that it is asked for is one server.
//!
//! A module of its own because it is a server with a life. Names that nobody else resolves lead through it to a server on
//! this machine, so that TLS is checked against names as it is for hosts that are far away.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use super::http::{SILENCE, Server, answer, peek_head};

/// Hosts with their ports, and the login for the proxy.
type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A running proxy; it ends when it is dropped.
pub(crate) struct Tunnel {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    asked: Asked,
    _server: Server,
}

impl Tunnel {
    /// A proxy behind which every host is `upstream`.
    pub(crate) fn start(upstream: &str) -> Self {
        let asked = Asked::default();
        let (all, upstream) = (asked.clone(), upstream.to_owned());
        let server = Server::start(move |client| serve(client, &upstream, &all));
        Self {
            host: server.host.clone(),
            asked,
            _server: server,
        }
    }

    /// What was asked for: host and port, and the login for the proxy.
    pub(crate) fn asked(&self) -> Vec<(String, Option<String>)> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut client: &TcpStream, upstream: &str, asked: &Asked) -> io::Result<()> {
    client.set_read_timeout(Some(SILENCE))?;
    let Some(head) = peek_head(client)? else {
        return Ok(());
    };
    client.read_exact(&mut vec![0; head.bytes])?;
    let login = head.field("proxy-authorization").map(str::to_owned);
    asked.lock().unwrap().push((head.path.clone(), login));
    if head.method != "CONNECT" {
        return answer(client, 405, &[]);
    }
    let server = TcpStream::connect(upstream)?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    std::thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    io::copy(&mut from, &mut to).ok();
    to.shutdown(Shutdown::Write).ok();
}
