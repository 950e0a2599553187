//! What AWS knows of the cluster: its brokers, the password, and tokens by the role.

use crate::failure::told;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use serde::Deserialize;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use url::Url;

/// As long as MSK allows.
const TOKEN_LIFE: Duration = Duration::from_secs(900);

/// What AWS does not tell of the cluster.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// MSK does not say where its brokers are.
    #[error("the brokers of {cluster}: {reason}")]
    Brokers {
        /// The cluster's ARN.
        cluster: String,
        /// Why not.
        reason: String,
    },
    /// Secrets Manager does not give the password.
    #[error("the secret {arn}: {reason}")]
    Secret {
        /// Its ARN.
        arn: String,
        /// Why not; never what it holds.
        reason: String,
    },
    /// No token can be made.
    #[error("a token for MSK: {0}")]
    Token(String),
}

/// How a cluster of MSK is reached: each way has addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MskAccess {
    /// Without encryption or names.
    Plaintext,
    /// With encryption, without names.
    Tls,
    /// By name and password, encrypted.
    Scram,
    /// By the role.
    Iam,
}

/// The addresses of a cluster's brokers, `host:port,host:port`.
pub async fn msk_brokers(aws: &SdkConfig, cluster: &str, access: MskAccess) -> Result<String, CloudError> {
    let failed = |reason| CloudError::Brokers { cluster: cluster.to_owned(), reason };
    let client = aws_sdk_kafka::Client::new(aws);
    let answer = client.get_bootstrap_brokers().cluster_arn(cluster).send().await;
    let answer = answer.map_err(|error| failed(told(&error)))?;
    let brokers = match access {
        MskAccess::Plaintext => answer.bootstrap_broker_string(),
        MskAccess::Tls => answer.bootstrap_broker_string_tls(),
        MskAccess::Scram => answer.bootstrap_broker_string_sasl_scram(),
        MskAccess::Iam => answer.bootstrap_broker_string_sasl_iam(),
    };
    let brokers = brokers.filter(|brokers| !brokers.is_empty());
    brokers.map(str::to_owned).ok_or_else(|| failed(format!("it is not open for {access:?}")))
}

/// A name and its password.
#[derive(Clone, Deserialize)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The login that a secret holds as JSON, `{"username": …, "password": …}`: the form that MSK asks for.
pub async fn login(aws: &SdkConfig, arn: &str) -> Result<Login, CloudError> {
    let failed = |reason: String| CloudError::Secret { arn: arn.to_owned(), reason };
    let client = aws_sdk_secretsmanager::Client::new(aws);
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| failed(told(&error)))?;
    // What the parser says would repeat a part of it.
    serde_json::from_str(answer.secret_string().unwrap_or_default())
        .map_err(|_| failed("it is no JSON object with `username` and `password`".into()))
}

/// Tokens by which MSK knows the role: a signed request to connect, as text.
///
/// Made here from `aws-sigv4`, which every client of AWS links anyway; the field's crate for it brings a second stack of
/// TLS and the client of STS.
#[derive(Clone, Debug)]
pub struct MskTokens {
    region: Region,
    credentials: SharedCredentialsProvider,
    runtime: Handle,
}

/// Tokens for the role and region of `aws`.
pub fn msk_tokens(aws: &SdkConfig) -> Result<MskTokens, CloudError> {
    let missing = |what: &str| CloudError::Token(format!("there is no {what}"));
    let runtime = Handle::try_current().map_err(|error| CloudError::Token(error.to_string()))?;
    Ok(MskTokens {
        region: aws.region().ok_or_else(|| missing("region"))?.clone(),
        credentials: aws.credentials_provider().ok_or_else(|| missing("role"))?,
        runtime,
    })
}

impl MskTokens {
    /// A token, and when it ends. Blocks: not for threads of an async runtime.
    pub fn token(&self) -> Result<(String, SystemTime), CloudError> {
        let credentials = self.runtime.block_on(self.credentials.provide_credentials());
        let credentials = credentials.map_err(|error| CloudError::Token(error.to_string()))?;
        let now = SystemTime::now();
        let url = signed(&self.region, credentials, now).map_err(CloudError::Token)?;
        Ok((base64_url(url.as_bytes()), now + TOKEN_LIFE))
    }
}

fn signed(
    region: &Region,
    credentials: aws_credential_types::Credentials,
    moment: SystemTime,
) -> Result<String, String> {
    let address = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let mut url = Url::parse(&address).map_err(|error| error.to_string())?;
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(TOKEN_LIFE);
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name("kafka-cluster")
        .time(moment)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]));
    let request = request.map_err(|error| error.to_string())?;
    let (signing, _) = sign(request, &parameters).map_err(|error| error.to_string())?.into_parts();
    for (name, value) in signing.params() {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.query_pairs_mut().append_pair("User-Agent", "nightferry");
    Ok(url.into())
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;

    /// By AWS's own signer for Python, of the same moment and role: `tests/msk_token.py` prints it.
    const BY_AWS: &str = "https://kafka.eu-west-3.amazonaws.com/?Action=kafka-cluster%3AConnect\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Feu-west-3%2Fkafka-cluster%2Faws4_request&X-Amz-Date=20231114T221320Z\
        &X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=session\
        &X-Amz-Signature=cc0ce515b73339267e139243f120e03b0f7b5ee6c050bf8fad99ad03bec4232d\
        &User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2";

    fn parts(url: &str) -> Vec<(String, String)> {
        let url = Url::parse(url).unwrap();
        let mut parts: Vec<_> =
            url.query_pairs().into_owned().filter(|(name, _)| name != "User-Agent").collect();
        parts.push(("host".into(), url.host_str().unwrap().into()));
        parts.sort();
        parts
    }

    #[test]
    fn a_token_is_what_the_signer_of_aws_makes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session".into()), None, "test");
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let url = signed(&Region::new("eu-west-3"), credentials, moment).unwrap();
        assert_eq!(parts(&url), parts(BY_AWS));
    }

    #[test]
    fn a_login_is_printed_without_its_password() {
        let login: Login = serde_json::from_str(r#"{"username": "ferry", "password": "s3cret"}"#).unwrap();
        assert_eq!(format!("{login:?}"), r#"Login { username: "ferry", .. }"#);
    }
}
