//! The page that comes with the server.

use std::sync::LazyLock;

use chatcore_transport::Files;

/// A file of the folder `page`: its path, its type, and its bytes.
type Embedded = (&'static str, &'static str, &'static [u8]);

const EMBEDDED: [Embedded; 5] = [
    ("/", "text/html; charset=utf-8", include_bytes!("../page/index.html")),
    ("/page.js", "text/javascript; charset=utf-8", include_bytes!("../page/page.js")),
    ("/page.css", "text/css; charset=utf-8", include_bytes!("../page/page.css")),
    ("/chatcore.wasm", "application/wasm", include_bytes!("../page/chatcore.wasm")),
    ("/icon.svg", "image/svg+xml", include_bytes!("../page/icon.svg")),
];

static PAGE: LazyLock<Files> = LazyLock::new(|| {
    EMBEDDED.into_iter().fold(Files::default(), |files, (path, content_type, bytes)| {
        files.with_file(path, content_type, bytes).expect("a test looks at each")
    })
});

/// The page that comes with the server, for [`Config::files`](crate::Config::files). It needs the feature `page`.
///
/// ```
/// use chatcore_server::{Config, Server, page};
///
/// let config = Config::default().with_listen(["ws://127.0.0.1:0"]).with_files(Some(page()));
/// let server = Server::bind(config)?;
/// assert!(server.page_addresses()[0].starts_with("http://127.0.0.1:"));
/// # Ok::<(), chatcore_server::BindError>(())
/// ```
pub fn page() -> Files {
    PAGE.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_the_page_can_be_given() {
        assert_eq!(page().paths().count(), EMBEDDED.len());
    }

    /// What the policy forbids would do nothing: a script or a style in the text, and what comes from elsewhere.
    #[test]
    fn the_page_keeps_the_policy_that_it_is_given_with() {
        let (_, _, index) = EMBEDDED[0];
        let index = str::from_utf8(index).expect("it is text").to_lowercase();
        for forbidden in ["<style", " style=", " onclick", "//", "<iframe", "<form action", "<base", "http-equiv"] {
            assert!(!index.replace("ws://…", "").contains(forbidden), "{forbidden}");
        }
        for script in index.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').expect("it ends");
            assert!(tag.contains(" src=") && rest.starts_with("</script>"), "{tag}");
        }
    }
}
