//! `serve`: the API and the page, without the hops; `--demo` is the demo without its report.

use super::{demo, run};
use crate::cli::SERVE;
use crate::cli::args::{Demo, Run, Serve};
use crate::config::{Config, Llm, Tavily};

pub(super) async fn run(args: Serve, config: Config, as_json: bool) -> anyhow::Result<()> {
    if args.demo {
        // No key of a real provider: somebody who wants to see the page does not mean to pay for that.
        let config = Config { llm: Llm::default(), tavily: Tavily::default(), ..config };
        return demo::run(Demo { once: false, lexicon: false, quiet: true }, config, as_json).await;
    }
    run::run(Run { stages: SERVE.parse()?, no_create: args.no_create }, config).await
}
