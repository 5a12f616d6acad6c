//! Spells out the forms of an entry of a word list.
//!
//! An entry is a list of alternatives parted by commas. `/v` after one makes the regular forms of a
//! verb (of its first word: `break out/v` gives `breaks out`), `/n` the plural of a noun (of its last
//! word). Irregular forms are alternatives of their own. Runs once, when the lists are loaded.

/// Calls `each` with every form of `entry`.
pub fn forms(entry: &str, mut each: impl FnMut(&str)) {
    for alternative in entry.split(',').map(str::trim) {
        if let Some(verb) = alternative.strip_suffix("/v") {
            let (first, rest) = verb.split_at(verb.find(' ').unwrap_or(verb.len()));
            each(verb);
            for form in [third_person(first), past(first), participle(first)] {
                each(&format!("{form}{rest}"));
            }
        } else if let Some(noun) = alternative.strip_suffix("/n") {
            each(noun);
            each(&third_person(noun));
        } else {
            each(alternative);
        }
    }
}

fn stem_of_y(word: &str) -> Option<&str> {
    let stem = word.strip_suffix('y')?;
    (!stem.ends_with(['a', 'e', 'i', 'o', 'u'])).then_some(stem)
}

/// Third person of a verb and plural of a noun are spelled alike.
fn third_person(word: &str) -> String {
    if let Some(stem) = stem_of_y(word) {
        return format!("{stem}ies");
    }
    let hissing = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    if hissing { format!("{word}es") } else { format!("{word}s") }
}

fn past(word: &str) -> String {
    if let Some(stem) = stem_of_y(word) {
        return format!("{stem}ied");
    }
    if word.ends_with('e') { format!("{word}d") } else { format!("{word}ed") }
}

fn participle(word: &str) -> String {
    match word.strip_suffix('e') {
        Some(stem) if !word.ends_with("ee") => format!("{stem}ing"),
        _ => format!("{word}ing"),
    }
}

#[cfg(test)]
mod tests {
    use super::forms;

    fn check(entry: &str, expected: &str) {
        let mut all = Vec::new();
        forms(entry, |form| all.push(form.to_owned()));
        assert_eq!(all.join(" | "), expected);
    }

    #[test]
    fn regular_forms() {
        check("surge/v", "surge | surges | surged | surging");
        check("rally/v", "rally | rallies | rallied | rallying");
        check("break out/v,broke out", "break out | breaks out | breaked out | breaking out | broke out");
        check("rug pull/n", "rug pull | rug pulls");
        check("loss/n", "loss | losses");
    }
}
