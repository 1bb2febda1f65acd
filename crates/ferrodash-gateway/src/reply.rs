//! An answer of the app, read to its end, and whether others may get it too.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use ferrodash_serve::send::NO_STORE;
use ferrodash_wire::Fields;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::Part;

/// What a partial update has in it (`Patch` in Dash).
const PATCH: &[u8] = b"__dash_patch_update";

/// An answer of the app, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Returns whether the answer may be kept, and served to others who ask the same.
    ///
    /// It must be a whole answer of a callback, without an effect on the one who asked: no cookie,
    /// no property of other components, nothing that depends on what the page shows. `outputs` is
    /// what the call wants to know, `vary` the declared parts of the request on which it depends.
    pub(crate) fn may_be_shared(&self, outputs: Option<&RawValue>, vary: &[Part]) -> bool {
        self.status == StatusCode::OK
            && (self.is_json() || self.has_no_type())
            && self.has_no_effect()
            && self.varies_as_declared(vary)
            && memchr::memmem::find(&self.body, PATCH).is_none()
            && self.has_all(outputs)
    }

    /// Returns whether the answer sets no cookie, and the app does not forbid that it is kept.
    pub(crate) fn has_no_effect(&self) -> bool {
        !self.headers.contains_key(header::SET_COOKIE) && !self.is_private()
    }

    /// Returns whether the callback has done what it was called for.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.status, StatusCode::OK | StatusCode::NO_CONTENT)
    }

    pub(crate) fn is_json(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
            && !self.headers.contains_key(header::CONTENT_ENCODING)
    }

    /// Returns whether the answer says nothing about its type, as those of Dash on FastAPI.
    pub(crate) fn has_no_type(&self) -> bool {
        !self.headers.contains_key(header::CONTENT_TYPE)
            && !self.headers.contains_key(header::CONTENT_ENCODING)
    }

    /// Returns whether the answer depends on no other headers than those that are declared.
    /// Cookies are part of what tells whose it is.
    fn varies_as_declared(&self, vary: &[Part]) -> bool {
        let names = self.headers.get_all(header::VARY).iter();
        let mut names = names
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase());
        names.all(|name| {
            let is_declared = |part: &Part| matches!(part, Part::Header(it) if it.as_str() == name);
            matches!(&*name, "" | "cookie" | "accept-encoding" | "origin")
                || vary.iter().any(is_declared)
        })
    }

    /// Returns whether the app forbids that the answer is kept.
    fn is_private(&self) -> bool {
        let directives = self.headers.get_all(header::CACHE_CONTROL).iter();
        let mut directives = directives
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        directives.any(|directive| {
            let name = directive.split('=').next().unwrap_or_default().trim();
            ["no-store", "private"]
                .iter()
                .any(|forbids| name.eq_ignore_ascii_case(forbids))
        })
    }

    /// Returns whether the answer has a value for each output and nothing else.
    fn has_all(&self, outputs: Option<&RawValue>) -> bool {
        let Ok(answer) = serde_json::from_slice::<Fields<'_>>(&self.body) else {
            return false;
        };
        let is_plain = answer
            .0
            .iter()
            .all(|(name, _)| matches!(&**name, "multi" | "response"));
        let Some(response) = answer.read::<Fields<'_>>("response") else {
            return false;
        };
        let values = response.0.iter().map(|(_, properties)| {
            serde_json::from_str::<Fields<'_>>(properties.get()).map_or(0, |it| it.0.len())
        });
        let values: usize = values.sum();
        is_plain && values > 0 && outputs.and_then(count) == Some(values)
    }

    /// Makes a response of it.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        // hyper writes that of the body.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
    }

    /// Makes an answer of the gateway itself.
    pub(crate) fn text(status: StatusCode, text: String) -> Self {
        let mut headers = HeaderMap::new();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, plain);
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        Self {
            status,
            headers,
            body: Bytes::from(text),
        }
    }
}

/// Counts the properties in `outputs` of a call: one, a list, or lists in a list for wildcards.
fn count(outputs: &RawValue) -> Option<usize> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Outputs {
        Several(Vec<Outputs>),
        One { id: serde::de::IgnoredAny },
    }
    fn of(outputs: &Outputs) -> usize {
        match outputs {
            Outputs::Several(outputs) => outputs.iter().map(of).sum(),
            Outputs::One {
                id: serde::de::IgnoredAny,
            } => 1,
        }
    }
    serde_json::from_str(outputs.get()).ok().as_ref().map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"id":"a","property":"children"}"#;
    const WHOLE: &str = r#"{"multi":true,"response":{"a":{"children":1}}}"#;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
        let mut reply = Reply::text(StatusCode::from_u16(status).unwrap(), body.to_owned());
        reply.headers = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            reply.headers.append(*name, value);
        }
        reply
    }

    fn may_be_shared(reply: &Reply, outputs: &str) -> bool {
        reply.may_be_shared(Some(serde_json::from_str(outputs).unwrap()), &[])
    }

    #[test]
    fn g7_only_whole_answers_without_effects_are_shared() {
        let json = ("content-type", "application/json");
        assert!(may_be_shared(&reply(200, &[json], WHOLE), ONE));
        let several = r#"[{"id":"a","property":"x"},[{"id":{"i":1},"property":"y"}]]"#;
        let both = r#"{"multi":true,"response":{"a":{"x":1},"{\"i\":1}":{"y":2}}}"#;
        assert!(may_be_shared(&reply(200, &[json], both), several));
        for (status, headers, body, outputs) in [
            (204, vec![json], WHOLE, ONE),
            (500, vec![json], WHOLE, ONE),
            (200, vec![("content-type", "text/html")], WHOLE, ONE),
            (200, vec![json, ("vary", "Accept-Language")], WHOLE, ONE),
            (200, vec![json, ("vary", "*")], WHOLE, ONE),
            (200, vec![json, ("set-cookie", "a=b")], WHOLE, ONE),
            (200, vec![json, ("cache-control", "No-Store")], WHOLE, ONE),
            (
                200,
                vec![json, ("cache-control", "max-age=1, private")],
                WHOLE,
                ONE,
            ),
            (200, vec![json, ("content-encoding", "gzip")], WHOLE, ONE),
            (200, vec![json], r#"{"multi":true,"response":{}}"#, ONE),
            (200, vec![json], r#"{"multi":true}"#, ONE),
            (200, vec![json], "not json", ONE),
            // An output that stays as it is, and an answer for another one.
            (200, vec![json], WHOLE, several),
            (200, vec![json], both, ONE),
            (
                200,
                vec![json],
                r#"{"multi":true,"response":{"a":{"children":1}},"sideUpdate":{}}"#,
                ONE,
            ),
            (
                200,
                vec![json],
                r#"{"response":{"a":{"children":{"__dash_patch_update":"__dash_patch_update"}}}}"#,
                ONE,
            ),
        ] {
            let reply = reply(status, &headers, body);
            assert!(
                !may_be_shared(&reply, outputs),
                "{status} {headers:?} {body}"
            );
        }
    }
}
