//! A scriptable shell for socket experiments.
#![doc = ""]
pub mod value;
