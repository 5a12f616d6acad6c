//! Kafka behind TLS, logins, certificates and access rules: the program works with the least that `deploy/kafka/acls.sh`
//! gives, and says what is wrong where it is given less, without telling a secret.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use signalmill::embedded::fetch::KAFKA_VERSION;
use tempfile::TempDir;

use crate::mill::Mill;
use crate::stack::{Raw, Stack};
use crate::texts;

const PASSWORD: &str = "a-password-that-must-be-seen-nowhere";
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
const PATIENCE: Duration = Duration::from_mins(1);
/// The test's topics begin with it.
const PREFIX: &str = "secured.";

/// Certificates of an authority, of the broker and of a client, and of an authority that nobody trusts.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Self {
        let all = Self(tempfile::tempdir().unwrap());
        for authority in ["ca", "stranger"] {
            all.openssl(&format!(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.crt"
            ));
        }
        for (name, more) in [("broker", "subjectAltName=IP:127.0.0.1"), ("signalmill", "extendedKeyUsage=clientAuth")] {
            fs::write(all.file(&format!("{name}.ext")), more).unwrap();
            all.openssl(&format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
            all.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.crt"
            ));
        }
        let parts = ["broker.key", "broker.crt"].map(|name| fs::read_to_string(all.file(name)).unwrap());
        fs::write(all.file("broker.pem"), parts.concat()).unwrap();
        all
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        run(Command::new("openssl").args(arguments.split(' ')).current_dir(self.0.path()));
    }
}

/// The jar of Kafka's tools for operators, of the broker's version; fetched once, as the build's products are.
fn tools() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka-tools");
    let jar = folder.join(format!("kafka-tools-{KAFKA_VERSION}.jar"));
    if !jar.exists() {
        run(Command::new("mvn")
            .args(["--batch-mode", "--quiet", COPY])
            .arg(format!("-Dartifact=org.apache.kafka:kafka-tools:{KAFKA_VERSION}"))
            .arg(format!("-DoutputDirectory={}", folder.display())));
    }
    jar
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// Ports that nobody had a moment ago.
fn free<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A broker that is open to the machine's own tools (`PLAINTEXT`, anonymous and mighty), and closed to everybody else: a
/// listener with logins, and one with certificates.
struct Fortress {
    stack: Stack,
    certificates: Certificates,
    login: String,
    mutual: String,
}

impl Fortress {
    fn build() -> Self {
        let certificates = Certificates::make();
        let [plain, controller, login, mutual] = free::<4>();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let outside = format!("PLAINTEXT://{},LOGIN://{},MUTUAL://{}", at(plain), at(login), at(mutual));
        let keystore = certificates.file("broker.pem").display().to_string();
        let truststore = certificates.file("ca.crt").display().to_string();
        let plain_login =
            format!("org.apache.kafka.common.security.plain.PlainLoginModule required user_signalmill=\"{PASSWORD}\";");
        let properties = [
            ("listeners", format!("{outside},CONTROLLER://{}", at(controller))),
            ("advertised.listeners", outside),
            ("controller.quorum.bootstrap.servers", at(controller)),
            (
                "listener.security.protocol.map",
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MUTUAL:SSL".to_owned(),
            ),
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", keystore),
            ("ssl.truststore.type", "PEM".to_owned()),
            ("ssl.truststore.location", truststore),
            ("listener.name.mutual.ssl.client.auth", "required".to_owned()),
            ("listener.name.login.sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512".to_owned()),
            ("listener.name.login.plain.sasl.jaas.config", plain_login),
            (
                "listener.name.login.scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
            ),
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()),
            ("super.users", "User:ANONYMOUS".to_owned()),
        ];
        let lines: Vec<(&str, &str)> = properties.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let stack = Stack::own_at("fortress", Some(plain), &lines);
        run(stack
            .services
            .kafka
            .tool("kafka.admin.ConfigCommand")
            .args(["--bootstrap-server", &stack.brokers, "--alter", "--entity-type", "users"])
            .args(["--entity-name", "signalmill", "--add-config", &format!("SCRAM-SHA-512=[password={PASSWORD}]")]));
        Self { stack, certificates, login: at(login), mutual: at(mutual) }
    }

    /// Lets `worker` do what a worker needs, by the script that operators run.
    fn admit(&self, worker: &str) {
        let tool = self.stack.services.kafka.tool("org.apache.kafka.tools.AclCommand");
        let words: Vec<String> = std::iter::once(tool.get_program())
            .chain(tool.get_args())
            .map(|word| word.to_string_lossy().into())
            .collect();
        let tools = tools().display().to_string();
        // Behind the class path: a broker needs no tools, and has none in it.
        let more = |word: &str| if word.contains("kafka-clients") { format!(":{tools}") } else { String::new() };
        let words: Vec<String> = words.iter().map(|word| format!("'{word}{}'", more(word))).collect();
        let shim = self.certificates.file("kafka-acls.sh");
        fs::write(&shim, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "))).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/acls.sh");
        run(Command::new(script)
            .arg(&self.stack.brokers)
            .env("KAFKA_ACLS", shim)
            .env("WORKER", worker)
            .env("PREFIX", PREFIX));
    }

    /// An installation whose processes come by the listener with logins.
    fn by_login(&self, mechanism: &str, password: &str) -> Mill {
        self.mill(&self.login)
            .set("kafka.security.protocol", "sasl_ssl")
            .set("kafka.security.mechanism", mechanism)
            .set("kafka.security.username", "signalmill")
            .variable("KAFKA_PASSWORD", password)
    }

    fn mill(&self, brokers: &str) -> Mill {
        let authority = self.certificates.file("ca.crt").display().to_string();
        Mill::on(&self.stack, PREFIX.trim_end_matches('.'))
            .set("kafka.brokers", brokers)
            .set("kafka.security.ca_file", &authority)
    }
}

/// Whether `check` lets somebody in, and what it says.
fn check(mill: &Mill) -> (bool, String) {
    let output = mill.command(&["check"], "");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains(PASSWORD), "{said}");
    (said.contains("answers"), said)
}

#[test]
fn the_least_rights_are_enough_and_less_is_said() {
    let fortress = Fortress::build();

    let scram = fortress.by_login("SCRAM-SHA-512", PASSWORD);
    let (_, said) = check(&scram);
    assert!(said.contains("topic") && said.contains("failed"), "who may see no topic is told so: {said}");
    fortress.admit("User:signalmill");
    let mut worker = scram.start_ready();
    scram.produce("articles.raw", &[Raw { value: Some(texts::json(1).into_bytes()), ..Raw::default() }]);
    scram.until_answer("SELECT count() FROM signals_v", "1", PATIENCE);
    assert_eq!(worker.page("/ready").unwrap().0, 200);
    assert!(!worker.log().contains(PASSWORD));
    assert!(worker.stop().0.success());

    assert!(check(&fortress.by_login("PLAIN", PASSWORD)).0);
    for wrong in [fortress.by_login("PLAIN", "guessed"), fortress.by_login("SCRAM-SHA-512", "guessed")] {
        let (admitted, said) = check(&wrong);
        assert!(!admitted && !said.contains("guessed"), "{said}");
    }

    let stranger = fortress.certificates.file("stranger.crt").display().to_string();
    let misled = fortress.by_login("PLAIN", PASSWORD).set("kafka.security.ca_file", &stranger);
    assert!(!check(&misled).0, "a broker that cannot prove itself is not spoken to");

    let mutual = |mill: Mill| mill.set("kafka.security.protocol", "ssl");
    assert!(!check(&mutual(fortress.mill(&fortress.mutual))).0, "nobody is let in without a certificate");
    let file = |name: &str| fortress.certificates.file(name).display().to_string();
    let certified = mutual(fortress.mill(&fortress.mutual))
        .set("kafka.security.cert_file", &file("signalmill.crt"))
        .set("kafka.security.key_file", &file("signalmill.key"));
    fortress.admit("User:CN=signalmill");
    let (admitted, said) = check(&certified);
    assert!(admitted && !said.contains("missing"), "{said}");
}
