//! The language of a text, as ISO 639-1.
//!
//! `whatlang` decides on a sample from the middle of the text (the beginning is often a dateline, the end a disclaimer).
//! Its trigram tables cost about 110 µs for 1,000 bytes of Latin script, so obvious English, which most records are, is told by its
//! function words first. The words are ones that no other large Latin-script language shares as words of its
//! own; a test compares the two on the real articles.
//!
//! Invariant: cost does not depend on the length of the text.

use whatlang::Lang;

/// Characters of the sample, about; it begins and ends at character borders.
const SAMPLE_BYTES: usize = 1_000;
/// What `whatlang` sees first; mostly enough, and cheaper than the whole sample.
const FIRST_LOOK_BYTES: usize = 400;
/// Fewer letters say nothing about a language.
const LETTERS_MIN: usize = 40;
/// Function words among a sample's words, in percent, that make it English without further questions.
const ENGLISH_PERCENT: usize = 18;
/// Different words of [`ENGLISH_WORDS`] at least.
const ENGLISH_DIFFERENT_MIN: u32 = 3;
/// Non-ASCII letters of the sample at most, in percent: English has hardly any.
const FOREIGN_PERCENT_MAX: usize = 1;

/// Function words that are English and, as words of their own, hardly anything else.
const ENGLISH_WORDS: [&[u8]; 23] = [
    b"the", b"and", b"that", b"this", b"with", b"from", b"which", b"have", b"has", b"are", b"were", b"their", b"been",
    b"would", b"they", b"will", b"than", b"about", b"after", b"said", b"into", b"its", b"also",
];
/// Function words that other languages have too; they count, but prove nothing alone.
const SHARED_WORDS: [&[u8]; 12] =
    [b"of", b"to", b"in", b"on", b"as", b"at", b"by", b"for", b"is", b"was", b"it", b"be"];

/// The language of `text`: `en`, `ja`, …; empty when unsure.
#[must_use]
pub fn language(text: &str) -> &'static str {
    // Half, a quarter, none: lists of names or checksums in the middle leave the next sample to decide.
    for part in [2, 4, usize::MAX] {
        let sample = sample(text, part);
        if english(sample) {
            return "en";
        }
        let letters = sample.chars().filter(|c| c.is_alphabetic()).count();
        if letters >= LETTERS_MIN / letters_a_word(sample) {
            let beginning = &sample[..sample.ceil_char_boundary(FIRST_LOOK_BYTES.min(sample.len()))];
            let reliable = |info: &whatlang::Info| info.is_reliable();
            let sure =
                whatlang::detect(beginning).filter(reliable).or_else(|| whatlang::detect(sample).filter(reliable));
            if let Some(info) = sure {
                return code(info.lang());
            }
        }
        if text.len() <= SAMPLE_BYTES {
            break;
        }
    }
    ""
}

/// Scripts whose letters say more: a CJK or Hangul character is worth several Latin ones.
fn letters_a_word(sample: &str) -> usize {
    if sample.contains(|c: char| c >= '\u{3000}') { 4 } else { 1 }
}

/// About [`SAMPLE_BYTES`], beginning where a `part` of the rest would stand before them: 2 takes the middle.
fn sample(text: &str, part: usize) -> &str {
    if text.len() <= SAMPLE_BYTES {
        return text;
    }
    let from = text.floor_char_boundary((text.len() - SAMPLE_BYTES) / part);
    &text[from..text.ceil_char_boundary(from + SAMPLE_BYTES)]
}

/// Whether the function words alone prove English.
fn english(sample: &str) -> bool {
    let foreign = sample.bytes().filter(|byte| matches!(byte, 0xc3..=0xdf)).count();
    if foreign * 100 > sample.len() * FOREIGN_PERCENT_MAX {
        return false;
    }
    let (mut words, mut hits, mut different) = (0, 0, 0_u32);
    for word in sample.as_bytes().split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        if !(2..=5).contains(&word.len()) {
            continue;
        }
        let known = |known: &&[u8]| known.len() == word.len() && known.eq_ignore_ascii_case(word);
        if let Some(at) = ENGLISH_WORDS.iter().position(known) {
            hits += 1;
            different |= 1 << at;
        } else if word.len() <= 3 && SHARED_WORDS.iter().any(known) {
            hits += 1;
        }
    }
    hits * 100 >= words * ENGLISH_PERCENT && different.count_ones() >= ENGLISH_DIFFERENT_MIN
}

/// ISO 639-3, as `whatlang` names them, to ISO 639-1; all of `whatlang`'s languages have one.
fn code(lang: Lang) -> &'static str {
    CODES.iter().find(|(known, _)| *known == lang).map_or("", |(_, code)| code)
}

/// See [`code`]; the most frequent first.
static CODES: [(Lang, &str); 70] = [
    (Lang::Epo, "eo"),
    (Lang::Eng, "en"),
    (Lang::Rus, "ru"),
    (Lang::Cmn, "zh"),
    (Lang::Spa, "es"),
    (Lang::Por, "pt"),
    (Lang::Ita, "it"),
    (Lang::Ben, "bn"),
    (Lang::Fra, "fr"),
    (Lang::Deu, "de"),
    (Lang::Ukr, "uk"),
    (Lang::Kat, "ka"),
    (Lang::Ara, "ar"),
    (Lang::Hin, "hi"),
    (Lang::Jpn, "ja"),
    (Lang::Heb, "he"),
    (Lang::Yid, "yi"),
    (Lang::Pol, "pl"),
    (Lang::Amh, "am"),
    (Lang::Jav, "jv"),
    (Lang::Kor, "ko"),
    (Lang::Nob, "nb"),
    (Lang::Dan, "da"),
    (Lang::Swe, "sv"),
    (Lang::Fin, "fi"),
    (Lang::Tur, "tr"),
    (Lang::Nld, "nl"),
    (Lang::Hun, "hu"),
    (Lang::Ces, "cs"),
    (Lang::Ell, "el"),
    (Lang::Bul, "bg"),
    (Lang::Bel, "be"),
    (Lang::Mar, "mr"),
    (Lang::Kan, "kn"),
    (Lang::Ron, "ro"),
    (Lang::Slv, "sl"),
    (Lang::Hrv, "hr"),
    (Lang::Srp, "sr"),
    (Lang::Mkd, "mk"),
    (Lang::Lit, "lt"),
    (Lang::Lav, "lv"),
    (Lang::Est, "et"),
    (Lang::Tam, "ta"),
    (Lang::Vie, "vi"),
    (Lang::Urd, "ur"),
    (Lang::Tha, "th"),
    (Lang::Guj, "gu"),
    (Lang::Uzb, "uz"),
    (Lang::Pan, "pa"),
    (Lang::Aze, "az"),
    (Lang::Ind, "id"),
    (Lang::Tel, "te"),
    (Lang::Pes, "fa"),
    (Lang::Mal, "ml"),
    (Lang::Ori, "or"),
    (Lang::Mya, "my"),
    (Lang::Nep, "ne"),
    (Lang::Sin, "si"),
    (Lang::Khm, "km"),
    (Lang::Tuk, "tk"),
    (Lang::Aka, "ak"),
    (Lang::Zul, "zu"),
    (Lang::Sna, "sn"),
    (Lang::Afr, "af"),
    (Lang::Lat, "la"),
    (Lang::Slk, "sk"),
    (Lang::Cat, "ca"),
    (Lang::Tgl, "tl"),
    (Lang::Hye, "hy"),
    (Lang::Cym, "cy"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_code() {
        for lang in Lang::all() {
            assert_eq!(code(*lang).len(), 2, "{lang:?}");
        }
    }

    #[test]
    fn languages_are_told_apart() {
        for (text, code) in [
            (
                "Bitcoin rose to a new record on Monday after the fund said that it would buy more of the coin, and traders were not surprised.",
                "en",
            ),
            (
                "ビットコインは月曜日に過去最高値を更新し、トレーダーたちは驚かなかった。取引所の出来高も増えている。",
                "ja",
            ),
            ("比特币周一创下历史新高，交易员并不感到意外，交易所的成交量也有所增加。分析师认为上涨将持续。", "zh"),
            ("비트코인은 월요일에 사상 최고치를 기록했으며 거래자들은 놀라지 않았다. 거래소의 거래량도 늘었다.", "ko"),
            (
                "Биткоин в понедельник обновил исторический максимум, и трейдеры не были удивлены этим ростом цены.",
                "ru",
            ),
            (
                "Bitcoin ist am Montag auf ein neues Rekordhoch gestiegen, und die Händler waren darüber nicht überrascht, sagte die Börse.",
                "de",
            ),
            (
                "El bitcoin subió el lunes a un nuevo máximo histórico y los operadores no se sorprendieron por la noticia del fondo.",
                "es",
            ),
            ("", ""),
            ("BTC 67,123 ETH 3,456", ""),
        ] {
            assert_eq!(language(text), code, "{text}");
        }
    }
}
