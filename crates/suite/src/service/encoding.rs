//! The content encoding of a response.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, HeaderValue};

/// A content encoding that the service can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// No encoding.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

impl Encoding {
    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// Chooses the encoding with the highest weight in the request (RFC 9110, 12.5.3),
    /// and among equal weights the one that compresses best. Unreadable items are
    /// ignored.
    ///
    /// A client that accepts none of them, not even `identity`, gets `identity`, which is
    /// more useful to it than an error.
    pub fn negotiated(headers: &HeaderMap) -> Self {
        let mut weights = [(Self::Identity, None), (Self::Gzip, None), (Self::Brotli, None)];
        let mut others = None;
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let (name, weight) = (name.trim(), weight_of(weight));
            if name == "*" {
                others = Some(weight);
            }
            // RFC 9110, 8.4.1.3: a name with the prefix x- means the same.
            let name =
                name.get(..2).filter(|x| x.eq_ignore_ascii_case("x-")).map_or(name, |_| &name[2..]);
            for (encoding, given) in &mut weights {
                if name.eq_ignore_ascii_case(encoding.name()) {
                    *given = Some(weight);
                }
            }
        }
        let acceptable = |(encoding, given): (Self, Option<u16>)| {
            // Without a weight, identity is acceptable, but less than any named encoding.
            let weight = given.or(others).unwrap_or(0);
            (weight > 0).then_some((weight, encoding))
        };
        weights.into_iter().filter_map(acceptable).max().map_or(Self::Identity, |(_, best)| best)
    }

    /// Replaces the header by the negotiated encoding, so that a cache has one variant per
    /// encoding and not one per spelling of the header.
    pub fn normalise(headers: &mut HeaderMap) {
        if headers.contains_key(ACCEPT_ENCODING) {
            let name = HeaderValue::from_static(Self::negotiated(headers).name());
            headers.insert(ACCEPT_ENCODING, name);
        }
    }
}

/// The weight of `q=0.5` in thousandths, or 0 if it cannot be parsed.
fn weight_of(text: &str) -> u16 {
    let text = text.trim();
    let Some(value) = text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")) else { return 0 };
    // The RFC allows at most three decimals; this also refuses `inf` and `1e9`.
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(decimals) || !matches!(whole, "0" | "1") {
        return 0;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().unwrap_or(0);
    if whole == "1" { 1000 } else { thousandths }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accepted: &[&'static str]) -> Encoding {
        let mut headers = HeaderMap::new();
        for value in accepted {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        Encoding::negotiated(&headers)
    }

    #[test]
    fn the_client_chooses_by_weight_and_the_service_among_equals() {
        for (accepted, encoding) in [
            (&[][..], Encoding::Identity),
            (&[""], Encoding::Identity),
            (&["gzip"], Encoding::Gzip),
            (&["gzip, deflate, br, zstd"], Encoding::Brotli),
            (&["gzip;q=1.0, br;q=0.9"], Encoding::Gzip),
            (&["br;q=0, gzip"], Encoding::Gzip),
            (&["gzip", "br"], Encoding::Brotli),
            (&["X-GZip ; Q=0.5"], Encoding::Gzip),
            (&["*"], Encoding::Brotli),
            (&["*;q=0.5, br;q=0"], Encoding::Gzip),
            (&["identity, gzip;q=0.9"], Encoding::Identity),
            (&["identity;q=0"], Encoding::Identity),
            (&["zstd"], Encoding::Identity),
            (&["gzip;q=inf"], Encoding::Identity),
            (&["gzip;q=1e9"], Encoding::Identity),
            (&["gzip;q=0.0001"], Encoding::Identity),
            (&[",;,;;q=,=q;gzip"], Encoding::Identity),
        ] {
            assert_eq!(negotiated(accepted), encoding, "{accepted:?}");
        }
    }
}
