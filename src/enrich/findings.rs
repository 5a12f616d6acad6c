//! What a search found, as the journal keeps it: what is judged of it, and no more. It is judged anew for each claim.

use serde::{Deserialize, Serialize};

use crate::enrich::lexicon::Lexicon;
use crate::enrich::validation::{self, Claim, Validation};
use crate::model::{Timestamp, parse_date};
use crate::provider::adapter::Finding;

/// What is found about a claim, as the journal keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Findings(Vec<Kept>);

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    title: String,
    url: String,
    content: String,
    score: f64,
    published: Option<String>,
}

impl Findings {
    /// What they say of a claim.
    #[must_use]
    pub fn judge(&self, claim: &Claim<'_>, lexicon: &Lexicon) -> Validation {
        let findings: Vec<_> = self
            .0
            .iter()
            .map(|kept| validation::Finding {
                title: &kept.title,
                url: &kept.url,
                content: &kept.content,
                score: kept.score,
                published: kept.published.as_deref().and_then(|date| parse_date(date, Timestamp(i64::MAX / 2))),
            })
            .collect();
        validation::validate(claim, &findings, lexicon)
    }
}

impl From<Vec<Finding>> for Findings {
    fn from(findings: Vec<Finding>) -> Self {
        let keep = |finding: Finding| Kept {
            title: finding.title,
            url: finding.url,
            content: finding.content,
            score: finding.score,
            published: finding.published,
        };
        Self(findings.into_iter().map(keep).collect())
    }
}
