//! The question about one article, for a language model, and the reading of its answer.
//!
//! A question is made of title and text and nothing else: neither publisher, id, address nor date stand in it. So the same
//! text under another id is the same question, and its answer is paid for once ([`Question::key`]).
//!
//! # Why an article cannot leave its place
//! An article is written by strangers, some of whom know this code. Four things hold whatever it says, and whatever an
//! obedient model makes of it:
//! * *It cannot end its own part of the question.* It stands between two markers with an id that is a hash of the article
//!   itself, so nobody can write the id into the text that it is made of; and every `<` and `>` of the text, and
//!   whatever looks like them, is sent as `‹` and `›`, so that it holds no marker at all, nor the control words of models
//!   (`<|im_start|>`, `<start_of_turn>`) that some local servers would take for their own.
//! * *It cannot change the form of the answer.* [`read()`] takes ten properties, each of its type, from its vocabulary and
//!   within its range; everything else is refused, and nothing is bent until it fits. A complaint is made of our own
//!   words, so an answer cannot put words into the question that repairs it.
//! * *It cannot touch another article.* A question has one article and no memory, an answer names none, and what is read
//!   from it goes to the article that was asked about.
//! * *It cannot hide.* Clean articles have no invisible characters; those of an answer are removed.
//!
//! What this does not prevent: a model may still believe what an article says about itself. It can be talked into a
//! direction, a strength or a ticker within the ranges, as a reader can. That is what the validation of strong signals
//! by other sources is for, and why the text of an answer is to be shown as text wherever it is shown.
//!
//! Units: characters of Unicode, where not said otherwise.

mod answer;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use serde_json::Value;

pub use answer::{ASSETS_MAX, KEY_POINT_CHARS_MAX, KEY_POINTS_MAX, RATIONALE_CHARS_MAX, read};

use crate::model::{Id, Reading, identity};
use crate::provider::purchase::{self, Inquiry};
use crate::provider::untrusted::{cut, harmless};

/// Version of the instructions, for the column `prompt_version`; a new text is a new file and a new version.
pub const PROMPT_VERSION: &str = "analysis-1";
/// Version of the answer's schema.
pub const SCHEMA_VERSION: &str = "analysis-1";
/// Name of the answer's schema.
pub const SCHEMA_NAME: &str = "analysis";
const REPAIR_VERSION: &str = "repair-1";

/// What of a text is sent: about 6,000 tokens. News says what it has to say before.
pub const TEXT_CHARS_MAX: usize = 24_000;
/// What of a title is sent.
pub const TITLE_CHARS_MAX: usize = 300;

static SYSTEM: LazyLock<Arc<str>> =
    LazyLock::new(|| include_str!("../../schemas/prompts/analysis.v1.md").trim_end().into());
static SCHEMA: LazyLock<Arc<Value>> = LazyLock::new(|| {
    // A test reads it; the null of a broken file would be refused by every service.
    Arc::new(serde_json::from_str(include_str!("../../schemas/prompts/analysis.v1.json")).unwrap_or_default())
});
const REPAIR: &str = include_str!("../../schemas/prompts/repair.v1.md");

/// What is sent to a model, and the name under which its answer is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What to do; the same for every article.
    pub system: Arc<str>,
    /// The article.
    pub user: String,
    /// JSON Schema of the answer; the same for every article.
    pub schema: Arc<Value>,
    /// Its name.
    pub schema_name: &'static str,
    /// For the column of that name.
    pub prompt_version: &'static str,
    /// Made of title and text as they are sent, the versions, the model and the parameters: the same question again has
    /// the same key.
    pub key: Id,
}

/// The JSON Schema of an answer.
#[must_use]
pub fn schema() -> Arc<Value> {
    Arc::clone(&SCHEMA)
}

impl Question {
    /// Asks about an article. `parameters` is whatever else an answer depends on (longest answer, seed, temperature), in
    /// a form that is the same for the same parameters.
    #[must_use]
    pub fn new(title: &str, text: &str, model: &str, parameters: &str) -> Self {
        let title = harmless(title).replace('\n', " ");
        let (title, _) = cut(title.trim(), TITLE_CHARS_MAX);
        let text = harmless(text);
        let (text, is_cut) = cut(text.trim(), TEXT_CHARS_MAX);
        let id = identity(&["article", title, text]);
        let note = if is_cut { " The article is longer; its end was left out." } else { "" };
        let user = format!(
            "Analyse the article between the markers of {id}.\n\n<<<ARTICLE {id}>>>\nTitle: {title}\n\n{text}\n\
             <<<END ARTICLE {id}>>>\n\nThat was the article.{note} Answer with the JSON object about it."
        );
        Self {
            system: Arc::clone(&SYSTEM),
            user,
            schema: Arc::clone(&SCHEMA),
            schema_name: SCHEMA_NAME,
            prompt_version: PROMPT_VERSION,
            key: identity(&["content", &id.0, PROMPT_VERSION, SCHEMA_VERSION, model, parameters]),
        }
    }

    /// Asks once more, after an answer about which [`read()`] complained. It is a question of its own, with a hold of its
    /// own.
    #[must_use]
    pub fn repair(&self, complaint: &str) -> Self {
        let key = identity(&[REPAIR_VERSION, &self.key.0, complaint]);
        let user = format!("{}\n\n{}", self.user, REPAIR.trim_end().replace("{complaint}", complaint));
        Self { user, key, ..self.clone() }
    }
}

impl Inquiry for Question {
    type Answer = Reading;

    const OPERATION: &'static str = "analyze";

    fn question(&self) -> purchase::Question {
        purchase::Question {
            system: Arc::clone(&self.system),
            user: self.user.clone(),
            prompt_version: self.prompt_version,
            key: self.key.clone(),
        }
    }

    fn read(answer: &str) -> Result<Reading, String> {
        read(answer)
    }

    fn repair(&self, complaint: &str) -> Option<purchase::Question> {
        Some(Question::repair(self, complaint).question())
    }
}
