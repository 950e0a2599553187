//! Signatures by AWS credentials (Signature Version 4), for an API whose gateway asks for them.

use aws_config::BehaviorVersion;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use reqwest::{
    Request, Url,
    header::{CONTENT_TYPE, HeaderValue},
};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// What API Gateway calls itself.
const SERVICE: &str = "execute-api";
/// Credentials that end sooner are asked for anew: a request may be under way for a while.
const LEAST_LIFE: Duration = Duration::from_secs(120);

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// No region is known.
    #[error("neither the address ({0}) nor AWS_REGION nor the profile names a region")]
    Region(String),
    /// There are no credentials.
    #[error("there are no AWS credentials: {0}")]
    Credentials(String),
    /// The signer fails.
    #[error("{0}")]
    Signer(String),
}

/// Signs requests as the environment, a profile, a container or an instance says.
#[derive(Default)]
pub struct Signer(Mutex<Option<Identity>>);

/// Kept between requests: a job that is watched is asked for five times a second, and a role is assumed by asking AWS.
struct Identity {
    credentials: Credentials,
    region: Option<String>,
}

impl Signer {
    /// Adds what the gateway wants to see.
    ///
    /// # Errors
    /// Where region or credentials are missing.
    pub async fn sign(&self, request: &mut Request) -> Result<(), SignError> {
        let mut kept = self.0.lock().await;
        let identity = match &*kept {
            Some(identity) if identity.is_good() => identity,
            _ => kept.insert(Identity::from_environment().await?),
        };
        let region = region_in(request.url()).map(str::to_owned).or_else(|| identity.region.clone());
        let region = region.ok_or_else(|| SignError::Region(request.url().to_string()))?;
        add_signature(request, &region, identity.credentials.clone(), SystemTime::now())
            .map_err(SignError::Signer)
    }
}

impl Identity {
    async fn from_environment() -> Result<Self, SignError> {
        let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(client).load().await;
        let provider = aws.credentials_provider();
        let provider = provider.ok_or_else(|| SignError::Credentials("no source of them".into()))?;
        let credentials = provider.provide_credentials().await.map_err(|error| {
            let causes = std::iter::successors(std::error::Error::source(&error), |error| error.source());
            let causes: Vec<_> = causes.map(ToString::to_string).collect();
            SignError::Credentials(if causes.is_empty() { error.to_string() } else { causes.join(": ") })
        })?;
        Ok(Self { credentials, region: aws.region().map(ToString::to_string) })
    }

    fn is_good(&self) -> bool {
        self.credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + LEAST_LIFE)
    }
}

/// The region that an address of API Gateway names: `ID.execute-api.REGION.amazonaws.com`.
fn region_in(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    let of_aws = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let mut labels = of_aws.split('.').skip_while(|label| *label != SERVICE).skip(1);
    labels.next().filter(|region| !region.is_empty())
}

fn add_signature(
    request: &mut Request,
    region: &str,
    credentials: Credentials,
    moment: SystemTime,
) -> Result<(), String> {
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(moment)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    // Of a body of ours all bytes are there.
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let headers = kind.map(|kind| (CONTENT_TYPE.as_str(), kind)).into_iter();
    let to_sign = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        headers,
        SignableBody::Bytes(body),
    );
    let to_sign = to_sign.map_err(|error| error.to_string())?;
    let (signed, _) = sign(to_sign, &parameters).map_err(|error| error.to_string())?.into_parts();
    let (added, _) = signed.into_parts();
    for header in added {
        let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
        value.set_sensitive(header.sensitive());
        request.headers_mut().insert(header.name(), value);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reqwest::{Client, Method};

    /// By AWS's own library for Python, of the same requests, moment and role: `tests/signatures.py` prints them.
    const BY_AWS: &str = include_str!("../tests/signatures.txt");

    #[test]
    fn a_signature_is_what_the_library_of_aws_makes() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut compared = 0;
        for line in BY_AWS.lines() {
            let [method, url, body, token, expected] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let request = Client::new().request(Method::from_bytes(method.as_bytes()).unwrap(), url);
            let request = match body {
                "" => request,
                body => request.header(CONTENT_TYPE, "application/json").body(body.to_owned()),
            };
            let mut request = request.header("x-nightferry-user", "me").build().unwrap();
            let token = Some(token.to_owned()).filter(|token| !token.is_empty());
            let credentials = Credentials::new("AKIDEXAMPLE", "secret", token.clone(), None, "test");
            let region = region_in(request.url()).unwrap().to_owned();
            add_signature(&mut request, &region, credentials, moment).unwrap();
            let told =
                |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(told("authorization").unwrap(), expected, "{line}");
            assert_eq!(told("x-amz-date").unwrap(), "20231114T221320Z");
            assert_eq!(told("x-amz-security-token"), token);
            compared += 1;
        }
        assert!(compared >= 8, "{compared} signatures");
    }

    #[test]
    fn the_region_is_in_the_address_where_that_is_of_the_gateway() {
        for (address, region) in [
            ("https://abc.execute-api.eu-west-3.amazonaws.com/live", Some("eu-west-3")),
            ("https://abc.execute-api.cn-north-1.amazonaws.com.cn/live", Some("cn-north-1")),
            ("https://abc-vpce-1.execute-api.us-east-1.amazonaws.com/live", Some("us-east-1")),
            ("https://vpce-1.execute-api.us-east-1.vpce.amazonaws.com/live", Some("us-east-1")),
            ("http://127.0.0.1:4567/_aws/execute-api/abc/live", None),
            ("https://abc.execute-api.eu-west-3.example.com/live", None),
            ("https://s3.eu-west-3.amazonaws.com/", None),
        ] {
            assert_eq!(region_in(&Url::parse(address).unwrap()), region, "{address}");
        }
    }
}
