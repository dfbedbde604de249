//! Medians and tails.

/// A sample of durations in milliseconds.
pub struct Sample(Vec<f64>);

impl Sample {
    /// Of nanoseconds, negative ones included.
    pub fn of_nanos(nanos: impl IntoIterator<Item = i64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "differences are far below 2^52 ns")]
        let mut sorted: Vec<f64> = nanos.into_iter().map(|nanos| nanos as f64 / 1e6).collect();
        sorted.sort_by(f64::total_cmp);
        assert!(!sorted.is_empty(), "nothing was measured");
        Self(sorted)
    }

    /// The middle.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// All but one in a hundred are below it.
    pub fn p99(&self) -> f64 {
        self.0[(self.0.len() * 99 / 100).min(self.0.len() - 1)]
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

/// The middle of a few.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds of Unix time, the clock that the Go service writes down.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_nanos()).unwrap()
}
