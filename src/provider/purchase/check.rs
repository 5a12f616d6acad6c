//! Whether models can be asked at all: found out before anything is started for them.

use anyhow::bail;

use crate::config;
use crate::model::Timestamp;
use crate::provider::adapter::{self, Http, Llm};
use crate::provider::price::Catalog;

/// Whether the configured model, and `others` of its service, can be asked: key, address, prices. So it is where none is
/// configured.
///
/// # Errors
/// What a person has to mend.
pub fn check<'a>(
    config: &'a config::Llm,
    others: impl IntoIterator<Item = &'a str>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Some(llm) = Llm::new(config, &Http::new()?)? else { return Ok(()) };
    let catalog = Catalog::configured(config)?;
    for model in others.into_iter().chain([adapter::model(config)]) {
        if catalog.price(llm.name(), model, now).is_none() {
            bail!(
                "the model {model} of {} has no price today, and what has no price is not bought: choose another \
                 llm.model, or name its price in a file of your own (llm.prices_file)",
                llm.name()
            );
        }
    }
    Ok(())
}
