//! Files for `dcc.Download`: Dash's `send_string` and `send_bytes`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::{IntoProp, Json, Prop};

/// A file for the property `data` of [`dcc::Download`](crate::dcc::Download), which the browser
/// then saves.
///
/// The whole file is part of the answer, so it is meant for files of a few megabytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DownloadData {
    content: String,
    filename: String,
    // As `null` it would take the place of the component's own.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    /// True if the content is bytes in base64, false if it is text.
    base64: bool,
}

/// Makes a file of text.
///
/// ```
/// use ferrodash_components::dcc;
/// let file = dcc::send_string("carrier,delay\nUA,12\n", "delays.csv").media_type("text/csv");
/// assert_eq!(
///     serde_json::to_string(&file).unwrap(),
///     concat!(
///         r#"{"content":"carrier,delay\nUA,12\n","filename":"delays.csv","#,
///         r#""type":"text/csv","base64":false}"#,
///     ),
/// );
/// ```
pub fn send_string(content: impl Into<String>, filename: impl Into<String>) -> DownloadData {
    DownloadData {
        content: content.into(),
        filename: filename.into(),
        media_type: None,
        base64: false,
    }
}

/// Makes a file of any bytes. They are sent as base64, which is a third longer.
///
/// ```
/// use ferrodash_components::dcc;
/// let file = dcc::send_bytes([0, 159, 146, 150], "raw.bin");
/// assert!(serde_json::to_string(&file).unwrap().contains(r#""content":"AJ+Slg==""#));
/// ```
pub fn send_bytes(content: impl AsRef<[u8]>, filename: impl Into<String>) -> DownloadData {
    DownloadData {
        base64: true,
        ..send_string(STANDARD.encode(content), filename)
    }
}

impl DownloadData {
    /// Sets the media type, such as `text/csv`. By default it is the `type` of the `dcc::Download`,
    /// or else `text/plain`.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }
}

impl IntoProp for DownloadData {
    fn into_prop(self) -> Prop {
        Json(self).into_prop()
    }
}
