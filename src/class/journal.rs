//! What was promised to students, on disk before they are told: one JSON object a line, appended and synced.
//!
//! `{"seats": N}` reserves seat numbers up to N before they are given out, `{"seat": N, "identity": {...}}` is a row, `{"seat": N,
//! "passed": true}` says that the row passed. Lines are written whole; one that is not, after a crash, is set aside.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::event::Identity;
use crate::pattern::count;
use crate::platform::reason;

/// How many entries one sync may carry. A class that arrives at once waits for a few syncs, not for thousands.
const BATCH_MAX: usize = 1024;

/// A journal that is open, with the thread that writes it.
#[derive(Debug)]
pub struct Journal {
    entries: mpsc::Sender<Entry>,
}

struct Entry {
    line: String,
    kept: oneshot::Sender<Result<(), String>>,
}

/// What a journal held when it was opened.
#[derive(Debug, Default)]
pub struct Kept {
    /// Rows in order: seat, identity, whether it passed.
    pub rows: Vec<(u64, Identity, bool)>,
    /// No seat number up to this may be given out again.
    pub seats: u64,
    /// What was set aside, for a person.
    pub warning: Option<String>,
}

impl Journal {
    /// Opens or makes the journal and reads what it holds. Lines that cannot be read are moved to `FILE.bad`.
    pub fn open(path: &Path) -> Result<(Journal, Kept), String> {
        let shown = crate::value::escape(&path.to_string_lossy()).into_owned();
        let failed = |error: io::Error| format!("cannot open the journal `{shown}`: {}", reason(&error));
        let mut file = locked(path, &shown)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (mut kept, good, bad) = read(&bytes);
        if !bad.is_empty() {
            let aside = beside(path, ".bad");
            set_aside(&aside, &bad).map_err(failed)?;
            let is_torn = bytes.starts_with(&good);
            if is_torn {
                file.set_len(good.len() as u64).and_then(|()| file.sync_all()).map_err(failed)?;
            } else {
                // A new file takes the old one's place when it is whole: no moment without the rows.
                let new = beside(path, ".new");
                write_synced(&new, &good).map_err(failed)?;
                std::fs::rename(&new, path).map_err(failed)?;
                file = locked(path, &shown)?;
            }
            let what = if is_torn {
                format!("the last {} B of the journal `{shown}` are torn", bad.len())
            } else {
                let lines = bad.split_inclusive(|byte| *byte == b'\n').count();
                format!("{} of the journal `{shown}` cannot be read", count(lines as u64, "line"))
            };
            let aside = crate::value::escape(&aside.to_string_lossy()).into_owned();
            kept.warning = Some(format!("{what}: set aside in `{aside}`; every other line is kept"));
        }
        let end = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let (entries, inbox) = mpsc::channel();
        crate::platform::thread::start(move || write(file, end, &inbox)).map_err(failed)?;
        Ok((Journal { entries }, kept))
    }

    /// Keeps an identity; the answer comes once it is on disk.
    pub async fn identity(&self, seat: u64, identity: &Identity) -> Result<(), String> {
        self.keep(json!({"seat": seat, "identity": identity})).await
    }

    /// Reserves seat numbers.
    pub async fn seats(&self, up_to: u64) -> Result<(), String> {
        self.keep(json!({"seats": up_to})).await
    }

    /// Keeps that a row passed.
    pub async fn passed(&self, seat: u64) -> Result<(), String> {
        self.keep(json!({"seat": seat, "passed": true})).await
    }

    async fn keep(&self, object: Json) -> Result<(), String> {
        let (kept, answer) = oneshot::channel();
        let line = format!("{object}\n");
        let gone = || "the journal is closed".to_string();
        self.entries.send(Entry { line, kept }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The writer's thread: what has come is written in one go and synced once. A write that fails is taken back.
fn write(mut file: File, mut end: u64, inbox: &mpsc::Receiver<Entry>) {
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        batch.extend(inbox.try_iter().take(BATCH_MAX));
        let lines: String = batch.iter().map(|entry| entry.line.as_str()).collect();
        let outcome = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        match &outcome {
            Ok(()) => end += lines.len() as u64,
            // Half a line must not stand before the next whole one.
            Err(_) => drop(file.set_len(end)),
        }
        for entry in batch {
            let _ = entry.kept.send(outcome.as_ref().copied().map_err(reason));
        }
    }
}

/// What the lines say, the bytes of those that can be read, and the bytes of those that cannot.
fn read(bytes: &[u8]) -> (Kept, Vec<u8>, Vec<u8>) {
    let (mut kept, mut good, mut bad) = (Kept::default(), Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_whole = line.ends_with(b"\n");
        match serde_json::from_slice::<Json>(line)
            .ok()
            .filter(|_| is_whole)
            .and_then(|object| note(&mut kept, &object))
        {
            Some(()) => good.extend_from_slice(line),
            None => bad.extend_from_slice(line),
        }
    }
    (kept, good, bad)
}

fn note(kept: &mut Kept, object: &Json) -> Option<()> {
    if let Some(seats) = object.get("seats").and_then(Json::as_u64) {
        kept.seats = kept.seats.max(seats);
        return Some(());
    }
    let seat = object.get("seat")?.as_u64()?;
    kept.seats = kept.seats.max(seat);
    if let Some(identity) = object.get("identity") {
        let identity = serde_json::from_value(identity.clone()).ok()?;
        kept.rows.push((seat, identity, false));
    } else if let Some(row) = kept.rows.iter_mut().rev().find(|(number, ..)| *number == seat) {
        row.2 = object.get("passed")?.as_bool()?;
    }
    Some(())
}

/// Opens or makes the file for this server alone.
fn locked(path: &Path, shown: &str) -> Result<File, String> {
    let failed = |error: io::Error| format!("cannot open the journal `{shown}`: {}", reason(&error));
    let is_new = !path.exists();
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(format!("the journal `{shown}` is in use by another server"));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    #[cfg(unix)]
    if is_new && let Some(folder) = path.parent() {
        // The file's name has to outlive a loss of power too; not every file system can promise it.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = is_new;
    Ok(file)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn set_aside(aside: &Path, bad: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(aside)?;
    file.write_all(bad)?;
    file.sync_all()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
