//! The program. Everything it does stands in the library.

use std::process::ExitCode;

use clap::Parser as _;
use signalmill::cli::{self, args::Cli};

// Long-running hops allocate and free records of all sizes on many threads: the system's allocator keeps what they
// gave back in fragments.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = cli::code(&error);
            if code != 0 {
                eprintln!("signalmill: {error:#}");
            }
            ExitCode::from(code)
        }
    }
}
