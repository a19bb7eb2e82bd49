//! Writing a file whole or not at all. What is no regular file (a pipe, a device) is written through.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many links may lead to a file; Linux follows as many.
const LINKS_MAX: usize = 40;
/// How many names are tried for the file beside: a crash may have left one.
const NAMES_MAX: usize = 100;

/// Writes a file beside, in the same folder, and renames it, so that a crash or a full disk leaves the old one whole. Its mode
/// and its owner stay, and a link still leads to it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (target, is_open_elsewhere) = end_of_links(path)?;
    match std::fs::metadata(path) {
        Ok(data) if data.is_dir() => Err(io::Error::other("it is a folder")),
        Ok(data) if !data.is_file() || is_open_elsewhere => write_through(path, bytes),
        Ok(_) => replace(&target, bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&target, bytes),
        Err(error) => Err(error),
    }
}

/// The file that a path is in the end, whether a whole one takes its place: what a pipe, a device or a folder is called is
/// `None`.
pub fn replaced(path: &Path) -> Option<PathBuf> {
    let (target, is_open_elsewhere) = end_of_links(path).ok()?;
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() && !is_open_elsewhere => std::fs::canonicalize(target).ok(),
        Ok(_) => None,
        // It is not there yet: its folder is.
        Err(_) => Some(std::fs::canonicalize(folder(&target)).ok()?.join(target.file_name()?)),
    }
}

/// Where the links of a path's last part lead, and whether one of them is the name of an open file (`/dev/stdout`): another file
/// in its place would not be the one that is open.
fn end_of_links(path: &Path) -> io::Result<(PathBuf, bool)> {
    let mut at = path.to_path_buf();
    let mut is_open_elsewhere = false;
    for _ in 0..LINKS_MAX {
        is_open_elsewhere |= at.starts_with("/proc") || at.starts_with("/dev/fd");
        match std::fs::read_link(&at) {
            Ok(link) => at = folder(&at).join(link),
            Err(_) => return Ok((at, is_open_elsewhere)),
        }
    }
    Err(io::Error::other("too many links lead to it"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    // Whoever may not write to the file is not to replace it either.
    let old = match OpenOptions::new().write(true).open(target) {
        Ok(old) => Some(old.metadata()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let (beside, mut file) = create_beside(target, old.as_ref())?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| old.map_or(Ok(()), |old| be_as(&file, &old)));
    written.and_then(|()| std::fs::rename(&beside, target)).inspect_err(|_| {
        // The half-written file is of no use to anyone.
        let _ = std::fs::remove_file(&beside);
    })
}

/// A new file in the folder of `target`, of a name that nobody else has.
fn create_beside(target: &Path, old: Option<&Metadata>) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if old.is_some() {
        // Until it has the mode of the old one, which may be as narrow.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = old;
    for _ in 0..NAMES_MAX {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let beside = folder(target).join(format!(".lab2sh-{}-{number}.new", std::process::id()));
        match options.open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its folder is full of unfinished files (`.lab2sh-*.new`)"))
}

/// Gives a file the owner and the mode of another one, as far as that is allowed.
fn be_as(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            // Only a superuser may give a file away; the rest is as it was all the same.
            let _ = fchown(file, Some(old.uid()), Some(old.gid()));
        }
    }
    file.set_permissions(old.permissions())
}

/// Writes to what is there, in its place, without waiting for ever: a pipe may have no reader.
#[cfg(unix)]
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;

    /// How long the reader of a pipe may take to come: it may have been started beside us.
    const READER_COMES: Duration = Duration::from_secs(2);
    /// How often a pipe without a reader is tried.
    const TRY_EVERY: Duration = Duration::from_millis(10);
    /// How long a reader may take nothing, in seconds.
    const READER_RESTS_SECONDS: i64 = 60;

    let began = Instant::now();
    let mut file = loop {
        if let Some(file) = own_output(path) {
            break file;
        }
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        match OpenOptions::new().append(true).custom_flags(flags).open(path) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                if began.elapsed() > READER_COMES {
                    return Err(io::Error::other("nobody reads from it"));
                }
                std::thread::park_timeout(TRY_EVERY);
            }
            opened => break opened?,
        }
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let limit = Timespec { tv_sec: READER_RESTS_SECONDS, tv_nsec: 0 };
                if poll(&mut [PollFd::new(&file, PollFlags::OUT)], Some(&limit)) == Ok(0) {
                    return Err(io::Error::other("its reader takes no more"));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Standard output or standard error, where that is what the path names: opened anew, a file would be written from another place
/// in it, over what stands there or to be written over.
#[cfg(unix)]
fn own_output(path: &Path) -> Option<File> {
    let wanted = rustix::fs::stat(path).ok()?;
    let own = [rustix::stdio::stdout(), rustix::stdio::stderr()];
    let is_it = |fd: &rustix::fd::BorrowedFd| {
        rustix::fs::fstat(fd).is_ok_and(|it| (it.st_dev, it.st_ino) == (wanted.st_dev, wanted.st_ino))
    };
    own.into_iter().find(is_it).and_then(|fd| rustix::io::dup(fd).ok()).map(File::from)
}

#[cfg(not(unix))]
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(bytes)
}
