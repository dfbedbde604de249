//! Running as another user, who is looked up before the fork.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Gid, Uid};
use tokio::sync::watch;
use uzers::os::unix::UserExt;

use super::failure::ServiceError;

/// A user other than the one that lictor runs as.
#[derive(Clone, Debug)]
pub struct Account {
    name: OsString,
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    home: PathBuf,
    shell: PathBuf,
}

/// The users that have been looked up. Clones share it.
///
/// The user database may be a directory service that does not answer, so callers that must not wait use the last known result.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<watch::Sender<BTreeMap<String, Option<Account>>>>);

impl Accounts {
    /// Finds a user by name or number, with all groups; `None` if we run as that user already. It may block.
    pub(super) fn find(&self, user: Option<&str>) -> Result<Option<Account>, ServiceError> {
        let Some(user) = user else { return Ok(None) };
        let account = Account::find(user)?;
        self.0.send_modify(|known| {
            known.insert(user.to_owned(), account.clone());
        });
        Ok(account)
    }

    /// The last known result for a user; each start looks it up anew. `None`: there is none yet.
    pub(super) fn known(&self, user: Option<&str>) -> Option<Account> {
        self.0.borrow().get(user?).cloned().flatten()
    }
}

impl Account {
    /// Finds a user by name or number, with all groups; `None` if we run as that user already. It reads the user database, which may
    /// be on the network.
    ///
    /// # Errors
    /// There is no such user, or lictor does not run as root.
    pub fn find(user: &str) -> Result<Option<Self>, ServiceError> {
        let unknown = || ServiceError::NoUser { user: user.to_owned() };
        let by_number = || user.parse().ok().and_then(uzers::get_user_by_uid);
        let entry = Some(user)
            .filter(|name| !name.contains('\0'))
            .and_then(|name| uzers::get_user_by_name(name).or_else(by_number))
            .ok_or_else(unknown)?;
        let (own, uid) = (rustix::process::geteuid(), Uid::from_raw(entry.uid()));
        if uid == own {
            return Ok(None);
        }
        if !own.is_root() {
            return Err(ServiceError::NotRoot { user: user.to_owned() });
        }
        let gid = entry.primary_group_id();
        let groups = uzers::get_user_groups(entry.name(), gid).unwrap_or_default();
        let mut groups: Vec<Gid> = groups.iter().map(|group| Gid::from_raw(group.gid())).collect();
        if !groups.contains(&Gid::from_raw(gid)) {
            groups.push(Gid::from_raw(gid));
        }
        Ok(Some(Self {
            name: entry.name().to_owned(),
            uid,
            gid: Gid::from_raw(gid),
            groups,
            home: entry.home_dir().to_owned(),
            shell: entry.shell().to_owned(),
        }))
    }

    /// Becomes this user permanently. For the forked child before exec: three plain system calls without an allocation. They act
    /// on the calling thread, which is the only one there. The groups come first, because afterwards they may not be set.
    pub(super) fn become_it(&self) -> io::Result<()> {
        rustix::thread::set_thread_groups(&self.groups)?;
        rustix::thread::set_thread_gid(self.gid)?;
        rustix::thread::set_thread_uid(self.uid)?;
        Ok(())
    }

    /// Takes on this user's rights in the calling thread only, for a thread that ends soon. The real and the saved user stay
    /// lictor's, so that the user's own processes cannot signal the thread. The groups come first, because afterwards they may not
    /// be set.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn act_in_this_thread(&self) -> io::Result<()> {
        rustix::thread::set_thread_groups(&self.groups)?;
        rustix::thread::set_thread_res_gid(None, self.gid, None)?;
        rustix::thread::set_thread_res_uid(None, self.uid, None)?;
        Ok(())
    }

    /// Gives a file to this user.
    pub(super) fn own(&self, file: &std::fs::File) -> io::Result<()> {
        Ok(rustix::fs::fchown(file, Some(self.uid), Some(self.gid))?)
    }

    /// The variables that systemd's `User=` sets.
    pub(super) fn variables(&self) -> [(OsString, OsString); 4] {
        let pair = |name: &str, value: &OsStr| (OsString::from(name), value.to_owned());
        [
            pair("HOME", self.home.as_os_str()),
            pair("USER", &self.name),
            pair("LOGNAME", &self.name),
            pair("SHELL", self.shell.as_os_str()),
        ]
    }
}
