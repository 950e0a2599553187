//! Integration tests, golden files and benchmarks of nightferry.
