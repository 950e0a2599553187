//! Integration tests, kills of real processes, hostile inputs, golden files and benchmarks of nightferry.
