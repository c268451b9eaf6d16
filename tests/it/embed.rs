//! The module inside another application: the example is started as its own program and asked for a page.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::redirect::Policy;

use crate::support::http_client;

/// Looks until the program listens; each look is a refused connection, which costs next to nothing.
const LOOKS: u32 = 200_000;

struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        // One that has ended by itself is just as gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[actix_web::test]
async fn a_host_shows_our_pages_under_its_own_prefix() {
    let data = tempfile::tempdir().expect("a data folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let bind = free.local_addr().expect("its address").to_string();
    drop(free);
    let host = Command::new(example())
        .env("COUNTERFOIL_DATA", data.path())
        .env("COUNTERFOIL_BIND", &bind)
        .env_remove("DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _host = Host(host.expect("the example starts: cargo test builds it"));
    let client = http_client(Policy::limited(5));
    let mut looks = 0;
    let page = loop {
        match client.get(format!("http://{bind}/erp/")).send().await {
            Ok(answer) => break answer,
            Err(error) if looks >= LOOKS => panic!("the host does not listen: {error}"),
            Err(_not_yet) => looks += 1,
        }
    };
    assert_eq!(page.url().path(), "/erp/setup");
    let text = page.text().await.expect("a page");
    assert!(text.contains("action=\"/erp/setup\""), "{text}");
    let own = client.get(format!("http://{bind}/")).send().await;
    let own = own.expect("the host's own page").text().await;
    assert!(own.expect("text").contains("The host application"));
}

fn example() -> PathBuf {
    let here = std::env::current_exe().expect("the test's own path");
    let debug = here.parent().and_then(|deps| deps.parent());
    debug.expect("target/debug").join("examples").join("embed")
}
