//! What another process of this machine is doing: whether it waits for its input, where it listens. Linux tells (/proc), elsewhere it is not known here.

use std::net::SocketAddr;

/// Whether one of these processes waits for its standard input; `None`: not known here.
pub fn waits_for_input(pids: &[u32]) -> Option<bool> {
    #[cfg(target_os = "linux")]
    return linux::waits_for_input(pids);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pids;
        None
    }
}

/// Where these processes listen; `None`: not known here.
pub fn listening(pids: &[u32]) -> Option<Vec<SocketAddr>> {
    #[cfg(target_os = "linux")]
    return linux::listening(pids);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pids;
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    /// The number of the system call `read` (asm/unistd.h); `None`: not known of this processor.
    const READ: Option<&str> = if cfg!(target_arch = "x86_64") {
        Some("0")
    } else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64")) {
        Some("63")
    } else {
        None
    };
    /// The state of a listening socket in /proc/net/tcp (include/net/tcp_states.h).
    const LISTENS: &str = "0A";

    /// The system call that a process is in and its arguments, the first being the file's number (proc(5)).
    pub fn waits_for_input(pids: &[u32]) -> Option<bool> {
        let read = READ?;
        let calls: Vec<String> =
            pids.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/syscall")).ok()).collect();
        let reads = |call: &String| call.starts_with(&format!("{read} 0x0 "));
        (!calls.is_empty()).then(|| calls.iter().any(reads))
    }

    pub fn listening(pids: &[u32]) -> Option<Vec<SocketAddr>> {
        let mut own = HashSet::new();
        for pid in pids {
            let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
            let links = files.filter_map(|file| fs::read_link(file.path()).ok());
            own.extend(links.filter_map(|link| inode(link.to_str()?).map(str::to_string)));
        }
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
        let tables: String = tables.into_iter().flatten().collect();
        Some(tables.lines().filter_map(|row| listener(row, &own)).collect())
    }

    /// `socket:[4711]`.
    fn inode(link: &str) -> Option<&str> {
        link.strip_prefix("socket:[")?.strip_suffix(']')
    }

    /// The address of a row that is one of these sockets, listening: `SL LOCAL REMOTE STATE ... INODE` (proc(5)).
    fn listener(row: &str, own: &HashSet<String>) -> Option<SocketAddr> {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let is_own = fields.get(3) == Some(&LISTENS) && own.contains(*fields.get(9)?);
        let (host, port) = fields.get(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        is_own.then(|| address(host)).flatten().map(|host| SocketAddr::new(host, port))
    }

    /// Words of 32 bits, each as this machine has it in memory.
    fn address(hex: &str) -> Option<IpAddr> {
        let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
        if hex.len() == 8 {
            return word(0).map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
        }
        let words: Option<Vec<[u8; 4]>> = (0..32).step_by(8).map(word).collect();
        let bytes: [u8; 16] = words?.concat().try_into().ok()?;
        Some(IpAddr::from(Ipv6Addr::from(bytes)))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_socket_of_this_process_is_found_where_it_listens() {
            for host in ["127.0.0.1:0", "[::1]:0"] {
                let Ok(listener) = std::net::TcpListener::bind(host) else { continue };
                let found = listening(&[std::process::id()]).unwrap();
                assert!(found.contains(&listener.local_addr().unwrap()), "{found:?}");
            }
        }
    }
}
