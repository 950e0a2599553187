//! Which pages of other origins may ask the API (CORS). The page that comes from the same address needs no leave.

use axum::http::{HeaderName, HeaderValue, Method, header};
use std::{str::FromStr, time::Duration};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

/// How long a browser may remember what it was told: each time it asks is a request more.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// The origins whose pages may read answers of the API.
///
/// ```
/// use api::Origins;
///
/// let origins: Origins = "https://portal.example.org, http://localhost:5173".parse()?;
/// assert_eq!("*".parse(), Ok(Origins::Any));
/// assert_eq!("".parse(), Ok(Origins::default()));
/// assert!("portal.example.org".parse::<Origins>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Any page.
    Any,
    /// Pages of these alone; none unless said otherwise.
    Only(Vec<HeaderValue>),
}

impl Default for Origins {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl FromStr for Origins {
    type Err = String;

    /// `*`, or origins as browsers name them, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(Self::Only)
    }
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let named = Url::parse(text).ok().map(|url| url.origin().ascii_serialization());
    match named.as_deref() {
        // What browsers send is compared letter by letter.
        Some(same) if same == text => HeaderValue::from_str(text).map_err(|error| error.to_string()),
        Some(other) if other != "null" => Err(format!("has `{text}`, which browsers name `{other}`")),
        _ => Err(format!("has `{text}`, which is no origin such as https://portal.example.org")),
    }
}

impl Origins {
    /// Tells browsers so, and answers what they ask beforehand (`OPTIONS`), whatever the path.
    pub(crate) fn layer(&self) -> CorsLayer {
        let origins = match self {
            Self::Any => AllowOrigin::any(),
            Self::Only(origins) => AllowOrigin::list(origins.iter().cloned()),
        };
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers([
                header::CONTENT_TYPE,
                header::AUTHORIZATION,
                // Of requests that are signed.
                HeaderName::from_static("x-amz-date"),
                HeaderName::from_static("x-amz-security-token"),
                HeaderName::from_static("traceparent"),
                HeaderName::from_static("x-nightferry-user"),
            ])
            .max_age(REMEMBERED)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_no_browser_would_send_is_refused_with_what_it_would() {
        for (text, told) in [
            ("https://portal.example.org/", "`https://portal.example.org`"),
            ("https://portal.example.org/page", "`https://portal.example.org`"),
            ("https://Portal.example.org", "`https://portal.example.org`"),
            ("https://portal.example.org:443", "`https://portal.example.org`"),
            ("portal.example.org", "no origin"),
            ("https://a.org https://b.org", "no origin"),
            ("https://a.org,*", "no origin"),
            ("null", "no origin"),
        ] {
            let error = text.parse::<Origins>().unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
