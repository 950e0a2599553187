//! What this process has taken of the machine, by `/proc`.

/// The kernel counts CPU time in hundredths of a second there, whatever its own clock is (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;

/// CPU time and memory.
pub struct Usage {
    /// Of all threads, user and system, also of those that have ended.
    pub cpu_seconds: f64,
    /// The most memory that was resident at once (`VmHWM`).
    pub peak_bytes: u64,
}

impl Usage {
    /// Up to now.
    pub fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        // The command's name, in brackets, may hold blanks; utime and stime are the 14th and 15th field of all.
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        Self { cpu_seconds: ticks as f64 / TICKS_A_SECOND, peak_bytes: kilobytes * 1024 }
    }
}
