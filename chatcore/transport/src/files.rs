//! Files that a server gives to browsers, from memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::io::IoSlice;
use std::sync::Arc;

use chatcore::websocket::{FileRequest, UpgradeError, UpgradeRules};

/// What a page may do that says nothing else: run scripts and `WebAssembly` of its own origin, and connect to that
/// alone. In browsers, `'self'` for connections means a `WebSocket` of the same host and port as well (Chrome 70,
/// Firefox, Safari 16).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of each response: a browser asks whether a file has changed before it uses it again, takes it for what it is
/// called, tells nobody whence it comes, and lets no page of another origin have it or its window.
const HEADERS: &str = "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
    Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n";

/// A fixed set of files in memory that a server gives to requests that ask for no WebSocket: a page, and what belongs
/// to it. A clone shares them.
///
/// The file `/` is at the path of the WebSocket, and each other one is beside it: with a WebSocket at `/chat/`, the
/// file `/style.css` is at `/chat/style.css`. So a page that names its files without a path works at any path, and
/// opens its WebSocket where it is itself.
///
/// ```
/// use chatcore_transport::Files;
///
/// let files = Files::default()
///     .with_file("/", "text/html; charset=utf-8", "<!doctype html><title>Chat</title>".as_bytes())?
///     .with_file("/style.css", "text/css; charset=utf-8", "body { margin: 0 }".as_bytes())?;
/// assert_eq!(files.paths().collect::<Vec<_>>(), ["/", "/style.css"]);
/// # Ok::<(), chatcore_transport::FilesError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Files {
    policy: Cow<'static, str>,
    all: BTreeMap<String, Arc<File>>,
}

/// No file, and a policy that lets a page use what is of its own origin, but no script or style in its text.
impl Default for Files {
    fn default() -> Self {
        Self { policy: Cow::Borrowed(CONTENT_SECURITY_POLICY), all: BTreeMap::new() }
    }
}

/// Why something is no file that can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// See [`Files::with_file`].
    #[error("{0:?} is no path of a file: it begins with a slash, as in /style.css, and has visible ASCII but ? and #")]
    Path(String),
    /// There is one already.
    #[error("there are two files {0:?}: each path has one")]
    Repeated(String),
    /// See [`Files::with_file`].
    #[error("{0:?} is no content type: it is visible ASCII, as in text/html; charset=utf-8")]
    ContentType(String),
    /// See [`Files::with_content_security_policy`].
    #[error("{0:?} is no content security policy: it is visible ASCII, as in default-src 'self'")]
    Policy(String),
}

impl Files {
    /// The path of the page itself, which is where the WebSocket is.
    pub const PAGE: &str = "/";

    /// The same with one more file, of this type: `text/html; charset=utf-8`, `application/wasm`. Its tag for caches is
    /// made from its bytes.
    ///
    /// # Errors
    ///
    /// If no request can ask for such a path, if there is a file there, or if the type is none.
    pub fn with_file(
        mut self,
        path: &str,
        content_type: &str,
        bytes: impl Into<Cow<'static, [u8]>>,
    ) -> Result<Self, FilesError> {
        if UpgradeRules::default().with_path(path).is_err() {
            return Err(FilesError::Path(path.into()));
        }
        if !is_value(content_type) {
            return Err(FilesError::ContentType(content_type.into()));
        }
        let file = File::new(path, content_type, &self.policy, bytes.into());
        if self.all.insert(path.into(), Arc::new(file)).is_some() {
            return Err(FilesError::Repeated(path.into()));
        }
        Ok(self)
    }

    /// The same with another `Content-Security-Policy`, for pages that need more.
    ///
    /// # Errors
    ///
    /// If it is no value of a header.
    pub fn with_content_security_policy(mut self, policy: &str) -> Result<Self, FilesError> {
        if !is_value(policy) {
            return Err(FilesError::Policy(policy.into()));
        }
        self.policy = Cow::Owned(policy.into());
        for file in self.all.values_mut() {
            *file = Arc::new(File::new(&file.path, &file.content_type, policy, file.body.clone()));
        }
        Ok(self)
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// The response to a request at a server whose WebSocket is at this path.
    pub(crate) fn respond(&self, websocket: &str, request: &FileRequest) -> Result<FileResponse, UpgradeError> {
        let Some(file) = self.find(websocket, request.path()) else {
            return Err(if request.path() == websocket { UpgradeError::NoUpgrade } else { UpgradeError::FileNotFound });
        };
        let extent = if request.knows(&file.tag) {
            Extent::NotModified
        } else if request.is_head() {
            Extent::Head
        } else {
            Extent::Whole
        };
        Ok(FileResponse { file: Arc::clone(file), extent, sent: 0, is_blocked: false, is_reported: false })
    }

    fn find(&self, websocket: &str, path: &str) -> Option<&Arc<File>> {
        if path == websocket {
            return self.all.get(Self::PAGE);
        }
        let folder = &websocket[..=websocket.rfind('/')?];
        let name = path.strip_prefix(folder).filter(|name| !name.is_empty())?;
        // With the slash at the end of the folder.
        self.all.get(&path[path.len() - name.len() - 1..])
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}

/// Whether a header may have this value.
fn is_value(text: &str) -> bool {
    let is_visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    !text.trim().is_empty() && text.bytes().all(is_visible)
}

#[derive(PartialEq, Eq)]
struct File {
    path: Box<str>,
    content_type: Box<str>,
    /// In quotes.
    tag: Box<str>,
    /// The head of a response with the body, or without it for `HEAD`.
    head: Box<[u8]>,
    /// That of a response to who has it already.
    head_if_known: Box<[u8]>,
    body: Cow<'static, [u8]>,
}

impl File {
    fn new(path: &str, content_type: &str, policy: &str, body: Cow<'static, [u8]>) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let tag = format!("\"{:016x}-{:x}\"", hasher.finish(), body.len());
        let about = format!("ETag: {tag}\r\nContent-Security-Policy: {policy}\r\n{HEADERS}Connection: close\r\n\r\n");
        let length = body.len();
        Self {
            path: path.into(),
            content_type: content_type.into(),
            tag: tag.into(),
            head: format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{about}")
                .into_bytes()
                .into(),
            head_if_known: format!("HTTP/1.1 304 Not Modified\r\n{about}").into_bytes().into(),
            body,
        }
    }
}

/// A response to a request for a file, as far as it has gone. It keeps a place in the file, and copies nothing of it.
pub struct FileResponse {
    file: Arc<File>,
    extent: Extent,
    sent: usize,
    /// The transport did not take all that there is for it.
    pub(crate) is_blocked: bool,
    /// The driver knows of it.
    pub(crate) is_reported: bool,
}

/// How much of a file goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Head,
    /// The peer has it already.
    NotModified,
}

impl FileResponse {
    /// The path of the file, as [`Files`] has it.
    pub fn path(&self) -> &str {
        &self.file.path
    }

    /// The status of HTTP: 200, or 304 to who has the file already.
    pub const fn status(&self) -> u16 {
        match self.extent {
            Extent::NotModified => 304,
            Extent::Whole | Extent::Head => 200,
        }
    }

    /// Bytes of the whole response.
    pub fn bytes(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// All of it has gone.
    pub fn is_sent(&self) -> bool {
        self.sent >= self.bytes()
    }

    fn parts(&self) -> [&[u8]; 2] {
        match self.extent {
            Extent::Whole => [&self.file.head, &self.file.body],
            Extent::Head => [&self.file.head, &[]],
            Extent::NotModified => [&self.file.head_if_known, &[]],
        }
    }

    /// What has not gone, up to so many bytes.
    pub(crate) fn rest(&self, bytes_max: usize) -> [IoSlice<'_>; 2] {
        let (mut skipped, mut left) = (self.sent, bytes_max);
        self.parts().map(|part| {
            let rest = &part[skipped.min(part.len())..];
            skipped = skipped.saturating_sub(part.len());
            let rest = &rest[..rest.len().min(left)];
            left -= rest.len();
            IoSlice::new(rest)
        })
    }

    pub(crate) const fn transmitted(&mut self, count: usize) {
        self.sent += count;
    }
}

impl fmt::Debug for FileResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileResponse")
            .field("path", &self.path())
            .field("sent", &format_args!("{} of {}", self.sent, self.bytes()))
            .finish_non_exhaustive()
    }
}
