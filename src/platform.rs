//! What differs between operating systems: unread bytes, the terminal's size and mode, signals, private files, the wording of errors.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use tokio::net::TcpStream;

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

/// The width of the terminal that standard output is, in columns; `None` where it is none or does not say.
pub fn terminal_width() -> Option<usize> {
    #[cfg(unix)]
    return rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|width| *width > 0);
    #[cfg(not(unix))]
    None
}

/// The terminal's mode when the program began, to be set again when a signal ends it inside the line editor.
pub struct TerminalMode {
    #[cfg(unix)]
    saved: Option<rustix::termios::Termios>,
}

impl TerminalMode {
    /// Remembers the mode that standard input has now.
    pub fn save() -> TerminalMode {
        TerminalMode {
            #[cfg(unix)]
            saved: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    /// Sets the remembered mode, and ends bracketed paste, which the line editor switches on.
    pub fn restore(&self) {
        #[cfg(unix)]
        if let Some(saved) = &self.saved {
            use io::Write;
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, saved);
            let _ = io::stdout().write_all(b"\x1b[?2004l\r\n");
            let _ = io::stdout().flush();
        }
    }
}

/// Waits for a signal that ends the program; its exit status is 128 and the signal's number.
pub async fn ending_signal() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).ok();
        let (mut term, mut hup, mut quit) =
            (listen(SignalKind::terminate()), listen(SignalKind::hangup()), listen(SignalKind::quit()));
        async fn next(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = next(&mut term) => 128 + 15,
            () = next(&mut hup) => 128 + 1,
            () = next(&mut quit) => 128 + 3,
        }
    }
    #[cfg(not(unix))]
    std::future::pending().await
}

/// Opens a file that only its owner may read, for writing; it is made if it is not there.
pub fn open_private(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(append).write(true).truncate(!append);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        // A link that someone else laid could lead our lines into another file.
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}
