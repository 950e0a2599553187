//! What is on the wire: which requests are served, and whether their bytes are what they say.

mod served;
mod shape;

pub(crate) use served::{SERVED, Served, served};
pub(crate) use shape::Malformed;
pub(crate) use shape::check_header;
