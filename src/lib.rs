//! A scriptable shell for socket experiments.
#![doc = ""]
pub mod pickle;
pub mod value;
