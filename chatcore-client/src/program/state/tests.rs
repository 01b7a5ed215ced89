use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::time::SystemTime;

use chatcore::Token;
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use tempfile::TempDir;

use super::*;

const SERVER: &str = "127.0.0.1:12345";

fn ticket(name: &str) -> SessionTicket {
    SessionTicket::new(name.parse().unwrap(), Token::from_bytes([7; 16])).with_display_name(Some("Alice".into()))
}

fn open(dir: &Path, name: &str) -> Slot {
    Slot::open(dir, SERVER, name, Duration::ZERO).unwrap().expect("it is a name")
}

fn is_held(dir: &Path, name: &str) -> bool {
    Slot::open(dir, SERVER, name, Duration::ZERO).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
}

/// A slot of alice's, the path of its file, and the folder.
fn slot() -> (Slot, PathBuf, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let slot = open(dir.path(), "alice");
    let path = dir.path().join(&slot.file_name);
    (slot, path, dir)
}

fn damage<T>(loaded: Loaded<T>) -> String {
    let Loaded::Damaged(why) = loaded else { panic!("it makes sense") };
    why
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_found_again_under_another_spelling_of_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("not/there/yet");
    let saved = SavedState {
        rooms: ["#lobby".to_owned()].into(),
        room: Some("#lobby".into()),
        watched: ["bob".to_owned()].into(),
    };
    let slot = open(&dir, "alice");
    assert_eq!(slot.load(), Loaded::Nothing);
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    slot.save(&ticket("alice"), &saved).unwrap();
    drop(slot);
    let slot = open(&dir, "Alice");
    let Loaded::Whole((found, loaded)) = slot.load() else { panic!("it was saved") };
    assert!(found.attempt > 0, "attempts rise over restarts");
    assert_eq!((found.with_attempt(0), loaded), (ticket("alice"), saved));
    assert_eq!(
        Slot::open(&dir, "[::1]:12345", "alice", Duration::ZERO).unwrap().unwrap().load(),
        Loaded::Nothing,
        "another server"
    );
    slot.forget();
    assert_eq!(slot.load(), Loaded::Nothing);
}

#[test]
fn a_session_that_the_server_gave_another_name_is_found_under_the_one_that_was_asked_for() {
    let (slot, _path, _folder) = slot();
    slot.save(&ticket("guest-7"), &SavedState::default()).unwrap();
    let Loaded::Whole((found, _)) = slot.load() else { panic!("it was saved") };
    assert_eq!(found.name.as_str(), "guest-7");
}

#[test]
fn a_session_belongs_to_one_program_and_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let slot = open(dir.path(), "alice");
    assert!(is_held(dir.path(), "alice"));
    let told = Slot::open(dir.path(), SERVER, "Alice", Duration::from_millis(1)).unwrap_err().to_string();
    assert_eq!(told, format!("the process {} has the session of alice", std::process::id()));
    drop(open(dir.path(), "bob"));
    assert_eq!(names(dir.path()).len(), 1, "{:?}", names(dir.path()));
    drop(slot);
    assert!(names(dir.path()).is_empty());
    drop(open(dir.path(), "alice"));
    fs::write(dir.path().join("carol@server.lock"), "").unwrap();
    drop(open(dir.path(), "alice"));
    assert!(names(dir.path()).is_empty(), "those of programs that were killed go, too");
}

#[test]
fn programs_that_start_and_end_at_once_never_have_one_session_together_and_leave_no_lock() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = |name: &str| {
        for _ in 0..50 {
            let Ok(slot) = Slot::open(dir.path(), SERVER, name, Duration::ZERO) else { continue };
            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "somebody else has it, too");
            taken.fetch_add(1, Ordering::SeqCst);
            holders.fetch_sub(1, Ordering::SeqCst);
            drop(slot);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| run("alice"));
        }
        scope.spawn(|| {
            for _ in 0..50 {
                drop(open(dir.path(), "bob"));
            }
        });
    });
    assert!(taken.into_inner() > 0);
    assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
}

#[test]
fn nobody_else_can_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("chatcore");
    let slot = open(&dir, "alice");
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    assert_eq!((mode(&dir), mode(&dir.join(&slot.file_name))), (0o700, 0o600));
}

#[test]
fn a_folder_that_others_can_read_is_set_right() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    drop(open(dir.path(), "alice"));
    assert_eq!(mode(dir.path()), 0o700);
}

#[test]
fn a_folder_that_is_not_ours_alone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &Path| Slot::open(path, SERVER, "alice", Duration::ZERO).unwrap_err().to_string();
    for others in [0o770, 0o777, 0o1777, 0o702] {
        fs::set_permissions(dir.path(), Permissions::from_mode(others)).unwrap();
        let told = refused(dir.path());
        assert!(told.contains("can be changed by others: chmod 700"), "{told}");
        assert_eq!(mode(dir.path()), others & 0o777, "it is left as it was");
    }
    fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    let (link, file) = (dir.path().join("link"), dir.path().join("file"));
    symlink(dir.path(), &link).unwrap();
    fs::write(&file, "").unwrap();
    for path in [link.clone(), link.join("")] {
        let told = refused(&path);
        assert!(told.contains("is a link, which is not followed"), "{told}");
    }
    refused(&file);
    if geteuid().is_root() {
        let dir = tempfile::tempdir().unwrap();
        chown(dir.path(), Some(12_345), None).unwrap();
        let told = refused(dir.path());
        assert!(told.contains("belongs to the user 12345"), "{told}");
    }
}

#[test]
fn a_link_at_a_path_of_ours_harms_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let (slot, path, _folder) = slot();
    symlink(&victim, &path).unwrap();
    assert!(damage(slot.load()).contains("is a link, which is not followed"));
    symlink(&victim, &path).unwrap();
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "the link is replaced");
    let lock = path.with_file_name(format!("{}{}", slot.file_name, lock::ENDING));
    let dir = path.parent().unwrap().to_owned();
    drop(slot);
    symlink(&victim, &lock).unwrap();
    let told = Slot::open(&dir, SERVER, "alice", Duration::ZERO).unwrap_err().to_string();
    assert!(told.contains("is a link, which is not followed: remove it"), "{told}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn what_is_no_file_holds_up_nothing() {
    let (slot, path, _folder) = slot();
    mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    assert!(damage(slot.load()).contains("is no regular file"));
    assert!(!path.exists(), "it is set aside");
    let listener = UnixListener::bind(&path).unwrap();
    damage(slot.load());
    drop(listener);
    fs::create_dir(&path).unwrap();
    assert!(damage(slot.load()).contains("cannot be set aside"), "a folder does not replace a file");
    let lock = path.with_file_name(format!("{}{}", slot.file_name, lock::ENDING));
    drop(slot);
    mkfifo(&lock, Mode::from_bits_truncate(0o600)).unwrap();
    let told = Slot::open(path.parent().unwrap(), SERVER, "alice", Duration::ZERO).unwrap_err().to_string();
    assert!(told.contains("is no regular file"), "{told}");
}

#[test]
fn a_planted_session_turns_nobody_into_somebody_else() {
    let (slot, path, folder) = slot();
    let mallory = open(folder.path(), "mallory");
    mallory.save(&ticket("mallory"), &SavedState::default()).unwrap();
    fs::copy(folder.path().join(&mallory.file_name), &path).unwrap();
    let told = damage(slot.load());
    assert!(told.contains("it is the session of mallory with 127.0.0.1:12345"), "{told}");
    assert_eq!(slot.load(), Loaded::Nothing);
    let elsewhere = Slot::open(folder.path(), "127.0.0.1:1", "alice", Duration::ZERO).unwrap().unwrap();
    elsewhere.save(&ticket("alice"), &SavedState::default()).unwrap();
    fs::copy(folder.path().join(&elsewhere.file_name), &path).unwrap();
    assert!(damage(slot.load()).contains("it is the session of alice with 127.0.0.1:1"));
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(damage(slot.load()).contains("can be changed by others"));
    if geteuid().is_root() {
        slot.save(&ticket("alice"), &SavedState::default()).unwrap();
        chown(&path, Some(12_345), None).unwrap();
        assert!(damage(slot.load()).contains("belongs to the user 12345"));
    }
}

#[test]
fn what_makes_no_sense_is_told_and_set_aside() {
    let (slot, path, _folder) = slot();
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for (text, words) in [
        (String::new(), "this program has not written it so (line 1, column 0)"),
        ("{}".to_owned(), "this program has not written it so"),
        (whole[..whole.len() / 2].to_owned(), "this program has not written it so"),
        (whole.replace("\"version\":1", "\"version\":2"), "its form is 2, and this program knows 1"),
        (whole.replace("Bw", "B"), "its token is none"),
        (whole.replace("\"name\":\"alice\"", "\"name\":\"no name\""), "its name cannot be one"),
        ("x".repeat(usize::try_from(FILE_BYTES_MAX).unwrap() + 1), "has more than 16777216 bytes"),
    ] {
        fs::write(&path, &text).unwrap();
        let told = damage(slot.load());
        assert!(told.contains(words) && told.ends_with(".damaged. A new session begins"), "{told}");
        assert!(!told.contains("BwcH"), "the token is not told: {told}");
        let aside = path.with_file_name(format!("{}.damaged", slot.file_name));
        assert_eq!(fs::read(aside).unwrap(), text.as_bytes());
        assert_eq!(slot.load(), Loaded::Nothing, "it is told once");
    }
}

#[test]
fn a_server_with_a_long_name_has_a_file_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = format!("unix:///{}", "x".repeat(1_000));
    let slot = Slot::open(dir.path(), &server, "alice", Duration::ZERO).unwrap().unwrap();
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    assert!(matches!(slot.load(), Loaded::Whole(_)));
    assert!(Slot::open(dir.path(), SERVER, "no name", Duration::ZERO).unwrap().is_none());
}

#[test]
fn what_a_program_was_killed_over_is_removed_when_it_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let [old, young] = ["old", "young"].map(|end| dir.path().join(format!(".new-{end}")));
    for path in [&old, &young] {
        fs::write(path, "half").unwrap();
    }
    let before = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    fs::File::options().write(true).open(&old).unwrap().set_modified(before).unwrap();
    drop(open(dir.path(), "alice"));
    assert_eq!((old.exists(), young.exists()), (false, true));
}

#[test]
fn what_a_person_wants_to_find_again_outlives_the_session() {
    let (slot, path, _folder) = slot();
    assert_eq!(slot.load_kept(true), Default::default());
    let said = KeptMessage { id: Some("7".into()), time_ms: 1, from: None, body: b"hi".to_vec() };
    let kept = Kept {
        drafts: [("bob".to_owned(), "hello\nthere".to_owned())].into(),
        unanswered: [("bob".to_owned(), [Unanswered { text: "well?".into(), is_sent: true }].into())].into(),
        read: [("#lobby".to_owned(), "12".to_owned())].into(),
        history: [("bob".to_owned(), [said].into())].into(),
    };
    slot.save_drafts(kept.clone()).unwrap();
    slot.save_history(kept.history.clone()).unwrap();
    slot.save(&ticket("alice"), &SavedState::default()).unwrap();
    slot.forget();
    let dir = path.parent().unwrap().to_owned();
    drop(slot);
    let slot = open(&dir, "alice");
    assert_eq!(slot.load_kept(true), (kept.clone(), vec![]));
    let [path, history] = [KEPT, HISTORY].map(|ending| dir.join(slot.name_of(ending)));
    assert_eq!((mode(&path), mode(&history)), (0o600, 0o600));
    // What is saved often leaves alone what is much.
    slot.save_drafts(Kept::default()).unwrap();
    assert_eq!(slot.load_kept(true).0, Kept { history: kept.history, ..Kept::default() });
    assert!(slot.load_kept(false).0.is_empty());
    slot.save_history(History::new()).unwrap();
    assert!(!path.exists() && !history.exists(), "nothing needs no file");
    fs::write(&path, "half").unwrap();
    let told = slot.load_kept(true).1.concat();
    assert!(told.contains(".kept.damaged. What was typed and not sent is not there any more"), "{told}");
    assert_eq!(slot.load_kept(true), Default::default());
    let bob = open(&dir, "bob");
    bob.save_drafts(Kept { drafts: [("carol".to_owned(), "x".to_owned())].into(), ..Kept::default() }).unwrap();
    fs::copy(dir.join(bob.name_of(KEPT)), &path).unwrap();
    assert!(slot.load_kept(true).1.concat().contains("it is the session of bob"));
}
