//! Seeds for the target of the settings: one for each kind of fault, and some without.

use crate::seed::Seed;

pub(crate) fn configuration_seeds() -> impl Iterator<Item = Seed> {
    FILES.iter().map(|(name, bytes)| Seed { target: "configuration", name: (*name).into(), bytes: bytes.to_vec() })
}

/// Between bytes of zero: the file, and flags and variables.
const FILES: &[(&str, &[u8])] = &[
    ("nothing", b""),
    (
        "each-form",
        b"# a comment\nsessions_max = 1_000\nidle_time_max = '90s'\nbody_bytes_max = \"32 KiB\"\n\
          listen = [\n  \"127.0.0.1:1\", # one\n  '[::1]:2',\n]\nreconnect_after = \"\"\"1.5s\"\"\"\n",
    ),
    ("flags-and-variables", b"rooms_max = 5\0--sessions-max=7\0--listen=unix:///run/chat.sock?mode=660\0CHATCORE_ROOMS_MAX=6\0RUST_LOG=debug"),
    ("a-variable-with-a-list", b"\0CHATCORE_LISTEN=a:1, b:2\0CHATCORE_RESERVED_NAMES=admin,root"),
    ("an-unknown-variable", b"\0CHATCORE_SESSION_MAX=5\0CHATCORE_CONFIG=x"),
    ("an-unknown-flag", b"\0--session-max=5"),
    ("the-help", b"\0--help"),
    ("unknown-settings", b"session_max = 5\nSessions-Max = 5\nwholly_unknown = 1\n[limits]\nrooms_max = 1\n[[x]]\n"),
    ("a-setting-twice", b"rooms_max = 5\nrooms_max = 6\n"),
    ("a-key-with-dots", b"a.b.c = 1\na.b = 2\n\"rooms_max\" = 3\n\"\" = 4\n"),
    ("no-equals", b"sessions_max 500\n"),
    ("no-value", b"sessions_max =\nrooms_max = 5 members_max = 6\n"),
    ("no-quotes", b"idle_time_max = 30s\nlog_format = text\nlog_level = \"info\n"),
    ("no-list", b"listen = \"127.0.0.1:0\"\nreserved_names = [1, true]\n"),
    ("lists-without-end", b"listen = [\"a:1\" \"b:2\"\nreserved_names = [\"a\",,]\n"),
    ("escapes", b"tls_cert = \"C:\\chat.pem\"\ntls_key = '\\'\nlog_level = \"\\u0041\\uD800\"\n"),
    ("other-types", b"rooms_max = true\nmembers_max = 1.5\nwatches_max = {a = 1}\nsessions_max = 1979-05-27T07:32:00Z\n"),
    ("other-numbers", b"rooms_max = 0x1F\nmembers_max = -1\nwatches_max = 99999999999999999999\nsessions_max = 007\n"),
    ("other-units", b"idle_time_max = \"10\"\nstall_time_max = 10\nbody_bytes_max = \"64kb\"\nlinger_time_max = \"1.0000000001s\"\n"),
    ("the-longest-time", b"flush_time_max = \"18446744073709551615s\"\nlinger_time_max = \"99999999999999999999d\"\n"),
    ("limits-of-zero", b"rooms_max = 0\nsession_cost_burst = 0\nturn_time = \"0s\"\0--connections-max=0"),
    ("limits-that-do-not-fit", b"outbox_bytes_max = \"1KiB\"\nbuffer_bytes_max = \"128MiB\"\norigin_buffer_bytes_max = \"200MiB\"\n"),
    ("more-than-the-memory", b"memory_bytes_max = \"1MiB\"\n"),
    ("nobody-could-log-in", b"guests = \"no\"\nunix_users = \"yes\"\nlog_in_threads = 0\norigin_log_in_failures_max = 0\n"),
    (
        "networks-that-are-none",
        b"uncounted_origins = [\"10.0.0.0/33\", \"x\", \"none\"]\nwebsocket_hosts = [\"a b\"]\nwebsocket_origins = [\"chat\"]\n",
    ),
    (
        "each-kind-of-address",
        b"listen = [\"a:1\", \"tls://a:2\", \"ws://a:3/chat\", \"wss://a:4\", \"unix:///x\"]\n\
          websocket_hosts = [\"chat.example\"]\nwebsocket_origins = [\"https://chat.example\"]\n\
          uncounted_origins = [\"10.0.0.0/8\", \"::1\"]\nguests = \"reserved-only\"\n",
    ),
    ("a-hint-without-a-time", b"reconnect_to = \"a:1\"\n"),
    ("names-that-are-none", b"reserved_names = [\"a b\", \"\", \"\xc2\xad\"]\n"),
    ("addresses-that-are-none", b"listen = [\"12345\", \"tls://localhost\", \"http://a:1\", \"unix://x?mode=8\", \"\"]\n"),
    ("no-address", b"listen = []\n"),
    ("filters-that-are-none", b"log_level = \"debgu\"\0--log=a=b[c{d=.*}]=trace"),
    ("a-key-alone", b"tls_key = \"key.pem\"\nlisten = [\"tls://a:1\"]\n"),
    ("another-encoding", b"\xff\xfes\0e\0s\0"),
    ("a-byte-order-mark", b"\xef\xbb\xbfrooms_max = 5\r\nmembers_max = 6\rwatches_max = 7\n"),
    ("control-characters", b"\"\\u001b[2J\\n\" = 1\n# \x07\nlog_format = \"\\u0085\\u009b\"\n"),
    ("deep", b"a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"),
];
