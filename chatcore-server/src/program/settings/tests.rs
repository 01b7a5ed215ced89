//! From files, variables and flags to values.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::flags::Invocation;
use super::load::Loaded;
use super::source::{Faults, Source};
use super::table::TABLE;
use crate::Config;

/// A folder with a configuration file.
struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path(), text).unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("server.toml")
    }

    fn load(&self, args: &[&str]) -> Result<Loaded, Faults> {
        let path = self.path();
        Loaded::load(&Invocation::of(&[&["--config", path.to_str().unwrap()], args].concat()))
    }

    /// What is said of the file, without the name of the folder.
    fn faults(&self, args: &[&str]) -> Vec<String> {
        let prefix = format!("{}:", self.path().display());
        let faults = self.load(args).expect_err("something is wrong");
        faults.lines().map(|line| line.replace(&prefix, "FILE:")).collect()
    }
}

#[cfg(feature = "page")]
#[test]
fn without_anything_given_the_configuration_is_the_librarys_default_and_a_page() {
    let loaded = Loaded::load(&Invocation::of(&[])).unwrap();
    let listen = [Config::LISTEN_DEFAULT, "ws://127.0.0.1:12380?resume=10m"];
    let with_page = Config::default().with_listen(listen).with_files(Some(crate::page()));
    // There is always somebody who decides, so that a reload can say how.
    assert_eq!(loaded.settings.config().with_log_in(None), with_page);
    assert!(TABLE.iter().all(|setting| *loaded.source(setting) == Source::Default));
}

#[cfg(feature = "page")]
#[test]
fn who_says_where_to_listen_gets_these_addresses_alone() {
    let listen = |args: &[&str], file: &str| Folder::with(file).load(args).unwrap().settings.config().listen;
    assert_eq!(listen(&["--listen", "a:1"], ""), ["a:1"]);
    assert_eq!(listen(&[], "listen = [\"b:2\"]\n"), ["b:2"]);
    assert_eq!(listen(&["--page", "no"], ""), [Config::LISTEN_DEFAULT]);
    assert_eq!(listen(&["--page-listen", "none"], ""), [Config::LISTEN_DEFAULT]);
    // Unless they say where the page is, as well.
    assert_eq!(listen(&["--listen", "a:1", "--page-listen", "c:3"], ""), ["a:1", "ws://c:3"]);
    assert_eq!(listen(&["--page-listen", "ws://c:3/chat"], "listen = [\"b:2\"]\n"), ["b:2", "ws://c:3/chat"]);
    assert_eq!(listen(&[], "page_listen = \"c:3\"\n"), [Config::LISTEN_DEFAULT, "ws://c:3"]);
}

#[cfg(feature = "page")]
#[test]
fn an_address_for_browsers_that_is_none_is_named_with_what_would_be_right() {
    for (args, expected) in [
        (&["--page-listen", "12380"][..], "--page-listen: page_listen is \"12380\": before the port comes a host"),
        (
            &["--page-listen", "tcp://a:1"],
            "--page-listen: page_listen is \"tcp://a:1\": it must be for a WebSocket: ws://a:1",
        ),
        (&["--page-listen", "ws://a:1/b#c"], "--page-listen: page_listen is \"ws://a:1/b#c\": \"/b#c\" is no path"),
        (&["--page-listen", "a:1", "--page", "no"], "page_listen is an address, but page is no"),
        (&["--page-listen", "wss://a:1"], "cannot listen on wss://a:1: TLS needs a certificate"),
        (&["--page", "maybe"], "--page is \"maybe\": it must be one of yes, no"),
        #[cfg(unix)]
        (
            &["--page-listen", "unix:///run/chat.sock?mode=660"],
            "is \"unix:///run/chat.sock?mode=660\": a browser needs host:port: ws://127.0.0.1:12380 is one",
        ),
    ] {
        let faults = Folder::with("").faults(args);
        assert!(faults.len() == 1 && faults[0].contains(expected), "{args:?}: {faults:#?}");
    }
}

#[test]
fn of_a_flag_that_is_given_twice_the_last_counts_and_all_addresses_do() {
    let args = ["--listen", "a:1", "--session-cost-per-s", "0", "--listen", "b:2", "--session-cost-per-s", "7"];
    let config = Loaded::load(&Invocation::of(&args)).unwrap().settings.config();
    assert_eq!(config.limits.session_rate.per_s, 7);
    assert_eq!(config.listen, ["a:1", "b:2"]);
}

#[test]
fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
    let folder = Folder::with("sessions_max = 5\nrooms_max = 6\nlisten = [\"c:3\"]\n");
    let loaded = folder.load(&["--sessions-max", "7"]).unwrap();
    let config = loaded.settings.config();
    assert_eq!((config.limits.sessions_max, config.limits.rooms_max), (7, 6));
    assert_eq!(config.limits.members_max, Config::default().limits.members_max);
    assert_eq!(config.listen, ["c:3"]);
}

#[test]
fn what_is_printed_is_a_file_with_the_same_values() {
    let folder = Folder::with("reserved_names = [\"Admin\"]\nidle_time_max = \"90s\"\nreconnect_after = \"1.5s\"\n");
    let args = ["--sessions-max", "7", "--reconnect-to", "b:2", "--log", "info,chatcore_server=debug"];
    let loaded = folder.load(&args).unwrap();
    let printed = loaded.to_string();
    for line in [
        "sessions_max = 7  # --sessions-max".to_string(),
        format!("idle_time_max = \"90s\"  # {}:2", folder.path().display()),
        "rooms_max = 100000  # default".to_string(),
        "# memory_bytes_max is not set".to_string(),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in:\n{printed}");
    }
    let again = Folder::with(&printed).load(&[]).unwrap();
    let without_log_in = |loaded: &Loaded| loaded.settings.config().with_log_in(None);
    assert_eq!(without_log_in(&again), without_log_in(&loaded));
    for setting in TABLE.iter() {
        assert_eq!(setting.show(&again.settings), setting.show(&loaded.settings), "{}", setting.name);
        assert!(printed.contains(setting.name), "{}", setting.name);
    }
}

#[test]
fn each_fault_of_a_file_is_named_with_its_line_and_what_would_be_right() {
    let folder = Folder::with(concat!(
        "# a comment\n",
        "session_max = 5\n",
        "idle_time_max = \"10\"\n",
        "stall_time_max = 10\n",
        "body_bytes_max = \"64kb\"\n",
        "rooms_max = true\n",
        "listen = \"127.0.0.1:0\"\n",
        "reserved_names = [\"a b\"]\n",
        "log_format = \"xml\"\n",
        "log_level = \"=,==\"\n",
        "hub_number = 99999\n",
        "wholly_unknown = 1\n",
        "[limits]\n",
        "sessions_max = 5\n",
    ));
    let faults = folder.faults(&["--members-max", "many"]);
    for (line, words) in [
        ("FILE:2: there is no setting \"session_max\"; sessions_max is the nearest", ""),
        ("FILE:3: idle_time_max is \"10\": it needs a unit", "\"10s\" for 10 seconds"),
        ("FILE:4: stall_time_max is 10: it needs a unit", "\"10s\""),
        ("FILE:5: body_bytes_max is \"64kb\": it must be a number of bytes", "KiB, MiB"),
        ("FILE:6: rooms_max is true or false: it must be a whole number", "like 1000"),
        ("FILE:7: listen is \"127.0.0.1:0\": it must be a list, in brackets: [\"127.0.0.1:0\"]", ""),
        ("FILE:8: reserved_names is [\"a b\"]: \"a b\" cannot be a name", ""),
        ("FILE:9: log_format is \"xml\": it must be one of text, json", ""),
        ("FILE:10: log_level is \"=,==\": it must be a log filter", "info"),
        ("FILE:11: hub_number is 99999: it must be at most 65535", ""),
        ("FILE:12: there is no setting \"wholly_unknown\": --print-config shows all", ""),
        ("FILE:13: there is no section [limits]", "at the top"),
        ("--members-max is \"many\": it must be a whole number", ""),
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(line) && fault.contains(words)), "{line}: {faults:#?}");
    }
    assert_eq!(faults.len(), 13, "{faults:#?}");
}

#[test]
fn what_is_no_configuration_at_all_is_named_with_its_line() {
    let folder = Folder::with("[\"two\\nlines\\u001b\"]\n");
    assert!(folder.faults(&[])[0].starts_with("FILE:1: there is no section [two\\nlines\\u{1b}]"));
    let folder = Folder::with("");
    fs::write(folder.path(), b"sessions_max = 5\n# \xff\n").unwrap();
    assert!(folder.faults(&[])[0].starts_with("FILE:2:3: this is not UTF-8"));
    fs::write(folder.path(), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(folder.faults(&[])[0].contains("at most 1048576 bytes"));
    fs::remove_file(folder.path()).unwrap();
    assert!(folder.faults(&[])[0].contains("cannot be read"));
    fs::create_dir(folder.path()).unwrap();
    assert!(folder.faults(&[])[0].contains("must be a regular file"));
}

#[test]
fn what_is_no_toml_is_named_with_its_place_and_what_would_be_right() {
    let no_equals =
        "FILE:1:14: this is not TOML: after the name of a setting come = and a value, like sessions_max = 500";
    for (text, words) in [
        ("sessions_max 500", no_equals),
        ("sessions_max = 500 rooms_max = 5", "end of the line"),
        ("sessions_max =", "FILE:1:15: this is not TOML: after the = comes a value"),
        ("sessions_max == 5", "one = is too many"),
        ("idle_time_max = 30s", "like \"30s\""),
        ("log_format = text", "like \"30s\""),
        ("log_format = text\"", "what is no number has quotes"),
        ("log_format = \"text", "a text ends with the quote that it began with"),
        ("tls_cert = \"C:\\chat.pem\"", "write \\\\, or '…' around the text"),
        ("listen = [\"a:1\"", "a list ends with ]"),
        ("listen = [\"a:1\" \"b:2\"]", "between two parts of a list comes a comma"),
        ("// a comment", "a comment begins with #"),
        ("= 5", "before the = comes the name of a setting"),
        ("sessions_max = 0500", "a number has digits alone, the first of them not 0"),
    ] {
        let faults = Folder::with(text).faults(&[]);
        let is_right = faults.len() == 1 && faults[0].starts_with("FILE:1:") && faults[0].contains(words);
        assert!(is_right, "{text}: {faults:#?}");
    }
}

#[test]
fn a_setting_that_is_there_twice_is_named_with_both_lines() {
    assert_eq!(
        Folder::with("rooms_max = 5\n\n  rooms_max = 6\n").faults(&[]),
        ["FILE:3:3: rooms_max is there twice, for the first time in line 1: remove one of the two"]
    );
    assert_eq!(
        Folder::with("[a]\n[a]\n").faults(&[])[0],
        "FILE:2:2: a is there twice: remove one of the two",
        "what is left of it is the second"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = Folder::with(concat!(
        "idle_time_max = 30s\n",
        "session_max = 5\n",
        "rooms_max = 0\n",
        "members_max = 0\n",
        "stall_time_max = true\n",
        "listen = [\"12345\", \"tls://localhost:1\"]\n",
        "reconnect_to = \"a:1\"\n",
        "outbox_bytes_max = \"1KiB\"\n",
        "websocket_hosts = [\"a b\", \"chat.example:1\"]\n",
        "websocket_origins = [\"chat\"]\n",
    ));
    let faults = folder.faults(&["--connections-max", "0"]);
    for words in [
        "FILE:1:17: this is not TOML",
        "FILE:2: there is no setting \"session_max\"",
        "FILE:3: rooms_max is 0: it must be at least 1",
        "FILE:4: members_max is 0: it must be at least 1",
        "FILE:5: stall_time_max is true or false: it must be a time",
        "FILE:6: \"12345\" is no address to listen on",
        "FILE:6: cannot listen on tls://localhost:1: TLS needs a certificate",
        "FILE:7: reconnect_to needs reconnect_after",
        "FILE:8: outbox_bytes_max is 1024: with this body_bytes_max it must be",
        "FILE:9: websocket_hosts: \"a b\" is no host",
        "FILE:9: websocket_hosts: \"chat.example:1\" is no host",
        "FILE:10: websocket_origins: \"chat\" is no origin",
        "--connections-max: connections_max is 0",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(words)), "{words}: {faults:#?}");
    }
    assert_eq!(faults.len(), 13, "{faults:#?}");
}

#[test]
fn a_value_that_cannot_be_read_is_not_said_to_fit_no_other() {
    // By its default it would not fit the other.
    let folder = Folder::with("buffer_bytes_max = \"128 MB\"\norigin_buffer_bytes_max = \"2GiB\"\n");
    let faults = folder.faults(&[]);
    assert!(faults.len() == 1 && faults[0].starts_with("FILE:1: buffer_bytes_max is \"128 MB\""), "{faults:#?}");
}

#[test]
fn a_file_that_a_setting_names_is_regular_and_bounded() {
    let folder = Folder::with("");
    let at = |path: &str| format!("tls_cert = {path:?}\ntls_key = {path:?}\nrooms_max = 0\n");
    let said = |path: &str| {
        fs::write(folder.path(), at(path)).unwrap();
        let faults = folder.faults(&[]);
        assert_eq!(faults.len(), 2, "{faults:#?}");
        faults.into_iter().find(|fault| fault.contains("tls_cert is")).unwrap()
    };
    assert!(said("/dev/zero").contains("the file must be a regular file"));
    assert!(said("/nowhere/chat.pem").contains("the file cannot be read"));
    let large = folder.0.path().join("large");
    fs::write(&large, vec![0; (1 << 20) + 1]).unwrap();
    assert!(said(large.to_str().unwrap()).contains("the file must have at most 1048576 bytes"));
}

#[test]
fn values_that_do_not_fit_each_other_are_named_with_where_they_come_from() {
    let folder = Folder::with("buffer_bytes_max = \"128MiB\"\n");
    let faults = folder.faults(&["--origin-buffer-bytes-max", "200MiB"]);
    let [fault] = &faults[..] else { panic!("{faults:#?}") };
    for words in ["FILE:1", "--origin-buffer-bytes-max", "buffer_bytes_max is 134217728: it must be at least"] {
        assert!(fault.contains(words), "{words} in: {fault}");
    }
    let long = format!("reconnect_after = \"1s\"\nreconnect_to = \"{}:1\"", "a".repeat(199));
    for (text, words) in [
        ("session_cost_burst = 0", "FILE:1: the burst of session_rate is 0"),
        ("reconnect_to = \"a:1\"", "FILE:1: reconnect_to needs reconnect_after"),
        (
            "reconnect_after = \"1s\"\nreconnect_to = \"chat.example\"",
            "FILE:2: reconnect_to is \"chat.example\": it must be an address with a port",
        ),
        (&long, "FILE:2: reconnect_to has 201 bytes: it must have at most 200"),
        ("listen = [\"12345\"]", "FILE:1: \"12345\" is no address to listen on"),
        ("listen = []", "FILE:1: no address to listen on"),
        ("ipv6_origin_bits = 40", "FILE:1: ipv6_site_bits is 48: it must be 1 to 40"),
        ("hub_number = 1024", "FILE:1: hub_number is 1024: it must be 0 to 1023"),
        ("reconnect_after = \"50d\"", "FILE:1: reconnect_after is 4320000s: it must be at most 49d"),
        ("memory_bytes_max = \"1MiB\"", "FILE:1: by its limits this server needs at most"),
    ] {
        let faults = Folder::with(text).faults(&[]);
        assert!(faults.len() == 1 && faults[0].starts_with(words), "{words}: {faults:#?}");
    }
}

#[test]
fn without_an_address_the_other_faults_are_told_too() {
    let folder = Folder::with("listen = []\nwebsocket_hosts = [\"a b\"]\nwebsocket_origins = [\"chat\"]\n");
    let faults = folder.faults(&[]);
    for words in [
        "FILE:1: no address to listen on",
        "FILE:2: websocket_hosts: \"a b\" is no host",
        "FILE:3: websocket_origins: \"chat\" is no origin",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(words)), "{words}: {faults:#?}");
    }
    assert_eq!(faults.len(), 3, "{faults:#?}");
}

#[test]
fn a_long_address_takes_no_words_from_what_is_wrong_with_it() {
    let folder = Folder::with(&format!("listen = [\"{}\"]\n", "a".repeat(460)));
    let [fault] = &folder.faults(&[])[..] else { panic!("it is one") };
    assert!(fault.contains("is no address to listen on: after the host comes a port: aaa"), "{fault}");
}

/// Lines like those of a configuration, and others.
fn line() -> impl Strategy<Value = String> {
    let names = TABLE.iter().map(|setting| setting.name.to_string()).collect::<Vec<_>>();
    let key = prop_oneof![4 => prop::sample::select(names), 1 => "[a-z_.\\[\\]\"-]{0,12}"];
    let value = prop_oneof![
        "[0-9_.+-]{1,20}",
        "\"[0-9.]{0,9} ?[a-zA-Z]{0,4}\"",
        "\\[(\"[a-z0-9:.]{0,12}\",? ?){0,3}\\]",
        "(true|1979-05-27|\\{ a = 1 \\}|0x[0-9a-f]{1,20}|inf|nan)",
        ".{0,20}",
    ];
    prop_oneof![8 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")), 1 => ".{0,40}"]
}

proptest! {
    /// Each fault is one line, and names the file.
    #[test]
    fn any_file_is_read_or_refused(lines in prop::collection::vec(line(), 0..6)) {
        let folder = Folder::with(&lines.join("\n"));
        match folder.load(&[]) {
            Ok(loaded) => prop_assert!(loaded.settings.config().check().is_ok()),
            Err(faults) => {
                let path = folder.path().display().to_string();
                prop_assert!(faults.lines().count() > 0);
                for fault in faults.lines() {
                    prop_assert!(fault.contains(&path) && !fault.contains('\n'), "{:?}", fault);
                }
            }
        }
    }
}
