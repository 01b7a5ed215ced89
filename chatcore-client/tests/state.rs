//! What the program keeps on disk, and what it does when that is not as it should be.

mod programs;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use programs::{Program, Server};
use serde_json::json;

/// The files of a folder that have a session in them.
fn sessions(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("it can be read").map(|entry| entry.expect("it can be read").path());
    paths.filter(|path| path.to_str().is_some_and(|path| path.contains('@') && !path.contains(".lock"))).collect()
}

/// Starts a client as alice and kills it, so that its session is in the file that this returns.
fn kill_alice(server: &Server) -> PathBuf {
    let mut alice = server.json("alice", &[]);
    // By the time of an answer the session is saved.
    alice.write("/who\n");
    alice.event();
    alice.signal("KILL");
    drop(alice.end());
    let files = sessions(server.state.path());
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().expect("there is one")
}

/// The client says that there is something with what is kept, and why.
fn error(client: &Program) -> (String, String) {
    let told = client.event();
    assert_eq!(told["event"], json!("error"), "{told}");
    let text = |key: &str| told[key].as_str().expect("it is text").to_owned();
    (text("reason"), text("detail"))
}

#[test]
fn a_damaged_session_is_told_once_and_set_aside() {
    let server = Server::start_with(&["--resume-time-max", "0"]);
    let file = kill_alice(&server);
    fs::write(&file, "half a fi").expect("it is ours");
    let alice = server.client(&["--json", "--name", "alice"]);
    let (reason, detail) = error(&alice);
    assert_eq!(reason, "state_damaged");
    assert!(detail.contains(file.to_str().unwrap()) && detail.ends_with(".damaged. A new session begins"), "{detail}");
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.signal("TERM");
    drop(alice.end());
    let left = fs::read_dir(server.state.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(left.collect::<Vec<_>>(), [PathBuf::from(format!("{}.damaged", file.display()))], "and no lock");
}

#[test]
fn neither_a_pipe_nor_a_link_nor_the_session_of_another_takes_its_place() {
    let server = Server::start_with(&["--resume-time-max", "0"]);
    let file = kill_alice(&server);
    let mallory = fs::read_to_string(&file).unwrap().replace("alice", "mallory");
    let victim = server.state.path().join("victim");
    fs::write(&victim, &mallory).unwrap();
    let (pipe, link) =
        (|| mkfifo(&file, Mode::from_bits_truncate(0o600)).unwrap(), || symlink(&victim, &file).unwrap());
    let plants: [(&dyn Fn(), &str); 3] = [
        (&pipe, "is no regular file"),
        (&link, "is a link"),
        (&|| fs::write(&file, &mallory).unwrap(), "it is the session of mallory"),
    ];
    for (plant, words) in plants {
        let _ = fs::remove_file(&file);
        plant();
        let alice = server.client(&["--json", "--name", "alice"]);
        let (reason, detail) = error(&alice);
        assert!(reason == "state_damaged" && detail.contains(words), "{words}: {reason}: {detail}");
        alice.expect(r#"{"event":"registered","name":"alice"}"#);
        alice.signal("TERM");
        drop(alice.end());
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), mallory);
}

#[test]
fn in_a_folder_that_others_can_change_nothing_is_kept() {
    let server = Server::start();
    fs::set_permissions(server.state.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut alice = server.client(&["--json", "--name", "alice"]);
    let (reason, detail) = error(&alice);
    assert!(reason == "not_kept" && detail.contains("can be changed by others: chmod 700 "), "{reason}: {detail}");
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.write("/quit\n");
    alice.end();
    assert_eq!(fs::read_dir(server.state.path()).unwrap().count(), 0);
}

#[test]
fn where_a_full_disk_takes_nothing_the_session_of_before_stays_whole_and_one_chats_all_the_same() {
    let server = Server::start();
    let file = kill_alice(&server);
    let before = fs::read(&file).unwrap();
    // No file may grow, and who tries it is told instead of killed.
    let mut alice = server.client_after("trap '' XFSZ; ulimit -f 0", &["--json", "--name", "alice"]);
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
    let (reason, detail) = error(&alice);
    assert!(reason == "not_kept" && detail.contains("cannot keep the session in "), "{reason}: {detail}");
    assert!(!detail.contains(".new-"), "the unfinished file is nobody's business: {detail}");
    alice.write("/join #lobby\n/who\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
    assert_eq!(fs::read(&file).unwrap(), before);
    alice.signal("KILL");
    drop(alice.end());
    let names: Vec<_> = fs::read_dir(server.state.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".new-")), "{names:?}");
}

#[test]
fn of_two_programs_with_one_session_the_first_has_it() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    let other = server.client(&["--json", "--name", "alice"]);
    let (status, stdout, stderr) = other.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stdout, [r#"{"event":"closed","reason":"name_in_use"}"#]);
    let holder = format!("alice: the name is in use here: the process {} has the session of alice; ", alice.id());
    assert!(stderr.len() == 1 && stderr[0].contains(&holder), "{stderr:?}");
    assert_eq!(sessions(server.state.path()).len(), 1, "the other has not forgotten what is not its own");
    alice.write("/who\n");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
}

#[test]
fn a_server_whose_address_is_long_has_its_session_kept() {
    let folder = tempfile::tempdir().unwrap();
    // Each byte that is no letter takes three in a file's name.
    let socket = folder.path().join(format!("{}.sock", "+".repeat(60)));
    let server = Server::listening(&["--listen", &format!("unix://{}", socket.display())]);
    kill_alice(&server);
    let alice = server.client(&["--json", "--name", "alice"]);
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
}
