//! What a broker does not allow, and how it says so.

use std::time::Duration;

use embedded_broker::{BrokerConfig, BrokerError, EmbeddedBroker};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiVersionsRequest;

use crate::client::{Client, broker, plain};

#[test]
fn a_second_broker_on_a_folder_is_refused_with_what_to_do() {
    let broker = broker();
    let error = EmbeddedBroker::start(BrokerConfig::new(broker.folder.path())).unwrap_err();
    assert!(matches!(error, BrokerError::FolderInUse { .. }));
    let text = error.to_string();
    assert!(
        text.contains(broker.folder.path().to_str().unwrap()) && text.contains("folder of its own"),
        "{text}"
    );
    let broker = broker.restart();
    assert_eq!(broker.client().call(0, &ApiVersionsRequest::default()).error_code, 0);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let broker = broker();
    let folder = tempfile::tempdir().unwrap();
    let config = BrokerConfig::new(folder.path()).listen(broker.broker.address());
    let error = EmbeddedBroker::start(config).unwrap_err();
    assert!(matches!(error, BrokerError::Listen { .. }));
    assert!(error.to_string().contains(&broker.broker.address().to_string()), "{error}");
}

#[test]
fn damaged_metadata_is_told_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metadata.json");
    std::fs::write(&path, "{\"format\":1,").unwrap();
    for _ in 0..2 {
        let error = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap_err();
        assert!(matches!(error, BrokerError::DamagedMetadata { .. }), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"format\":1,");
}

#[test]
fn a_log_damaged_after_a_clean_end_is_told_every_time_and_not_cut() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    client.produce("night", 0, plain(&["a"]));
    let (folder, broker) = (broker.folder, broker.broker);
    broker.shutdown();
    let segment = folder.path().join("topics/night/0/00000000000000000000.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[16] = 9;
    std::fs::write(&segment, &bytes).unwrap();
    for _ in 0..2 {
        let error = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap_err();
        assert!(matches!(error, BrokerError::DamagedLog { position: 0, .. }), "{error}");
    }
    assert_eq!(std::fs::read(&segment).unwrap(), bytes);
}

#[test]
fn connections_beyond_the_limit_are_closed_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = BrokerConfig::new(folder.path());
    config.max_connections = 2;
    let broker = EmbeddedBroker::start(config).unwrap();
    let mut served: Vec<_> = (0..2).map(|_| Client::connect(broker.address())).collect();
    for client in &mut served {
        client.call(0, &ApiVersionsRequest::default());
    }
    assert!(Client::connect(broker.address()).is_closed());
    for client in &mut served {
        client.call(0, &ApiVersionsRequest::default());
    }
}

#[test]
fn more_topics_than_open_files_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = BrokerConfig::new(folder.path());
    config.max_open_files = 8;
    config.upkeep_interval = Duration::from_millis(20);
    let broker = EmbeddedBroker::start(config.clone()).unwrap();
    let mut client = Client::connect(broker.address());
    for number in 0..50 {
        client.create(&format!("night-{number}"), 10);
        for partition in 0..10 {
            client.produce(&format!("night-{number}"), partition, plain(&["a", "b"]));
        }
    }
    let open = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let segments =
        open.filter(|path| path.starts_with(folder.path()) && path.extension() == Some("log".as_ref()));
    assert!(segments.count() <= 10);
    broker.shutdown();
    let broker = EmbeddedBroker::start(config).unwrap();
    let mut client = Client::connect(broker.address());
    for number in 0..50 {
        assert_eq!(client.ends(&format!("night-{number}"), 9), (0, 2));
    }
}

#[test]
fn settings_hold_from_the_next_batch_on() {
    let broker = broker();
    let mut client = broker.client();
    client.create_with("small", 1, &[("max.message.bytes", "100")]);
    let large = client.try_produce("small", 0, plain(&[&"x".repeat(200)]));
    assert_eq!(large.error_code, ResponseError::MessageTooLarge.code());
    client.create_with("safe", 1, &[("min.insync.replicas", "2")]);
    assert_eq!(
        client.try_produce("safe", 0, plain(&["a"])).error_code,
        ResponseError::NotEnoughReplicas.code()
    );
}

#[tokio::test]
async fn a_broker_may_live_and_die_inside_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    assert_eq!(broker.bootstrap(), broker.address().to_string());
    drop(broker);
    EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap().shutdown();
}
