//! What a benchmark found: a table for people, or one JSON object a line.

use serde_json::{Map, Value, json};

/// Rows of one benchmark, all with the same columns.
pub struct Report {
    bench: &'static str,
    json: bool,
    rows: Vec<(String, Vec<(&'static str, f64)>)>,
}

impl Report {
    /// An empty one.
    pub fn new(bench: &'static str, json: bool) -> Self {
        Self { bench, json, rows: Vec::new() }
    }

    /// Adds a row. Names carry the unit; a figure that was not taken is NaN.
    pub fn row(&mut self, what: impl Into<String>, figures: Vec<(&'static str, f64)>) {
        self.rows.push((what.into(), figures));
    }

    /// Prints it.
    pub fn print(&self) {
        if self.json {
            let rows: Vec<Value> = self.rows.iter().map(|(what, figures)| object(what, figures)).collect();
            println!("{}", json!({ "bench": self.bench, "rows": rows }));
            return;
        }
        let Some((_, first)) = self.rows.first() else { return };
        let width = self.rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
        print!("{:width$}", self.bench);
        for (name, _) in first {
            print!("  {name:>w$}", w = name.len().max(12));
        }
        println!();
        for (what, figures) in &self.rows {
            print!("{what:width$}");
            for (name, figure) in figures {
                print!("  {:>w$}", cell(*figure), w = name.len().max(12));
            }
            println!();
        }
    }
}

fn object(what: &str, figures: &[(&'static str, f64)]) -> Value {
    let mut object = Map::from_iter([("what".to_owned(), json!(what))]);
    object.extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(figure))));
    Value::Object(object)
}

fn cell(figure: f64) -> String {
    match figure.abs() {
        _ if figure.is_nan() => String::new(),
        1000.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}
