//! From a host and a port to an open connection, with the five ways that can fail told apart.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, anyhow, bail};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::connection::{Connection, set_options};
use crate::platform::thread;

/// Splits `HOST:PORT`, `[IPV6]:PORT`. `None` where there is no port.
pub fn split_address(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return Some((host, port.strip_prefix(':')?));
    }
    let (host, port) = address.rsplit_once(':')?;
    // `::1` is an address without a port, not host `:` and port 1.
    if host.contains(':') { None } else { Some((host, port)) }
}

/// Every address that `host` stands for, in the resolver's order.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let asked = (host.to_string(), port);
    let found = thread::aside(move || asked.to_socket_addrs()).await;
    let addresses: Vec<SocketAddr> = found.ok().and_then(Result::ok).into_iter().flatten().collect();
    if addresses.is_empty() {
        bail!("cannot resolve host `{host}`: no address is known for it — is it spelled right?");
    }
    Ok(addresses)
}

/// Opens a connection: each address of the host in turn until one answers.
pub async fn connect(host: &str, port: u16) -> Result<Connection> {
    let mut last = None;
    for address in resolve(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return opened(stream, address),
            Err(error) => last = Some(refused(error, address)),
        }
    }
    Err(last.unwrap_or_else(|| anyhow!("cannot resolve host `{host}`")))
}

fn opened(stream: TcpStream, address: SocketAddr) -> Result<Connection> {
    let local = stream.local_addr().with_context(|| format!("connect to {address}"))?;
    if local == address {
        // TCP's simultaneous open: a port in the ephemeral range that nobody listens on can connect to itself (RFC 9293, 3.5).
        bail!("connect refused: {address}: the connection met itself, so no server is listening");
    }
    set_options(SockRef::from(&stream));
    Ok(Connection::new(stream, address, local))
}

fn refused(error: io::Error, address: SocketAddr) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => anyhow!("connect refused: {address} — is the server running?"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            anyhow!("connect unreachable: no route to {address} — is the network up, and the address right?")
        }
        io::ErrorKind::TimedOut => anyhow!("connect timed out: {address} did not answer"),
        io::ErrorKind::ConnectionReset => {
            anyhow!(
                "connect reset: {address} hung up while the connection was made — did the program there crash?"
            )
        }
        _ => anyhow!("cannot connect to {address}: {}", crate::platform::reason(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::split_address;

    #[test]
    fn addresses_split_at_the_last_colon() {
        assert_eq!(split_address("localhost:80"), Some(("localhost", "80")));
        assert_eq!(split_address("[::1]:80"), Some(("::1", "80")));
        assert_eq!(split_address("::1"), None);
        assert_eq!(split_address("localhost"), None);
    }
}
