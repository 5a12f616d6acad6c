//! What a benchmark is told on its command line: `cargo bench --bench NAME -- [--json] [--NAME NUMBER]…`.

/// The words after `--`.
pub struct Options(Vec<String>);

impl Options {
    /// Those of this process. Cargo adds `--bench`, which says nothing here.
    pub fn of_process() -> Self {
        Self(std::env::args().skip(1).filter(|word| word != "--bench").collect())
    }

    /// Whether `--json` was given.
    pub fn json(&self) -> bool {
        self.0.iter().any(|word| word == "--json")
    }

    /// The number behind `name`, such as `--articles 1000` or `--articles=1_000`.
    ///
    /// # Errors
    /// What stands there is no number.
    pub fn number(&self, name: &str, default: u64) -> anyhow::Result<u64> {
        let mut words = self.0.iter();
        while let Some(word) = words.next() {
            let value = match word.split_once('=') {
                Some((key, value)) if key == name => value,
                None if word == name => words.next().map_or("", String::as_str),
                _ => continue,
            };
            let number = value.replace('_', "").parse();
            return number.map_err(|_| anyhow::anyhow!("{name} wants a number, not {value:?}"));
        }
        Ok(default)
    }
}
