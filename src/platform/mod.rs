//! What differs between operating systems: what the kernel knows of a connection, the terminal, signals, processes, private files, the wording of errors.

mod inside;
pub mod orphans;
pub mod process;
mod tcp;
mod terminal;
pub mod thread;
mod whole;

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

pub use inside::{listening, waits_for_input};
pub use process::{Ending, Left, end_child, end_group, exited, group_members, in_own_group, status_number};
pub use tcp::{Idle, TcpFacts, clients_waiting, look, tcp_facts};
pub use terminal::{Keyboard, TerminalMode, stdout_takes, stop, terminal_width};
pub use whole::{replaced, write_whole};

/// Bytes that arrived and wait in the kernel; `None`: not known here.
pub fn unread(stream: &TcpStream) -> Option<u64> {
    #[cfg(unix)]
    return rustix::io::ioctl_fionread(stream).ok();
    #[cfg(not(unix))]
    {
        let _ = stream;
        None
    }
}

/// Waits on the calling thread until bytes can be read, or for this long. Where the kernel cannot be asked so, not at all.
pub fn wait_readable(stream: &TcpStream, at_most: Duration) {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(at_most.subsec_nanos()) };
        // What it says is not needed: a read follows in any case.
        let _ = poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&timeout));
    }
    #[cfg(not(unix))]
    let _ = (stream, at_most);
}

/// Raises the number of descriptors that this process may open as far as it may; `None`: not known here.
pub fn raise_descriptors() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let _ = setrlimit(Resource::Nofile, raised);
        Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
    }
    #[cfg(not(unix))]
    None
}

/// The addresses that others can type to reach a listening socket: its own, or this machine's where it listens on all.
pub fn addresses_for(local: SocketAddr) -> Vec<SocketAddr> {
    if !local.ip().is_unspecified() {
        return vec![local];
    }
    let mut addresses = vec![SocketAddr::new(IpAddr::from([127, 0, 0, 1]), local.port())];
    // The address that the kernel would send from: connecting a datagram socket chooses it and sends nothing.
    let chosen = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // A documentation address (RFC 5737): nobody is there, and only the route to the outside is asked for.
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    addresses.extend(chosen.ok().map(|chosen| SocketAddr::new(chosen.ip(), local.port())));
    addresses
}

/// An error's text as the operating system words it, without the `(os error N)` that Rust adds.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => text.to_string(),
    }
}

/// "File size limit exceeded", on Linux and macOS alike.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// The signals that end the program, heard from the moment this is made.
pub struct EndingSignals {
    /// Each with its number; one that cannot be listened for keeps its own effect.
    #[cfg(unix)]
    signals: Vec<(u8, tokio::signal::unix::Signal)>,
    /// A file that may not grow (`ulimit -f`) is to be an error of the write, not the end of the program.
    #[cfg(unix)]
    _too_large: Option<tokio::signal::unix::Signal>,
}

impl EndingSignals {
    /// Listens from now on; needs a runtime around it.
    pub fn listen() -> EndingSignals {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
            let listen =
                |kind: SignalKind| Some((u8::try_from(kind.as_raw_value()).unwrap_or(0), signal(kind).ok()?));
            EndingSignals {
                signals: kinds.into_iter().filter_map(listen).collect(),
                _too_large: signal(SignalKind::from_raw(SIGXFSZ)).ok(),
            }
        }
        #[cfg(not(unix))]
        EndingSignals {}
    }

    /// Waits for one; the program's exit status is then 128 and its number.
    pub async fn next(&mut self) -> u8 {
        #[cfg(unix)]
        return std::future::poll_fn(|context| {
            for (number, signal) in &mut self.signals {
                if signal.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(128 + *number);
                }
            }
            std::task::Poll::Pending
        })
        .await;
        #[cfg(not(unix))]
        std::future::pending().await
    }
}

/// Opens a file that only its owner may read, for writing; it is made if it is not there.
pub fn open_private(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(append).write(true).truncate(!append);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        own_only(&mut options);
        let file = options.open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// Opens a file for reading, if it is itself what `path` says.
pub fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    own_only(&mut options);
    options.open(path)
}

/// A link that someone else laid could lead our lines into another file, and a named pipe would never open.
#[cfg(unix)]
fn own_only(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
}

/// Whether an open file has lost its name: another process put a new one in its place.
pub fn is_deleted(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|data| data.nlink() == 0)
    }
    #[cfg(not(unix))]
    {
        // There a file that is open keeps its name.
        let _ = file;
        false
    }
}
