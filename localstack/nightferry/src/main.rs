//! nightferry
fn main() {}
