//! `health`: whether the process that runs beside this one with the same configuration is well, as its own `/live` or
//! `/ready` says. For the health checks of containers, which hold no other program that could ask.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cli::Usage;
use crate::cli::args::Health;
use crate::cli::output;
use crate::config::Config;

/// How long an answer may take: it is made of what the process knows, and nobody else is asked for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read: it has a line for each stage.
const ANSWER_BYTES_MAX: u64 = 1 << 16;

pub(super) async fn run(asked: &Health, config: &Config, as_json: bool) -> anyhow::Result<()> {
    let address = reachable(config.metrics.listen)?;
    let page = if asked.ready { "/ready" } else { "/live" };
    let answer = tokio::time::timeout(PATIENCE, ask(address, page)).await;
    let answer = answer.map_err(|_| anyhow::anyhow!("no answer within {PATIENCE:?}")).flatten();
    let (is_well, body) = answer.with_context(|| format!("asking {address}{page}"))?;
    let out = &mut io::stdout().lock();
    if as_json {
        output::write_json(out, &body)?;
    }
    if !is_well {
        bail!("{}", complaint(&body));
    }
    if !as_json {
        writeln!(out, "{}", body["status"].as_str().unwrap_or("well"))?;
    }
    Ok(())
}

/// Where this machine reaches a listener.
fn reachable(listen: SocketAddr) -> Result<SocketAddr, Usage> {
    if listen.port() == 0 {
        return Err(Usage(
            "metrics.listen: port 0 is another one each time, so it cannot be asked: choose one".to_owned(),
        ));
    }
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Ok(SocketAddr::new(address, listen.port()))
}

/// Whether the status of a page is 200, and its body.
async fn ask(address: SocketAddr, page: &str) -> anyhow::Result<(bool, Value)> {
    let mut stream = TcpStream::connect(address).await?;
    // By HTTP/1.0 the body comes in one piece and ends with the connection: nothing of the protocol is left to be read.
    stream.write_all(format!("GET {page} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("what answers does not speak HTTP")?;
    let is_well = head.split_whitespace().nth(1) == Some("200");
    Ok((is_well, serde_json::from_str(body).context("what answers is not signalmill")?))
}

/// What is wrong, in a line.
fn complaint(body: &Value) -> String {
    let components = body["components"].as_array().into_iter().flatten().map(|component| {
        let text = |field: &str| component[field].as_str().unwrap_or_default();
        let why = component["why"].as_str().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} {}{why}", text("name"), text("state"))
    });
    let complaint = body["error"]["message"].as_str().unwrap_or("no reason is given").to_owned();
    output::harmless(&std::iter::once(complaint).chain(components).collect::<Vec<_>>().join("; ")).into_owned()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::Clock;
    use crate::observe::{self, Kind};

    #[test]
    fn a_listener_is_asked_where_this_machine_reaches_it() {
        for (listen, asked) in [
            ("127.0.0.1:9464", Some("127.0.0.1:9464")),
            ("0.0.0.0:9464", Some("127.0.0.1:9464")),
            ("[::]:9464", Some("[::1]:9464")),
            ("10.0.0.7:80", Some("10.0.0.7:80")),
            ("127.0.0.1:0", None),
        ] {
            let reached = reachable(listen.parse().unwrap()).ok();
            assert_eq!(reached, asked.map(|address| address.parse().unwrap()), "{listen}");
        }
    }

    #[tokio::test]
    async fn a_process_says_how_it_is() {
        let health = observe::Health::new(Clock::system());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::default();
        config.metrics.listen = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = observe::serve(listener, observe::router(health.clone()), async {
            let _ = stopped.await;
        });
        let asking = async {
            let say = |ready| {
                let config = config.clone();
                async move { run(&Health { ready }, &config, false).await.map_err(|error| format!("{error:#}")) }
            };
            let hop = health.component(Kind::Hop, "health/test");
            assert_eq!(say(false).await, Ok(()), "it starts, and is alive");
            assert_eq!(say(true).await, Err("not every hop is ready; health/test starting".to_owned()));
            hop.waiting("kafka:\naway");
            assert_eq!(say(true).await, Err("not every hop is ready; health/test waiting (kafka: away)".to_owned()));
            hop.ready();
            assert_eq!(say(true).await, Ok(()));
            hop.failed("its task died");
            assert_eq!(say(false).await, Err("a hop has ended; health/test failed (its task died)".to_owned()));
            stop.send(()).unwrap();
        };
        let (served, ()) = tokio::join!(serving, asking);
        served.unwrap();
        let away = run(&Health { ready: false }, &config, false).await.unwrap_err();
        assert!(format!("{away:#}").contains("/live: Connection refused"), "{away:#}");
    }
}
