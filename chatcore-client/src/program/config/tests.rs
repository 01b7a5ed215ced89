use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use clap::Parser;
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};

use super::*;
use crate::program::password::PasswordArgs;

/// What the arguments become with a file, or all that is wrong.
fn load_at(path: &Path, text: &str, args: &[&str]) -> Result<Args, Vec<String>> {
    fs::write(path, text).unwrap();
    let all = ["chatcore-client", "--config", path.to_str().unwrap()];
    let mut args = Args::try_parse_from(all.iter().chain(args)).unwrap();
    super::load(&mut args).map(|()| args)
}

fn load(text: &str, args: &[&str]) -> Result<Args, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    load_at(&folder.path().join("client.toml"), text, args)
}

/// All that is wrong, without the name of the file.
fn faults(text: &str, args: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.toml");
    let faults = load_at(&path, text, args).expect_err(text);
    faults.iter().map(|fault| fault.replace(path.to_str().unwrap(), "FILE")).collect()
}

const WORK: &str = r##"
default = "home"

[servers.home]
connect = "127.0.0.1:1"

[servers.work]
connect = "tls://chat.example:12346"
name = "alice"
ca = "ca.pem"
cert = "/etc/alice.pem"
key = "~/alice.key"
password_file = "secret"
rooms = ["#lobby", "#Work"]
follow = ["chat2.example:12346"]
reconnect_for = 0.5
history = true

[screen]
mouse = false
"##;

#[test]
fn a_server_of_the_file_is_chosen_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let args = load_at(&folder.path().join("client.toml"), WORK, &["work"]).unwrap();
    assert_eq!((args.address(), args.name.as_deref()), ("tls://chat.example:12346", Some("alice")));
    assert_eq!(args.ca, Some(folder.path().join("ca.pem")), "a path begins at the file");
    assert_eq!(args.cert.as_deref(), Some(Path::new("/etc/alice.pem")));
    assert_eq!(args.key, Some(etcetera::home_dir().unwrap().join("alice.key")));
    let secret = folder.path().join("secret");
    assert_eq!(format!("{:?}", args.password), format!("{:?}", PasswordArgs::file(secret)));
    assert_eq!(
        (args.rooms, args.follow),
        (vec!["#lobby".into(), "#Work".into()], vec!["chat2.example:12346".parse().unwrap()])
    );
    assert_eq!((args.reconnect_for, args.history), (Some(Duration::from_millis(500)), true));
    assert!(!args.screen.mouse);
}

#[test]
fn without_a_name_the_default_is_chosen_and_with_an_address_none() {
    assert_eq!(load(WORK, &[]).unwrap().address(), "127.0.0.1:1");
    let args = load(WORK, &["--connect", "127.0.0.1:2"]).unwrap();
    assert_eq!((args.address(), &args.name, args.screen.mouse), ("127.0.0.1:2", &None, false));
    assert_eq!(load(&WORK.replace("default", "#"), &[]).unwrap().address(), "127.0.0.1:12345");
}

#[test]
fn what_a_flag_says_goes_before_the_file() {
    let flags = ["work", "--name", "bob", "--ca", "other.pem", "--reconnect-for", "7", "--password-command", "true"];
    let args = load(WORK, &flags).unwrap();
    assert_eq!((args.address(), args.name.as_deref()), ("tls://chat.example:12346", Some("bob")));
    assert_eq!((args.ca.as_deref(), args.reconnect_for), (Some(Path::new("other.pem")), Some(Duration::from_secs(7))));
    assert_eq!(format!("{:?}", args.password), format!("{:?}", PasswordArgs::command("true".into())));
    let args = load(WORK, &["work", "--cert", "c", "--key", "k"]).unwrap();
    assert_eq!((args.cert, args.key), (Some("c".into()), Some("k".into())), "never one of the file with one of a flag");
    assert!(load(WORK, &["work", "--forget-password"]).unwrap().password.is_about_keyring());
}

#[test]
fn what_belongs_to_an_address_goes_to_no_other() {
    let args = load(WORK, &["work", "--connect", "tls://other.example:12346"]).unwrap();
    assert_eq!((args.address(), args.name.as_deref()), ("tls://other.example:12346", Some("alice")));
    assert!(!args.password.is_given() && args.ca.is_none() && args.cert.is_none() && args.follow.is_empty());
    let args = load(WORK, &["work", "--connect", "TLS://Chat.Example:12346"]).unwrap();
    assert!(args.password.is_given(), "it is the same");
}

#[test]
fn each_way_to_a_password_is_known_and_one_is_enough() {
    let with = |keys: &str| format!("[servers.work]\nconnect = \"127.0.0.1:1\"\n{keys}");
    for (keys, password) in [
        ("password_command = \"true\"", PasswordArgs::command("true".into())),
        ("keyring = true", PasswordArgs::keyring()),
        ("keyring = false\npassword_file = \"/secret\"", PasswordArgs::file("/secret".into())),
    ] {
        let args = load(&with(keys), &["work"]).unwrap();
        assert_eq!(format!("{:?}", args.password), format!("{password:?}"));
    }
    let told = faults(&with("keyring = true\npassword_file = \"/secret\""), &["work"]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("FILE:1: [servers.work] has ") && told[0].ends_with("comes from one of them"),
        "{told:?}"
    );
}

#[test]
fn all_that_is_wrong_is_told_with_its_line_and_what_is_right() {
    let text = r#"defualt = "work"
[servers.work]
connect = 5
nmae = "alice"
name = "no name"
keyring = "yes"
rooms = ["lobby"]
reconnect_for = "5m"
[servers.home]
name = "alice"
[screen]
notify = "loud"

[screen.keys]
"alt-j" = "fly"

[screens]
"#;
    let told = faults(text, &[]);
    let expected = [
        "FILE:1: there is no key \"defualt\" at the top; default is the nearest",
        "FILE:3: connect of [servers.work] is a number, and must be text in quotes, like connect = \"tls://",
        "FILE:4: there is no key \"nmae\" in [servers.work]; name is the nearest",
        "FILE:5: name of [servers.work] is \"no name\": ",
        "FILE:6: keyring of [servers.work] is text, and must be true or false, without quotes, like keyring = true",
        "FILE:7: rooms of [servers.work] has \"lobby\": ",
        "FILE:8: reconnect_for of [servers.work] is text, and must be a number of seconds, without quotes",
        "FILE:12: screen.notify: this is to be one of \"off\", \"bell\", \"osc9\", \"osc777\", and is \"loud\"",
        "FILE:15: screen.keys.alt-j: `fly` is nothing that a key does",
        "FILE:17: there is no key \"screens\" at the top; screen is the nearest",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
}

/// What is wrong with the screen says nothing about what is missing elsewhere.
#[test]
fn what_is_wrong_with_the_screen_is_told_together_with_what_is_missing() {
    let told = faults("default = \"home\"\n[screen]\nmouse = 1\n[servers.work]\nname = \"alice\"", &[]);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(told[0], "FILE:3: screen.mouse: this is to be true or false, and is 1");
    assert!(told[1].starts_with("FILE:4: [servers.work] does not say where it is: "), "{told:#?}");
}

#[test]
fn what_does_not_fit_together_is_told() {
    for (text, words) in [
        ("[servers.work]", "FILE:1: [servers.work] does not say where it is: connect = "),
        ("servers.a.connect = \"127.0.0.1:1\"\nservers.a.key = \"k\"", "FILE:1: [servers.a] has key and no cert"),
        ("servers.a.connect = \"127.0.0.1:1\"\nservers.a.cert = \"c\"", "FILE:1: [servers.a] has cert and no key"),
        ("default = \"work\"", "FILE:1: default is \"work\", and there is no part [servers.work]"),
        ("default = 5", "FILE:1: default is a number, and must be text in quotes, like default = \"work\""),
        ("servers = 5", "FILE:1: servers is a number, and must be parts like [servers.work]"),
        (
            "[servers]\nwork = \"127.0.0.1:1\"",
            "FILE:2: work is text, and must be a part that begins with [servers.work]",
        ),
        ("screen = true", "FILE:1: screen is true or false, and must be a part that begins with [screen]"),
        ("[servers.a]\nconnect = \"nowhere\"", "FILE:2: connect of [servers.a] is \"nowhere\": "),
        ("[servers.a]\nreconnect_for = -1", "FILE:2: reconnect_for of [servers.a] is -1: give a number of seconds"),
        ("[servers.a]\nreconnect_for = inf", "FILE:2: reconnect_for of [servers.a] is inf: give a number of seconds"),
        ("\u{1b}[31m = 1", "FILE:1: this is not TOML: "),
    ] {
        let told = faults(text, &[]);
        assert!(told.len() == 1 && told[0].starts_with(words) && !told[0].contains('\u{1b}'), "{text}: {told:?}");
    }
}

#[test]
fn what_is_no_toml_is_told_beside_the_rest_and_what_follows_from_it_is_not() {
    let told = faults("[servers.work]\nconnect = tls://chat.example:1\nname = 5\nca = \"a\nkeyring = 5", &[]);
    let lines: Vec<_> = told.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["FILE:2:", "FILE:3:", "FILE:4:", "FILE:5:"], "{told:#?}");
    assert!(told[0].contains("this is not TOML: ") && told[1].contains("name of [servers.work] is a number"));
    let many = (0..30).map(|number| format!("k{number} = 1")).collect::<Vec<_>>().join("\n");
    let told = faults(&many, &[]);
    assert_eq!((told.len(), told.last().unwrap().as_str()), (21, "and 10 more"));
}

#[test]
fn an_unknown_server_lists_those_that_there_are() {
    for (server, words) in [
        ("wrok", "there is no server \"wrok\"; work is the nearest: FILE has home, work"),
        ("elsewhere", "there is no server \"elsewhere\": FILE has home, work"),
        (
            "127.0.0.1:9",
            "there is no server \"127.0.0.1:9\"; --connect 127.0.0.1:9 connects to an address: FILE has home, work",
        ),
    ] {
        assert_eq!(faults(WORK, &[server]), [words]);
    }
    assert_eq!(
        faults("", &["work"]),
        ["there is no server \"work\": FILE has none, which would be a part like [servers.work]"]
    );
}

#[test]
fn a_file_that_may_be_somebody_elses_or_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.toml");
    let refused = || {
        let args = ["chatcore-client", "--config", path.to_str().unwrap()];
        let faults = super::load(&mut Args::try_parse_from(args).unwrap()).unwrap_err();
        assert_eq!(faults.len(), 1);
        faults[0].clone()
    };
    assert!(refused().contains("the configuration cannot be read: No such file"), "who names it wants it");
    fs::write(&path, b"# \n# \xff").unwrap();
    assert!(refused().ends_with(":2: this is not UTF-8: write the file in UTF-8"), "{}", refused());
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o646)).unwrap();
    assert!(refused().contains("the configuration can be changed by everybody: chmod go-w "), "{}", refused());
    fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
    let args = ["chatcore-client", "--config", path.to_str().unwrap()];
    super::load(&mut Args::try_parse_from(args).unwrap()).expect("it is a file of ours");
    if geteuid().is_root() {
        chown(&path, Some(12_345), None).unwrap();
        assert!(refused().contains("the configuration belongs to the user 12345, not to you"), "{}", refused());
    }
    fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    if geteuid().is_root() {
        chown(&path, Some(0), None).unwrap();
    }
    assert!(refused().contains("the configuration has more than 1048576 bytes"), "{}", refused());
    fs::remove_file(&path).unwrap();
    mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    assert!(refused().contains("the configuration is no regular file"), "{}", refused());
}

#[test]
fn where_there_is_no_file_nothing_is_missed_but_a_server_of_it() {
    let args = |args: &[&str]| Args::try_parse_from(["chatcore-client"].iter().chain(args)).unwrap();
    assert!(none(&args(&[]), Path::new("FILE")).is_ok());
    let told = none(&args(&["work"]), Path::new("FILE")).unwrap_err().lines();
    assert_eq!(
        told,
        ["there is no server \"work\": the file FILE is not there, where each has a part like [servers.work]"]
    );
}
