//! The encodings of bodies, and what the sender of a request can read.

/// A content coding of HTTP (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes as they are.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Brotli];

    /// The value of `Content-Encoding`; `None` for bytes as they are.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// The compressed forms that the sender of a request can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    pub(super) gzip: bool,
    pub(super) brotli: bool,
}

impl Accepts {
    /// None of them.
    pub const NOTHING: Self = Self {
        gzip: false,
        brotli: false,
    };

    /// Reads the value of `Accept-Encoding` (RFC 9110, section 12.5.3). `*` allows nothing, since
    /// browsers name what they read.
    pub fn of(accept: Option<&str>) -> Self {
        let allows = |encoding: Encoding| {
            let mut allowed = false;
            for item in accept.unwrap_or_default().split(',') {
                let (coding, parameter) = item.split_once(';').unwrap_or((item, ""));
                if Some(coding.trim()) == encoding.name() {
                    allowed = parameter
                        .trim()
                        .strip_prefix("q=")
                        .is_none_or(|q| q.parse() != Ok(0.0));
                }
            }
            allowed
        };
        Self {
            gzip: allows(Encoding::Gzip),
            brotli: allows(Encoding::Brotli),
        }
    }

    /// The encoding of a body whose forms are all ready: the smallest.
    pub fn best(self) -> Encoding {
        if self.brotli {
            Encoding::Brotli
        } else {
            self.of_stream()
        }
    }

    /// The encoding of a body that is made for one request: gzip is the quickest to make.
    pub(super) fn quickest(self) -> Encoding {
        match self {
            Self { gzip: true, .. } => Encoding::Gzip,
            Self { brotli: true, .. } => Encoding::Brotli,
            Self::NOTHING => Encoding::Identity,
        }
    }

    /// The encoding of a body that is sent as it is made. Browsers take Brotli by https only, and
    /// its encoder keeps megabytes for each response that is in progress.
    pub fn of_stream(self) -> Encoding {
        if self.gzip {
            Encoding::Gzip
        } else {
            Encoding::Identity
        }
    }
}
