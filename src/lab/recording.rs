//! What a lab has to do with its recording: begin it, tell it of each step, end it.

use std::sync::{Mutex, PoisonError};

use super::Lab;
use crate::command::Call;
use crate::event::{Failure, What};
use crate::record::Recorder;

impl Lab {
    /// Records from the next step on.
    pub fn begin_recording(&mut self, recorder: Recorder) {
        self.recorder = Some(Box::new(Mutex::new(recorder)));
    }

    /// The file that is being recorded.
    pub fn recording(&self) -> Option<String> {
        let recorder = self.recorder.as_ref()?;
        Some(recorder.lock().unwrap_or_else(PoisonError::into_inner).file())
    }

    /// A step begins.
    pub fn step_begins(&mut self, call: &Call) {
        if let Some(mut recorder) = self.recorder.take() {
            recorder.get_mut().unwrap_or_else(PoisonError::into_inner).step_begins(self, call);
            self.recorder = Some(recorder);
        }
    }

    /// A step has ended. A recording that cannot be written, or that is full, ends with a warning.
    pub fn step_ends(&mut self, call: &Call, outcome: &Result<(), Failure>) {
        let Some(mut boxed) = self.recorder.take() else { return };
        let recorder = boxed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let written = recorder.step_ends(self, call, outcome);
        let warning = match written {
            Err(why) => Some((why, "nothing more is recorded".to_string())),
            Ok(()) if recorder.is_full() => {
                let most = crate::record::RECORDING_MAX >> 20;
                let message =
                    format!("the recording in `{}` has reached its limit of {most} MiB", recorder.file());
                Some((message, "nothing more is recorded; `record FILE` begins another".to_string()))
            }
            Ok(()) => None,
        };
        match warning {
            Some((message, hint)) => self.emit(What::Warning { socket: None, message, hint: Some(hint) }),
            None => self.recorder = Some(boxed),
        }
    }

    /// Writes the recording, if there is one, and tells of it.
    pub fn end_recording(&mut self) -> Result<(), Failure> {
        let Some(mut boxed) = self.recorder.take() else { return Ok(()) };
        let recorder = boxed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (file, steps) = (recorder.file(), Some(recorder.steps()));
        recorder.save().map_err(Failure::network)?;
        self.emit(What::Recording { file, steps });
        Ok(())
    }
}
