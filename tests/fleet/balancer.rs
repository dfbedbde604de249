//! A load balancer as it stands before such services: nginx, whose list of servers consul-template writes.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::harness::address::loopback;
use crate::harness::client::Request;
use crate::harness::wait::eventually;

/// Both processes; ended when dropped.
#[derive(Debug)]
pub struct Balancer {
    host: Ipv4Addr,
    folder: TempDir,
    nginx: Child,
    template: Child,
}

impl Balancer {
    /// Before the instances of `service` that pass in this Consul's catalog. No failure is hidden: a request is tried on one
    /// of them alone.
    pub fn before(service: &str, consul: SocketAddr) -> Self {
        let folder = tempfile::Builder::new().prefix("balancer-").tempdir().unwrap();
        let host = loopback();
        let dir = folder.path();
        fs::write(
            dir.join("servers.ctmpl"),
            format!(
                "{{{{ range service \"{service}\" }}}}server {{{{ .Address }}}}:{{{{ .Port }}}} max_fails=0;\n\
                 {{{{ else }}}}server 127.0.0.1:1;\n{{{{ end }}}}"
            ),
        )
        .unwrap();
        fs::write(dir.join("nginx.conf"), nginx_conf(dir, host)).unwrap();
        fs::write(dir.join("template.hcl"), template_hcl(dir, consul)).unwrap();
        // A first list before nginx begins, so that none of its workers has had another one.
        let first = consul_template(dir).arg("-once").status().unwrap();
        assert!(first.success(), "consul-template has written no list");
        let nginx = nginx(dir).stdin(Stdio::null()).spawn().expect("nginx is there: tests/setup fleet installs it");
        eventually("nginx has begun", || fs::metadata(dir.join("pid")).ok().filter(|file| file.len() > 0));
        let template = consul_template(dir).spawn().unwrap();
        Self { host, folder, nginx, template }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        (self.host, 8080).into()
    }

    /// The servers that it sends requests to.
    pub fn servers(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("servers.conf")).unwrap();
        text.lines().filter_map(|line| line.strip_prefix("server ")?.split(' ').next().map(str::to_owned)).collect()
    }

    /// Waits until it sends requests to so many, and answers.
    pub fn until_before(&self, instances: usize) {
        eventually("the balancer has all instances", || (self.servers().len() == instances).then_some(()));
        eventually("the balancer answers", || {
            Request::get("/").tcp(self.address()).ok().filter(|answer| answer.code == 200)
        });
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // It takes TERM for a signal to be passed on.
        let _ = self.template.kill();
        let _ = self.template.wait();
        // Its main process ends the workers at TERM alone.
        crate::harness::processes::signal(self.nginx.id(), rustix::process::Signal::TERM);
        let _ = self.nginx.wait();
    }
}

fn nginx(dir: &Path) -> Command {
    let program = if fs::exists("/usr/sbin/nginx").unwrap() { "/usr/sbin/nginx" } else { "nginx" };
    let mut command = Command::new(program);
    command.arg("-c").arg(dir.join("nginx.conf"));
    command
}

fn nginx_conf(dir: &Path, host: Ipv4Addr) -> String {
    let dir = dir.display();
    format!(
        "daemon off;\nuser root;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/errors;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  \
         client_body_temp_path {dir};\n  proxy_temp_path {dir};\n  fastcgi_temp_path {dir};\n  uwsgi_temp_path {dir};\n  \
         scgi_temp_path {dir};\n  \
         upstream service {{\n    include {dir}/servers.conf;\n    keepalive 32;\n  }}\n  \
         server {{\n    listen {host}:8080;\n    location / {{\n      proxy_pass http://service;\n      \
         proxy_next_upstream off;\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n    }}\n  }}\n}}\n"
    )
}

fn consul_template(dir: &Path) -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/consul-template");
    assert!(program.exists(), "consul-template is not built: run `make peers`");
    let log = OpenOptions::new().create(true).append(true).open(dir.join("template.log")).unwrap();
    let mut command = Command::new(program);
    command.arg("-config").arg(dir.join("template.hcl")).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log);
    command
}

fn template_hcl(dir: &Path, consul: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "consul {{\n  address = \"{consul}\"\n}}\nlog_level = \"info\"\n\
         template {{\n  source = \"{dir}/servers.ctmpl\"\n  destination = \"{dir}/servers.conf\"\n  \
         command = \"test ! -s {dir}/pid || kill -HUP $(cat {dir}/pid)\"\n  wait {{\n    min = \"0s\"\n    max = \"0s\"\n  }}\n}}\n"
    )
}
