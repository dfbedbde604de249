//! Becoming somebody else needs root; without it there is only the refusal to test.

use std::process::Command;

use crate::harness::{Harness, command};

fn script_of(user: &str) -> lictor::service::Command {
    let mut of_user = command("sh", &["-c", "{ id -u; id -g; id -G; echo $HOME $USER $LOGNAME $SHELL; } > $D/who"]);
    of_user.user = Some(user.to_owned());
    of_user
}

async fn seen_by(user: &str, habits: &[(&str, &str)]) -> Vec<String> {
    let mut it = Harness::script("").await;
    std::fs::set_permissions(it.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    it.service.update(script_of(user));
    it.start(habits).await;
    it.exit().await;
    it.read("who").lines().map(str::to_owned).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn it_runs_as_another_user_with_that_users_variables() {
    if !is_root() {
        let mut it = Harness::script("").await;
        it.service.update(script_of("nobody"));
        assert!(it.refused().await.contains("lictor must run as root"));
        return;
    }
    let nobody = uzers::get_user_by_name("nobody").expect("every Linux has the user nobody");
    let seen = seen_by("nobody", &[("HOME", "/composed")]).await;
    assert_eq!(seen[..2], [nobody.uid().to_string(), nobody.primary_group_id().to_string()]);
    // Not root's groups.
    assert_eq!(seen[2], nobody.primary_group_id().to_string());
    assert!(seen[3].starts_with("/composed nobody nobody /"), "{}", seen[3]);
}

#[tokio::test]
async fn the_file_with_the_variables_is_that_users_own() {
    if !is_root() {
        return;
    }
    let mut it = Harness::script("").await;
    std::fs::set_permissions(it.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let file = it.folder.path().join("service.env");
    let mut of_user = command("sh", &["-c", "cat $D/service.env > $D/read"]);
    (of_user.user, of_user.env_file) = (Some("nobody".to_owned()), Some(file.clone()));
    it.service.update(of_user);
    it.start(&[("GREETING", "hello")]).await;
    it.exit().await;
    assert!(it.read("read").contains("GREETING=\"hello\"\n"), "{}", it.read("read"));
    let owner = std::os::unix::fs::MetadataExt::uid(&file.metadata().unwrap());
    assert_eq!(owner, uzers::get_user_by_name("nobody").unwrap().uid());
}

#[tokio::test]
async fn an_unknown_user_is_refused_by_name() {
    let mut it = Harness::script("").await;
    for unknown in ["no-such-user", "no\0body", "", "4294967295"] {
        it.service.update(script_of(unknown));
        assert!(it.refused().await.starts_with(&format!("there is no user {unknown} on this host")));
    }
}

/// Runs the test below in a mount namespace whose /etc/passwd and /etc/group have a made-up user.
#[tokio::test]
async fn the_users_supplementary_groups_come_along() {
    if !is_root() {
        return;
    }
    let it = Harness::script("").await;
    let folder = &it.folder;
    let with = |file: &str, lines: &str| {
        let all = std::fs::read_to_string(format!("/etc/{file}")).unwrap() + lines;
        std::fs::write(folder.path().join(file), all).unwrap();
    };
    with("passwd", "lictortest:x:54321:54321::/home/lictortest:/bin/false\n");
    with("group", "lictortest:x:54321:\nlictora:x:54322:lictortest\nlictorb:x:54323:lictortest\n");
    let script = r#"cd "$0" && for f in passwd group; do mount --bind $f /etc/$f || exit 9; done; exec "$@""#;
    let inner = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "users::inside_a_namespace_with_a_made_up_user", "--ignored", "--nocapture"])
        .output()
        .expect("unshare(1) of util-linux");
    let said = String::from_utf8_lossy(&inner.stdout);
    assert!(inner.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&inner.stderr));
}

#[tokio::test]
#[ignore = "run by the test above, which makes the user up"]
async fn inside_a_namespace_with_a_made_up_user() {
    for user in ["lictortest", "54321"] {
        let seen = seen_by(user, &[]).await;
        assert_eq!(seen, ["54321", "54321", "54321 54322 54323", "/home/lictortest lictortest lictortest /bin/false"]);
    }
}
