//! A listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, anyhow};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use super::connection::{Connection, set_options};
use crate::platform::{self, reason};

/// How many clients may wait unaccepted. With the usual 128, a class that connects at once leaves late clients with a
/// connection that the server never learns of (a SYN cookie), silent for good when the server speaks first.
pub const BACKLOG: i32 = 4096;

/// Whether what is accepted has the options of its listening socket: Linux copies the whole socket, and setting them again
/// costs a class server five calls for each client.
const INHERITS: bool = cfg!(target_os = "linux");

/// A listening socket, waiting clients in the kernel.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    /// The address it is bound to, with the port that was really taken.
    pub local: SocketAddr,
    /// How many clients were accepted.
    pub accepted: u64,
    /// Whether the kernel chose its port.
    pub is_any_port: bool,
}

impl Listener {
    /// Binds and listens. Port 0 takes a free one. Without `reuse` a port is refused while connections of before rest there.
    pub fn bind(address: SocketAddr, reuse: bool) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option lets two programs share a port; on Unix it lets a restarted server have its port back.
        #[cfg(unix)]
        socket.set_reuse_address(reuse)?;
        #[cfg(not(unix))]
        let _ = reuse;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        if INHERITS {
            set_options(SockRef::from(&socket));
        }
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Listener { socket, local, accepted: 0, is_any_port: address.port() == 0 })
    }

    /// How many clients are connected and not yet accepted, where the kernel can tell.
    pub fn waiting(&self) -> Option<u64> {
        platform::clients_waiting(self.local)
    }

    /// Waits for the next client. Cancel-safe: a client is either returned or still waiting.
    pub async fn accept(&mut self) -> Result<Connection> {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    self.accepted += 1;
                    return self
                        .accepted(stream, peer)
                        .map_err(|error| anyhow!("cannot accept: {}", reason(&error)));
                }
                // The client went away between its handshake and this call: the next one is meant.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Out of descriptors or memory: give whoever holds them a moment, and never spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    return Err(anyhow!("cannot accept on {}: {}", self.local, reason(&error)));
                }
            }
        }
    }

    fn accepted(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<Connection> {
        if !INHERITS {
            set_options(SockRef::from(&stream));
        }
        let local = if self.local.ip().is_unspecified() { stream.local_addr()? } else { self.local };
        Ok(Connection::new(stream, peer, local))
    }
}

impl Drop for Listener {
    /// Nobody is let in from here on. A program that is just being started may hold the socket for a moment longer than its
    /// `exec`, and closing alone would leave it listening; elsewhere than on Linux this call does nothing.
    fn drop(&mut self) {
        let _ = SockRef::from(&self.socket).shutdown(std::net::Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn what_is_accepted_has_every_option_and_its_own_address() {
        for any in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST] {
            let listener = Listener::bind(SocketAddr::from((any, 0)), true).unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.local.port()));
            let client = std::net::TcpStream::connect(address).unwrap();
            let (stream, peer) = listener.socket.accept().await.unwrap();
            let accepted = listener.accepted(stream, peer).unwrap();
            assert_eq!((accepted.local, accepted.peer), (address, client.local_addr().unwrap()));
            let socket = accepted.socket();
            assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
            #[cfg(target_os = "linux")]
            assert_eq!(
                (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_retries().unwrap()),
                (Duration::from_secs(4), 6)
            );
        }
    }
}
