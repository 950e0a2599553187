//! embedded-broker
