//! Everything in `deploy/` that runs the program, against what the program is: hops, stages, keys, secrets, ports.
//!
//! Without a cluster and without Docker: what is written is read, and what it names must be there.

mod machine;
mod operator;
mod providers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use serde_json::Value;
use signalmill::api;
use signalmill::cli::args::Cli;
use signalmill::cli::{SERVE, Stages};
use signalmill::config::{Config, Environment, Provider};
use signalmill::pipeline::HOPS;

/// The label by which a Deployment's pods are told from others.
const COMPONENT: &str = "app.kubernetes.io/component";
/// The label that all pods have.
const NAME: &str = "app.kubernetes.io/name";
/// Kinds that Kubernetes itself knows, so that its schemas do.
const OWN_KINDS: [&str; 4] = ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"];
/// The version that `deploy/local/tools.sh` installs.
const VALIDATE: &str = "kubernetes-validate-1.37.0";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().map(text).collect()
}

/// Every object that `kubectl apply -k` makes of the files, as they stand: without components.
fn objects() -> Vec<Value> {
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    let mut objects = Vec::new();
    for file in texts(&kustomization["resources"]) {
        let object = yaml(&format!("deploy/kubernetes/{file}"));
        match object["kind"].as_str() {
            Some("List") => objects.extend(list(&object["items"]).to_vec()),
            _ => objects.push(object),
        }
    }
    assert!(objects.len() > 20, "the objects are found: {}", objects.len());
    objects
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    objects
        .iter()
        .filter(move |object| object["kind"] == kind)
        .map(|object| (text(&object["metadata"]["name"]), object))
}

/// The one container of a Deployment.
fn container<'a>(name: &str, deployment: &'a Value) -> &'a Value {
    let containers = list(&deployment["spec"]["template"]["spec"]["containers"]);
    assert_eq!(containers.len(), 1, "{name}");
    &containers[0]
}

fn partitions(config: &Config) -> u64 {
    u64::try_from(config.kafka.partitions).unwrap()
}

/// Whether pods with these labels are selected.
fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    let within = |rule: &Value| rule["operator"] == "In" && list(&rule["values"]).contains(&labels[text(&rule["key"])]);
    equal && list(&selector["matchExpressions"]).iter().all(within)
}

#[test]
fn every_hop_has_one_deployment_that_runs_it() {
    let objects = objects();
    let mut runs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, deployment) in of_kind(&objects, "Deployment") {
        let args = texts(&container(name, deployment)["args"]);
        let parsed = Cli::try_parse_from(std::iter::once("signalmill").chain(args.iter().copied()));
        assert!(parsed.is_ok(), "{name}: {args:?}: {}", parsed.unwrap_err());
        let stages = args.iter().skip_while(|word| **word != "--stages").nth(1).unwrap();
        let stages: Stages = stages.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        for stage in stages.names() {
            runs.entry((*stage).to_owned()).or_default().push(name);
        }
        assert_eq!(stages.to_string().replace('/', "-"), name, "a Deployment is called as what it runs");
    }
    let expected: BTreeSet<String> = HOPS.iter().map(|hop| hop.name.to_owned()).chain([SERVE.to_owned()]).collect();
    assert_eq!(runs.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(runs.values().all(|names| names.len() == 1), "{runs:?}");
}

#[test]
fn every_pod_is_probed_bounded_and_harmless() {
    let objects = objects();
    for (name, deployment) in of_kind(&objects, "Deployment") {
        let pod = &deployment["spec"]["template"];
        assert!(selects(&deployment["spec"]["selector"], &pod["metadata"]["labels"]), "{name} finds its own pods");
        assert_eq!(pod["metadata"]["labels"][NAME], "signalmill", "{name}");
        let spec = &pod["spec"];
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert!(spec["terminationGracePeriodSeconds"].as_u64() >= Some(30), "{name} has time to drain");
        let container = container(name, deployment);
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(texts(&security["capabilities"]["drop"]), ["ALL"], "{name}");
        let ports: Vec<&str> = list(&container["ports"]).iter().map(|port| text(&port["name"])).collect();
        for (probe, path) in [("startupProbe", "/live"), ("livenessProbe", "/live"), ("readinessProbe", "/ready")] {
            let asked = &container[probe]["httpGet"];
            assert_eq!(asked["path"], path, "{name} {probe}");
            assert!(ports.contains(&text(&asked["port"])), "{name} {probe}");
        }
        let resources = &container["resources"];
        for (kind, unit) in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")] {
            assert!(!resources[kind][unit].is_null(), "{name}: {kind} of {unit}");
        }
        let volumes: Vec<&str> = list(&spec["volumes"]).iter().map(|volume| text(&volume["name"])).collect();
        for mount in list(&container["volumeMounts"]) {
            assert!(volumes.contains(&text(&mount["name"])) && mount["readOnly"] == true, "{name}: {mount}");
        }
    }
}

/// The variables of a container.
fn variables(container: &Value) -> BTreeSet<&str> {
    list(&container["env"]).iter().map(|variable| text(&variable["name"])).collect()
}

/// Whether a volume of the pod puts the `file` of a Secret into `folder`.
fn is_mounted(pod: &Value, folder: &str, file: &str) -> bool {
    let mounts = list(&pod["containers"][0]["volumeMounts"]);
    let Some(mount) = mounts.iter().find(|mount| mount["mountPath"] == folder) else { return false };
    let Some(volume) = list(&pod["volumes"]).iter().find(|volume| volume["name"] == mount["name"]) else {
        return false;
    };
    let items = list(&volume["secret"]["items"]);
    // Without a list all of the Secret is there.
    volume["secret"].is_object()
        && (items.is_empty() || items.iter().any(|item| item["key"] == file && item["path"] == file))
}

/// The configuration as a pod has it, with every secret that its variables name.
fn config_of(name: &str, deployment: &Value) -> Config {
    let secrets = tempfile::tempdir().unwrap();
    let variables: Vec<(String, String)> = list(&container(name, deployment)["env"])
        .iter()
        .map(|variable| {
            let (name, path) = (text(&variable["name"]), text(&variable["value"]));
            let (folder, file) = path.rsplit_once('/').unwrap();
            assert!(is_mounted(&deployment["spec"]["template"]["spec"], folder, file), "{path} is there");
            assert_eq!(name, format!("{file}_FILE"), "a secret's file is called as its variable");
            let made = secrets.path().join(file);
            fs::write(&made, "a-secret-token=admin:admin").unwrap();
            (name.to_owned(), made.display().to_string())
        })
        .collect();
    let known: BTreeSet<String> = Config::entries().into_iter().flat_map(|entry| entry.variables).collect();
    assert!(variables.iter().all(|(name, _)| known.contains(name)), "{variables:?}");
    let pairs: Vec<(&str, &str)> = variables.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    Config::load(Some(&root("deploy/kubernetes/signalmill.toml")), &Environment::of(&pairs)).unwrap()
}

#[test]
fn every_pod_reads_its_configuration_and_listens_where_it_is_asked() {
    let objects = objects();
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    assert_eq!(kustomization["configMapGenerator"][0]["name"], "signalmill");
    assert_eq!(texts(&kustomization["configMapGenerator"][0]["files"]), ["signalmill.toml"]);
    let version = text(&kustomization["images"][0]["newTag"]);
    assert_eq!(version, env!("CARGO_PKG_VERSION"), "the image is of this version");
    // The command in the file makes the secret that all pods mount.
    let makes = read("deploy/kubernetes/kustomization.yaml");
    let scaled: BTreeSet<&str> = of_kind(&objects, "ScaledObject").map(|(name, _)| name).collect();
    for (name, deployment) in of_kind(&objects, "Deployment") {
        let container = container(name, deployment);
        assert_eq!(container["image"], kustomization["images"][0]["name"], "{name}");
        let config = config_of(name, deployment);
        if name == SERVE {
            api::check(&config).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for variable in variables(container) {
            let file = variable.trim_end_matches("_FILE");
            assert!(makes.contains(&format!("--from-file={file}=")), "{name}: {file}");
        }
        for port in list(&container["ports"]) {
            let listens = match text(&port["name"]) {
                "http" => config.api.listen,
                _ => config.metrics.listen,
            };
            assert_eq!(port["containerPort"], listens.port(), "{name}");
            assert!(!listens.ip().is_loopback(), "{name} is reached from outside");
        }
        let replicas = deployment["spec"]["replicas"].as_u64();
        assert_eq!(replicas.is_none(), scaled.contains(name), "{name}: one alone says how many there are");
        assert!(replicas <= Some(partitions(&config)), "{name} has as many workers as partitions at most");
    }
}

#[test]
fn what_stands_there_asks_nobody_for_money() {
    let objects = objects();
    for (name, deployment) in of_kind(&objects, "Deployment") {
        let mut needs = BTreeSet::from(["CLICKHOUSE_PASSWORD_FILE"]);
        if name == SERVE {
            needs.insert("SIGNALMILL_API_TOKENS_FILE");
        }
        assert_eq!(variables(container(name, deployment)), needs, "{name}");
        let Config { llm, tavily, coinalyze, .. } = config_of(name, deployment);
        assert_eq!(llm.provider, Provider::Lexicon, "{name}");
        assert!(!tavily.enabled && !coinalyze.enabled, "{name}");
    }
}

#[test]
fn what_the_manifests_name_is_there() {
    let objects = objects();
    let labels: BTreeMap<&str, &Value> = of_kind(&objects, "Deployment")
        .map(|(name, it)| (name, &it["spec"]["template"]["metadata"]["labels"]))
        .collect();
    let selected = |selector: &Value| -> Vec<&str> {
        labels.iter().filter(|(_, labels)| selects(selector, labels)).map(|(name, _)| *name).collect()
    };
    for (name, scaled) in of_kind(&objects, "ScaledObject") {
        // One partition is all that these have to do: see the file.
        assert!(!["enrich-articles", "enrich-market"].contains(&name), "{name} is not scaled");
        let target = text(&scaled["spec"]["scaleTargetRef"]["name"]);
        assert!(labels.contains_key(target) && target == name, "{name} scales {target}");
        let query = text(&scaled["spec"]["triggers"][0]["metadata"]["query"]);
        let hop = query.split('"').nth(1).unwrap();
        assert!(HOPS.iter().any(|line| line.name == hop) && hop.replace('/', "-") == name, "{name}: {query}");
        let config = Config::load(Some(&root("deploy/kubernetes/signalmill.toml")), &Environment::default()).unwrap();
        assert!(scaled["spec"]["maxReplicaCount"].as_u64() <= Some(partitions(&config)), "{name}");
    }
    for (name, budget) in of_kind(&objects, "PodDisruptionBudget") {
        assert_eq!(selected(&budget["spec"]["selector"]), [name], "a budget is of one Deployment");
    }
    let budgets: BTreeSet<&str> = of_kind(&objects, "PodDisruptionBudget").map(|(name, _)| name).collect();
    assert_eq!(budgets, labels.keys().copied().collect(), "every Deployment has its budget");
    for (name, service) in of_kind(&objects, "Service") {
        assert_eq!(selected(&serde_json::json!({ "matchLabels": service["spec"]["selector"] })), [name]);
        let (_, deployment) = of_kind(&objects, "Deployment").find(|(deployment, _)| *deployment == name).unwrap();
        let ports = list(&container(name, deployment)["ports"]);
        for port in list(&service["spec"]["ports"]) {
            assert!(ports.iter().any(|named| named["name"] == port["targetPort"]), "{name}: {port}");
        }
    }
    for (name, policy) in of_kind(&objects, "NetworkPolicy") {
        let found = selected(&policy["spec"]["podSelector"]);
        let expected = policy["spec"]["podSelector"]["matchExpressions"][0]["values"].as_array().map_or(1, Vec::len);
        assert!(found.len() >= expected, "{name} is about {found:?}");
    }
    let (_, monitor) = of_kind(&objects, "PodMonitor").next().unwrap();
    assert_eq!(selected(&monitor["spec"]["selector"]).len(), labels.len(), "every pod is watched");
    let job = text(&monitor["spec"]["jobLabel"]);
    let jobs: BTreeSet<&str> = labels.values().map(|labels| text(&labels[job])).collect();
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let named = text(&prometheus["scrape_configs"][0]["job_name"]);
    assert_eq!(jobs, BTreeSet::from([named]), "the rules ask for one job, whoever scrapes it");
    assert!(labels.iter().all(|(name, labels)| labels[COMPONENT] == *name));
}

/// The pages of the network policies let through what the configuration asks for.
#[test]
fn the_network_lets_through_what_the_configuration_needs() {
    let objects = objects();
    let config = Config::load(Some(&root("deploy/kubernetes/signalmill.toml")), &Environment::default()).unwrap();
    let (_, policy) = of_kind(&objects, "NetworkPolicy").find(|(name, _)| *name == "signalmill").unwrap();
    let goes: BTreeSet<u64> = list(&policy["spec"]["egress"])
        .iter()
        .flat_map(|rule| list(&rule["ports"]))
        .filter_map(|port| port["port"].as_u64())
        .collect();
    let port_of = |address: &str| address.rsplit_once(':').unwrap().1.parse::<u64>().unwrap();
    for needed in [port_of(&config.kafka.brokers), port_of(config.clickhouse.url.as_str()), 53] {
        assert!(goes.contains(&needed), "{needed} of {goes:?}");
    }
    let comes = &policy["spec"]["ingress"][0]["ports"][0]["port"];
    assert_eq!(*comes, config.metrics.listen.port());
    let (_, serve) = of_kind(&objects, "NetworkPolicy").find(|(name, _)| *name == "serve").unwrap();
    assert_eq!(serve["spec"]["ingress"][0]["ports"][0]["port"], config.api.listen.port());
}

/// Where it is installed; `None` where nobody asked for it to be.
fn validate() -> Option<PathBuf> {
    let environment = Environment::process();
    let cache = environment.get("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".cache")))?;
    let program = cache.join("signalmill-tools").join(VALIDATE).join("bin/kubernetes-validate");
    if !program.exists() {
        println!("skipped: no {}; deploy/local/test.sh installs it", program.display());
        return None;
    }
    Some(program)
}

#[test]
fn kubernetes_knows_every_field() {
    let Some(program) = validate() else { return };
    for objects in [objects(), providers::objects_with_keys()] {
        let own: Vec<String> = objects
            .iter()
            .filter(|object| OWN_KINDS.contains(&text(&object["kind"])))
            .map(|object| format!("---\n{object}\n"))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.yaml");
        fs::write(&file, own.concat()).unwrap();
        let output = Command::new(&program).arg("--strict").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches(" passed for resource ").count(), own.len(), "{said}");
    }
}
