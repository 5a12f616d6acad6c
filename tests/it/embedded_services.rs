//! Both services at once, as the demo uses them.

use std::path::Path;

use signalmill::embedded::Services;

#[test]
fn both_start_stop_and_start_again_on_their_data() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_signalmill"));
    let mut services = Services::start(folder.path(), program).unwrap();
    assert!(services.kafka.topics().is_ok());
    assert!(services.clickhouse.url().starts_with("http://127.0.0.1:"));
    let pids = [services.kafka.pid(), services.clickhouse.pid()];
    services.stop().unwrap();
    services.stop().unwrap();
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
    let again = Services::start(folder.path(), program).unwrap();
    assert!(again.kafka.topics().is_ok());
}
