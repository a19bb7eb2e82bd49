//! The language: from a line's text to a call, or to a mistake with its place.

mod argument;
pub mod complete;
mod delivery;
pub mod expr;
pub mod highlight;
mod kinds;
pub mod line;
pub mod literal;
pub mod mistake;
pub mod names;
mod number;
pub mod other;
pub mod parse;
mod pattern;
pub mod script;
mod setting;
mod text;

pub use delivery::WORDS as DELIVERY_WORDS;
pub use setting::{CODECS, FRAMINGS, MAX_MESSAGE_LIMIT, OPTIONS, duration, shown_setting};
