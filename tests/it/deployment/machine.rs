//! One machine: Docker's image, the services of compose, and systemd's unit.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use serde_json::Value;
use signalmill::api;
use signalmill::cli::args::Cli;
use signalmill::config::{Config, Environment};

use super::{list, read, root, text, texts, yaml};

const COMPOSE: &str = "deploy/docker/compose.yml";
/// Where the image has the program.
const PROGRAM: &str = "/usr/local/bin/signalmill";
/// Where compose puts secrets.
const SECRETS: &str = "/run/secrets/";

/// What the script makes for compose, by name.
fn secrets() -> (tempfile::TempDir, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("secrets.sh");
    fs::copy(root("deploy/docker/secrets.sh"), &script).unwrap();
    let made = Command::new("bash").arg(&script).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let files = fs::read_dir(folder.path().join("secrets")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    (folder, names)
}

#[test]
fn every_service_of_compose_is_watched_and_finds_what_it_names() {
    let compose = yaml(COMPOSE);
    let services = compose["services"].as_object().unwrap();
    let named =
        |key: &str| -> BTreeSet<&str> { compose[key].as_object().unwrap().keys().map(String::as_str).collect() };
    let (volumes, declared) = (named("volumes"), named("secrets"));
    let mut used = BTreeSet::new();
    for (name, service) in services {
        assert!(!list(&service["healthcheck"]["test"]).is_empty(), "{name} is watched");
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(services.contains_key(other) && how["condition"] == "service_healthy", "{name} waits for {other}");
        }
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name} is published on loopback only: {port}");
        }
        let secrets: BTreeSet<&str> = texts(&service["secrets"]).into_iter().collect();
        assert!(secrets.is_subset(&declared), "{name}: {secrets:?}");
        for value in service["environment"].as_object().into_iter().flat_map(|variables| variables.values()) {
            if let Some(file) = value.as_str().and_then(|value| value.strip_prefix(SECRETS)) {
                assert!(secrets.contains(file), "{name} is handed {file}");
            }
        }
        used.extend(secrets);
        for volume in texts(&service["volumes"]) {
            let from = volume.split(':').next().unwrap();
            let there = volumes.contains(from) || root("deploy/docker").join(from).exists();
            assert!(there, "{name} mounts {from}");
        }
        if let Some(build) = service["build"].as_object() {
            let context = root("deploy/docker").join(text(&build["context"]));
            assert!(context.join(text(&build["dockerfile"])).exists(), "{name}");
        }
    }
    assert_eq!(used, declared, "every secret is somebody's");
    let (_folder, made) = secrets();
    let files = compose["secrets"].as_object().unwrap().values().map(|secret| text(&secret["file"]));
    assert!(files.clone().all(|file| made.contains(file.strip_prefix("./secrets/").unwrap())), "{made:?}");
    assert_eq!(files.count(), made.len(), "what is made is used");
}

#[test]
fn secrets_are_written_by_their_owner_and_kept_by_their_folder() {
    let (folder, made) = secrets();
    let bits_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let secrets = folder.path().join("secrets");
    assert_eq!(bits_of(&secrets), 0o700);
    // Containers read them as other users.
    assert!(made.iter().all(|name| bits_of(&secrets.join(name)) == 0o644), "{made:?}");
}

#[test]
fn the_program_in_compose_is_configured_and_reached() {
    let compose = yaml(COMPOSE);
    let service = &compose["services"]["signalmill"];
    let (folder, _) = secrets();
    let variables: Vec<(String, String)> = service["environment"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let made = folder.path().join("secrets").display().to_string();
            (name.clone(), text(value).replace(SECRETS.trim_end_matches('/'), &made))
        })
        .collect();
    let known: BTreeSet<String> = Config::entries().into_iter().flat_map(|entry| entry.variables).collect();
    assert!(variables.iter().all(|(name, _)| known.contains(name)), "{variables:?}");
    let pairs: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let empty = folder.path().join("signalmill.toml");
    fs::write(&empty, "").unwrap();
    let config = Config::load(Some(&empty), &Environment::of(&pairs)).unwrap();
    api::check(&config).unwrap();
    assert!(config.clickhouse.password.is_some() && config.api.tokens[0].admin);
    let services = compose["services"].as_object().unwrap();
    let host = |address: &str| address.split(':').next().unwrap().to_owned();
    assert!(services.contains_key(&host(&config.kafka.brokers)), "{}", config.kafka.brokers);
    let url = config.clickhouse.url.as_str();
    assert!(services.contains_key(&host(url.strip_prefix("http://").unwrap())), "{url}");
    let published = format!("127.0.0.1:{0}:{0}", config.api.listen.port());
    assert_eq!(texts(&service["ports"]), [published]);
    let kafka = text(&services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]);
    assert!(kafka.contains(&config.kafka.brokers), "{kafka}");
    let words = texts(&service["healthcheck"]["test"]);
    let ["CMD", PROGRAM, words @ ..] = &words[..] else { panic!("{words:?}") };
    let parsed = Cli::try_parse_from(std::iter::once(&"signalmill").chain(words));
    assert!(parsed.is_ok(), "{words:?}");
}

/// The words of an instruction of the Dockerfile's last stage.
fn instruction(dockerfile: &str, name: &str) -> Vec<String> {
    let last = dockerfile.rsplit_once("\nFROM ").unwrap().1;
    let line = last.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}"));
    let words = line.trim().trim_matches(['[', ']']).split([' ', ',']);
    words.map(|word| word.trim_matches('"').to_owned()).filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_image_holds_the_program_and_runs_it_as_nobody() {
    let dockerfile = read("deploy/docker/Dockerfile");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let least = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{least}.")), "it is built by Rust {least}");
    assert_eq!(instruction(&dockerfile, "USER "), ["nonroot:nonroot"]);
    assert_eq!(instruction(&dockerfile, "ENTRYPOINT "), [PROGRAM]);
    let command = instruction(&dockerfile, "CMD ");
    assert!(Cli::try_parse_from(std::iter::once("signalmill".to_owned()).chain(command)).is_ok());
    let config = Config::default();
    let ports = [config.api.listen, config.metrics.listen].map(|listens| listens.port().to_string());
    assert_eq!(instruction(&dockerfile, "EXPOSE "), ports);
    let ignored = read(".dockerignore");
    let sent: BTreeSet<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for copied in dockerfile.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from=")) {
        for file in copied.split(' ').skip(1).filter(|word| !word.starts_with('/') && *word != ".") {
            assert!(sent.contains(file) && root(file).exists(), "{copied}: {file} is sent to the builder");
        }
    }
    assert!(sent.iter().all(|path| root(path).exists()), "{sent:?}");
    // What the compiler reads of the tree is sent too.
    for needed in ["src", "schemas", "Cargo.toml", "Cargo.lock", "README.md"] {
        assert!(sent.contains(needed), "{needed}");
    }
}

#[test]
fn systemd_starts_the_program_as_it_is() {
    let unit = read("deploy/systemd/signalmill.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[0], PROGRAM);
    assert!(Cli::try_parse_from(&words).is_ok(), "{command}");
    let known: BTreeSet<String> = Config::entries().into_iter().flat_map(|entry| entry.variables).collect();
    for variable in unit.lines().filter_map(|line| line.trim_start_matches("# ").strip_prefix("Environment=")) {
        let (name, file) = variable.split_once('=').unwrap();
        assert!(known.contains(name), "{variable}");
        let credential = file.strip_prefix("%d/").unwrap();
        assert!(unit.contains(&format!("LoadCredential={credential}:")), "{variable}");
    }
    // The unit is verified with the program at hand in the place of the one that an operator installs.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signalmill.service");
    fs::write(&file, unit.replace(PROGRAM, env!("CARGO_BIN_EXE_signalmill"))).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).into_owned();
            assert!(verified.status.success() && said.is_empty(), "{said}");
        }
        Err(error) => println!("skipped: systemd-analyze: {error}"),
    }
}

#[test]
fn the_program_in_compose_can_do_little() {
    let compose = yaml(COMPOSE);
    let program = &compose["services"]["signalmill"];
    assert_eq!((&program["read_only"], &program["restart"]), (&Value::Bool(true), &Value::from("unless-stopped")));
    assert_eq!(texts(&program["cap_drop"]), ["ALL"]);
    assert_eq!(texts(&program["security_opt"]), ["no-new-privileges:true"]);
    // The image ends the server that has made the users, which runs as another user than whoever ends it.
    assert!(texts(&compose["services"]["clickhouse"]["cap_add"]).contains(&"KILL"));
}
