//! Cases over real nights and a real transfer, from `../shared`.

mod classes;
mod clients;
mod golden;
mod optimize;
mod sample_nights;
