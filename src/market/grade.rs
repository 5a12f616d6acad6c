//! How well a rule is met, as a number from 0 (only just) to 1 (as in the book). A confidence is a mean of such grades,
//! so it says how much a figure looks like its definition, not how likely a price is to follow it.

/// 0 where `value` is at `worst` or beyond it, 1 at `best` or beyond it, straight in between; 0 for what is no number.
pub(super) fn grade(value: f64, worst: f64, best: f64) -> f64 {
    let share = (value - worst) / (best - worst);
    if share > 0.0 { share.min(1.0) } else { 0.0 }
}

/// The mean of some grades.
pub(super) fn mean<const N: usize>(grades: [f64; N]) -> f64 {
    grades.iter().sum::<f64>() / super::line::bars(N.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_stays_between_0_and_1_in_either_direction() {
        for (value, worst, best, expected) in [
            (5.0, 0.0, 10.0, 0.5),
            (5.0, 10.0, 0.0, 0.5),
            (-1.0, 0.0, 10.0, 0.0),
            (11.0, 10.0, 0.0, 0.0),
            (f64::INFINITY, 0.0, 1.0, 1.0),
            (f64::NAN, 0.0, 1.0, 0.0),
        ] {
            let grade = grade(value, worst, best);
            assert!((grade - expected).abs() < 1e-12, "{value} from {worst} to {best}: {grade}");
        }
        assert!((mean([0.0, 0.5, 1.0]) - 0.5).abs() < 1e-12);
    }
}
