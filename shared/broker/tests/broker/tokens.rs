//! Tokens: taken in time, renewed in time, and what happens where there is none.

use crate::{
    cluster::{Cluster, FERRY, USERS},
    conformance::{PARTITIONS, arrived},
};
use broker::{BrokerError, Compression, Existing, Kafka, KafkaConfig, Security, Token, TokenSource};
use job::ErrorKind;
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Makes tokens that Apache Kafka takes without a signature.
struct Unsigned {
    user: &'static str,
    life: Duration,
    made: AtomicU64,
}

impl Unsigned {
    fn new(user: &'static str, life: Duration) -> Arc<Self> {
        Arc::new(Self { user, life, made: AtomicU64::new(0) })
    }
}

impl TokenSource for Unsigned {
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now();
        let expires = now + self.life;
        let second = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let claims =
            format!(r#"{{"sub":"{}","iat":{:.3},"exp":{:.3}}}"#, self.user, second(now), second(expires));
        let value = format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(claims.as_bytes()));
        Ok(Token { value, principal: self.user.to_owned(), expires })
    }
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .map(|place| LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char)
            .collect::<String>()
    };
    bytes.chunks(3).map(letters).collect()
}

fn by(source: Arc<dyn TokenSource>) -> Security {
    Security::Tokens { source, tls: false }
}

fn kafka(source: Arc<dyn TokenSource>) -> Kafka {
    let bootstrap = USERS.bootstrap_for_tokens();
    Kafka::new(KafkaConfig { security: by(source), ..KafkaConfig::plaintext(bootstrap) }).unwrap()
}

/// The service by tokens, readers without a name.
pub fn cluster() -> Cluster {
    Cluster::with_users(&USERS.bootstrap_for_tokens(), by(Unsigned::new(FERRY.0, Duration::from_secs(3600))))
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_outlive_their_tokens() {
    // The broker ends a connection with its token: every client here needs several.
    const LIFE: Duration = Duration::from_secs(6);
    const UNDER_WAY: Duration = Duration::from_secs(22);
    let source = Unsigned::new(FERRY.0, LIFE);
    let (kafka, topic) = (kafka(source.clone()), cluster().topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let mut publisher = kafka.publisher(&topic, 1, &[0; PARTITIONS], Compression::Lz4).unwrap();
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < UNDER_WAY {
        for partition in 0..PARTITIONS {
            publisher.send(partition as i32, b"alert", &|| false).unwrap();
        }
        sent += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        // From time to time what asks, makes, reads and deletes is used too: kept clients that were idle meanwhile.
        if sent % 200 == 0 {
            let other = cluster().topic();
            kafka.create_topics(&other, 1, Existing::Refuse).await.unwrap();
            kafka.publish_schema(&other, "{}").await.unwrap();
            kafka.delete_topics(&other).await.unwrap();
            arrived(&kafka, &topic, 1, vec![0; PARTITIONS], vec![0; PARTITIONS]).await.unwrap();
        }
    }
    assert_eq!(publisher.finish(&|| false).unwrap().sequences, [sent; PARTITIONS]);
    let found = arrived(&kafka, &topic, 1, vec![0; PARTITIONS], vec![0; PARTITIONS]).await.unwrap();
    assert_eq!(found, [sent; PARTITIONS]);
    // Each of the three clients that are kept needs one every 4.8 s at least.
    let made = source.made.load(Ordering::Relaxed);
    assert!(made >= 3 * 4, "{made} tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_a_token_is_a_passing_failure_that_says_why() {
    struct Dry;
    impl TokenSource for Dry {
        fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
            Err("the role cannot be assumed".into())
        }
    }
    let kafka = kafka(Arc::new(Dry));
    let error = kafka.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error:?}");
    let expected = "the Kafka cluster does not let us in: no token: the role cannot be assumed";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_is_a_lasting_failure() {
    struct Wrong;
    impl TokenSource for Wrong {
        fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
            let expires = SystemTime::now() + Duration::from_secs(60);
            Ok(Token { value: "s3cret".into(), principal: "ferry".into(), expires })
        }
    }
    let error = kafka(Arc::new(Wrong)).ping().await.unwrap_err();
    assert!(matches!(error, BrokerError::Login { lasting: true, .. }), "{error:?}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rights_gets_in_but_makes_no_topic() {
    let kafka = kafka(Unsigned::new("stranger", Duration::from_secs(60)));
    let error = kafka.create_topics(&cluster().topic(), 1, Existing::Refuse).await.unwrap_err();
    assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Permanent);
}
