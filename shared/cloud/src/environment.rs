//! Region, endpoint and credentials.

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use std::time::Duration;

/// Requests are tried this often where `AWS_MAX_ATTEMPTS` is not given: over some seconds, as a throttled table needs.
const ATTEMPTS: u32 = 6;
/// An attempt that hangs must not outlast the lease of a task (`job::AttemptRules`), whose renewal it may be.
const ATTEMPT_TIME: Duration = Duration::from_secs(5);
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// What the environment says: `AWS_REGION`, `AWS_ENDPOINT_URL`, credentials of the environment, of a profile, of a
/// container or of an instance. Profiles that ask another program or a single sign-on are not understood.
pub async fn from_environment() -> SdkConfig {
    configured(aws_config::defaults(BehaviorVersion::latest())).await
}

/// The same, for someone who has set parts of it.
pub async fn configured(loader: aws_config::ConfigLoader) -> SdkConfig {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let times = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME)
        .operation_attempt_timeout(ATTEMPT_TIME)
        .build();
    let loader = loader.http_client(client).timeout_config(times);
    let loader = match std::env::var_os("AWS_MAX_ATTEMPTS") {
        Some(_) => loader,
        None => loader.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS)),
    };
    loader.load().await
}
