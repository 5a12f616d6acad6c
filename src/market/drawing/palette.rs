//! The colours of the two themes.

use super::Theme;
use super::scene::Role;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

impl Theme {
    pub(super) fn colour(self, role: Role) -> Colour {
        let (light, dark) = pair(role);
        let [_, red, green, blue] = match self {
            Self::Light => light,
            Self::Dark => dark,
        }
        .to_be_bytes();
        [red, green, blue]
    }
}

/// How much of what lies below a role is covered, 0 to 1; the same in both themes.
pub(super) fn opacity(role: Role) -> f64 {
    match role {
        Role::BandFill => 0.07,
        Role::RsiZone => 0.06,
        Role::UpFaint | Role::DownFaint => 0.5,
        Role::Plate => 0.88,
        _ => 1.0,
    }
}

/// Light, dark. What is read keeps a contrast of 4.5 to 1 with what it stands on (WCAG 2.2, 1.4.3), and as values are
/// written in the colour of their line, so do lines and bars. Grid and border are decoration.
fn pair(role: Role) -> (u32, u32) {
    match role {
        Role::Surface | Role::Plate => (0xff_ff_ff, 0x10_14_1c),
        Role::Border => (0xd5_d9_e2, 0x2e_36_45),
        Role::Grid => (0xee_f0_f5, 0x1b_21_2d),
        Role::Text => (0x14_19_24, 0xe4_e8_f0),
        Role::Muted => (0x5a_63_74, 0x93_9d_b0),
        Role::Up | Role::UpFaint => (0x06_7d_69, 0x2a_b5_9c),
        Role::Down | Role::DownFaint => (0xd9_30_46, 0xf2_5a_68),
        Role::OnFill => (0xff_ff_ff, 0x0a_0d_13),
        Role::Ema20 | Role::Macd => (0x1f_6f_eb, 0x5b_9d_ff),
        Role::Ema50 | Role::Mean | Role::Signal => (0xae_5e_00, 0xf0_a0_3c),
        Role::Sma200 => (0x8e_3b_c4, 0xc0_84_f0),
        Role::Band | Role::BandFill => (0x5a_71_9c, 0x7d_96_c4),
        Role::Support => (0x0b_7d_4f, 0x4c_c9_87),
        Role::Resistance => (0xb8_3a_1b, 0xff_86_62),
        Role::Bullish => (0x00_77_88, 0x33_cc_dd),
        Role::Bearish => (0xb0_1e_78, 0xf5_70_c0),
        Role::Neutral => (0x5a_63_74, 0xa9_b2_c3),
        Role::Rsi | Role::RsiZone => (0x7a_45_d0, 0xa9_84_f5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2: relative luminance.
    fn luminance(colour: Colour) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    }

    fn contrast(one: Colour, other: Colour) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn what_is_read_stands_out() {
        for theme in [Theme::Light, Theme::Dark] {
            for role in Role::ALL {
                if matches!(role, Role::Surface | Role::Border | Role::Grid | Role::Plate | Role::OnFill) {
                    continue;
                }
                let found = contrast(theme.colour(role), theme.colour(Role::Surface));
                assert!(found >= 4.5, "{theme:?} {role:?}: {found}");
            }
            for fill in [Role::Up, Role::Down] {
                let found = contrast(theme.colour(Role::OnFill), theme.colour(fill));
                assert!(found >= 4.5, "{theme:?} {fill:?}: {found}");
            }
        }
        assert!(Role::ALL.iter().enumerate().all(|(at, role)| *role as usize == at));
    }
}
