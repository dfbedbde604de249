//! nginx, answering the same bytes.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::harness::address::loopback;
use crate::harness::client::Request;
use crate::harness::wait::eventually;

/// nginx with one worker on the first core.
pub struct Nginx {
    pub address: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Serves this body on every path.
    pub fn answering(body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("{}:8080", loopback());
        let config = format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/errors;\n\
             events {{ worker_connections 1024; }}\nhttp {{\n  access_log off;\n  keepalive_requests 100000000;\n  \
             client_body_temp_path {dir};\n  proxy_temp_path {dir};\n  fastcgi_temp_path {dir};\n  uwsgi_temp_path {dir};\n  \
             scgi_temp_path {dir};\n  server {{\n    listen {address};\n    location / {{\n      \
             default_type application/json;\n      return 200 '{body}';\n    }}\n  }}\n}}\n",
            dir = folder.path().display(),
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let nginx = if fs::exists("/usr/sbin/nginx").unwrap() { "/usr/sbin/nginx" } else { "nginx" };
        let process = Command::new("taskset")
            .args(["-c", "0", nginx, "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("taskset and nginx are there: `make bench` installs them");
        let target = address.parse().unwrap();
        eventually("nginx answers", || Request::get("/").tcp(target).ok());
        Self { address, process, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
