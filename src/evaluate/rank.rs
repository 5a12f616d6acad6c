//! Ranks, for Spearman's correlation.

/// The rank of each value, in shares of their number and with 0 in the middle (so that squares of half a million of them
/// still add up exactly enough). Values that are equal share the mean of their ranks (Spearman 1904; Kendall, *Rank
/// Correlation Methods*, ch. 3). Every value is finite.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn centred(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let count = values.len() as f64;
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    #[expect(clippy::float_cmp, reason = "a tie is the same number")]
    for tie in order.chunk_by(|one, other| values[*one] == values[*other]) {
        let mean = begin as f64 + f64::midpoint(tie.len() as f64, 1.0);
        for place in tie {
            ranks[*place] = (mean - f64::midpoint(count, 1.0)) / count;
        }
        begin += tie.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        // Ranks 3, 1.5, 1.5, 4 of 4.
        assert_eq!(centred(&[5.0, 1.0, 1.0, 9.0]), [0.125, -0.25, -0.25, 0.375]);
        assert!(centred(&[]).is_empty());
        assert_eq!(centred(&[7.0]), [0.0]);
    }
}
