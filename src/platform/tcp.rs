//! What the kernel knows of a TCP connection. On Linux it is asked through sock_diag (netlink, as `ss` does); elsewhere it is not known here.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

/// What the kernel knows of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpFacts {
    /// The state as RFC 9293 names it: `ESTABLISHED`, `CLOSE-WAIT`, ...
    pub state: &'static str,
    /// Bytes given to the kernel that the other kernel has not acknowledged.
    pub unacked: Option<u64>,
    /// How many of those were not sent yet: the other side's buffer has no room.
    pub unsent: Option<u64>,
    /// The smoothed round-trip time.
    pub round_trip: Option<Duration>,
}

/// What the kernel knows of this connection; `None`: not known here.
pub fn tcp_facts(stream: &TcpStream, local: SocketAddr, peer: SocketAddr) -> Option<TcpFacts> {
    #[cfg(target_os = "linux")]
    return linux::facts(stream, local, peer);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (stream, local, peer);
        None
    }
}

/// How many clients are connected to a listening socket and not yet accepted; `None`: not known here.
pub fn clients_waiting(local: SocketAddr) -> Option<u64> {
    #[cfg(target_os = "linux")]
    return linux::clients_waiting(local);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = local;
        None
    }
}

/// What a look at a connection shows that takes nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// The peer may still send.
    Open,
    /// All that the peer sent was read, and its FIN is here.
    Ended,
    /// The connection was reset, or died.
    Broken,
}

/// Looks whether the peer's sending has ended, and reads nothing; `None`: not known here.
pub fn look(stream: &TcpStream) -> Option<Idle> {
    #[cfg(unix)]
    {
        use rustix::event::PollFlags;
        let seen = poll_now(stream)?;
        // A read would take the error away, and the step that comes next would not learn of it.
        if seen.contains(PollFlags::ERR) {
            return Some(Idle::Broken);
        }
        // Readable without a byte to read: what there is to read is the end.
        let is_at_end = seen.contains(PollFlags::IN) && super::unread(stream) == Some(0);
        Some(if is_at_end { Idle::Ended } else { Idle::Open })
    }
    #[cfg(not(unix))]
    {
        let _ = stream;
        None
    }
}

#[cfg(unix)]
fn poll_now(stream: &TcpStream) -> Option<rustix::event::PollFlags> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut asked = [PollFd::new(stream, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&at_once)).ok()?;
    Some(asked[0].revents())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::SocketAddr;
    use std::time::Duration;

    use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
    use netlink_packet_sock_diag::SockDiagMessage;
    use netlink_packet_sock_diag::constants::{
        AF_INET, AF_INET6, IPPROTO_TCP, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED,
        TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT,
    };
    use netlink_packet_sock_diag::inet::nlas::{Nla, TcpInfo};
    use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
    use netlink_sys::{Socket, SocketAddr as Address, protocols::NETLINK_SOCK_DIAG};
    use tokio::net::TcpStream;

    use super::{TcpFacts, poll_now};

    /// Room for one answer, in bytes: a header, `tcp_info` (some 250 B) and what newer kernels add.
    const ANSWER_BYTES: usize = 4096;

    pub fn facts(stream: &TcpStream, local: SocketAddr, peer: SocketAddr) -> Option<TcpFacts> {
        let answer = ask(local, peer).filter(|answer| {
            // Where the connection is gone, the kernel answers for the listening socket of the same port.
            let id = &answer.header.socket_id;
            answer.header.state != TCP_LISTEN && id.destination_port == peer.port()
        });
        let Some(answer) = answer else {
            // A connection that the kernel has taken off its table, or a kernel that does not answer: only the first hangs up.
            let is_gone = poll_now(stream)?.contains(rustix::event::PollFlags::HUP);
            let closed = TcpFacts { state: "CLOSED", unacked: None, unsent: None, round_trip: None };
            return is_gone.then_some(closed);
        };
        let info =
            answer.nlas.iter().find_map(|nla| if let Nla::TcpInfo(info) = nla { Some(info) } else { None });
        let state = answer.header.state;
        // A FIN takes a place in the stream as a byte does, and in these states it is not yet acknowledged.
        let fin = u64::from(matches!(state, TCP_FIN_WAIT1 | TCP_LAST_ACK | TCP_CLOSING));
        Some(TcpFacts {
            state: name(state),
            unacked: Some(u64::from(answer.header.send_queue).saturating_sub(fin)),
            unsent: info.map(|info| u64::from(info.notsent_bytes)),
            round_trip: info.and_then(round_trip),
        })
    }

    pub fn clients_waiting(local: SocketAddr) -> Option<u64> {
        let anyone = SocketAddr::new(if local.is_ipv4() { [0; 4].into() } else { [0; 16].into() }, 0);
        let answer = ask(local, anyone)?;
        (answer.header.state == TCP_LISTEN).then_some(u64::from(answer.header.recv_queue))
    }

    /// In microseconds; 0 until something was acknowledged.
    fn round_trip(info: &TcpInfo) -> Option<Duration> {
        (info.rtt > 0).then(|| Duration::from_micros(u64::from(info.rtt)))
    }

    fn name(state: u8) -> &'static str {
        match state {
            TCP_ESTABLISHED => "ESTABLISHED",
            TCP_SYN_SENT => "SYN-SENT",
            TCP_SYN_RECV => "SYN-RECEIVED",
            TCP_FIN_WAIT1 => "FIN-WAIT-1",
            TCP_FIN_WAIT2 => "FIN-WAIT-2",
            TCP_TIME_WAIT => "TIME-WAIT",
            TCP_CLOSE => "CLOSED",
            TCP_CLOSE_WAIT => "CLOSE-WAIT",
            TCP_LAST_ACK => "LAST-ACK",
            TCP_CLOSING => "CLOSING",
            _ => "UNKNOWN",
        }
    }

    /// Asks for the one socket with these addresses.
    fn ask(local: SocketAddr, peer: SocketAddr) -> Option<InetResponse> {
        let socket = Socket::new(NETLINK_SOCK_DIAG).ok()?;
        socket.connect(&Address::new(0, 0)).ok()?;
        // The kernel answers before `send` returns: where nothing is there to read, nothing will come.
        socket.set_non_blocking(true).ok()?;
        socket.send(&request(local, peer), 0).ok()?;
        let mut answer = Vec::with_capacity(ANSWER_BYTES);
        socket.recv(&mut answer, 0).ok()?;
        match NetlinkMessage::<SockDiagMessage>::deserialize(&answer).ok()?.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => Some(*response),
            _ => None,
        }
    }

    fn request(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
        let interface_id = if let SocketAddr::V6(peer) = peer { peer.scope_id() } else { 0 };
        let request = InetRequest {
            family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
            protocol: IPPROTO_TCP,
            extensions: ExtensionFlags::INFO,
            states: StateFlags::all(),
            socket_id: SocketId {
                source_port: local.port(),
                destination_port: peer.port(),
                source_address: local.ip(),
                destination_address: peer.ip(),
                interface_id,
                // Any: the addresses say which.
                cookie: [0xff; 8],
            },
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST;
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }
}
