//! The Redis tier with each kind of server: users with few rights, Sentinel, a replica, a cluster,
//! TLS.

use std::process::Command;

use ferrodash_cache::tiers::RedisConfig;
use ferrodash_cache::{Change, LeaseOutcome, Shared, Stamp, Tier};
use ferrodash_testing::{Program, free_port, redis_server};

use crate::MINUTE;
use crate::redis_changes::listening;
use crate::redis_server::{ORDERS, entry, key, raw, request, tell, tier, until, value_name};

#[tokio::test]
async fn an_acl_user_needs_no_more_than_it_uses() {
    let server = ferrodash_testing::Redis::start();
    let mut raw = raw(&server.url()).await;
    let may = "resetkeys ~{test:* ~{test}:marks +get +pttl +del +exists +hmget +evalsha +eval +getrange +set \
               +pexpire +hlen +hincrby +hset +info +client|tracking";
    let rule: Vec<&str> = ["ACL", "SETUSER", "app", "on", ">p@ss/word"]
        .into_iter()
        .chain(may.split_whitespace())
        .collect();
    let () = tell(&mut raw, &rule).await;
    let url = |password: &str| server.url().replace("://", &format!("://app:{password}@"));
    let (allowed, key) = (tier(&url("p%40ss%2Fword")), key("acl"));
    let mut told = listening(&allowed).await;
    assert!(matches!(
        allowed.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(allowed.renew(&key, 1, MINUTE).await.expect("an answer"));
    assert!(
        allowed
            .fill(&key, 1, &entry("value"))
            .await
            .expect("an answer")
            .is_stored()
    );
    allowed.invalidate(&ORDERS).await.expect("an answer");
    let () = tell(&mut raw, &["DEL", &value_name(&key)]).await;
    assert_eq!(told.next().await, Change::Entry(key));
    let error = tier(&url("wrong"))
        .get(&key)
        .await
        .expect_err("the password is wrong");
    assert!(
        error.contains("username-password") && !error.contains("wrong user"),
        "{error}"
    );
}

#[tokio::test]
async fn the_master_is_found_through_sentinels() {
    let directory = tempfile::tempdir().expect("a directory");
    let (port, sentinel) = (free_port(), free_port());
    let _server = Program::listening(redis_server(port).args(["--requirepass", "secret"]), port);
    let file = directory.path().join("sentinel.conf");
    let config = format!(
        "port {sentinel}\nbind 127.0.0.1\nsentinel monitor orders 127.0.0.1 {port} 1\n\
         sentinel auth-pass orders secret\n"
    );
    std::fs::write(&file, config).expect("a file");
    let mut command = Command::new("redis-server");
    let _sentinel = Program::listening(
        command
            .arg(&file)
            .arg("--sentinel")
            .current_dir(directory.path()),
        sentinel,
    );
    let nobody = free_port();
    let url = format!("redis+sentinel://:secret@127.0.0.1:{nobody},127.0.0.1:{sentinel}/orders/1");
    let (one, other, key) = (tier(&url), tier(&url), key("sentinel"));
    let mut told = listening(&one).await;
    assert!(one.set(&key, &entry("value")).await.expect("an answer"));
    let found = other
        .read(&key, &ORDERS)
        .await
        .expect("an answer")
        .entry
        .expect("an entry");
    assert_eq!(found.bytes(), "value");
    let mut raw = raw(&format!("redis://:secret@127.0.0.1:{port}/1")).await;
    let () = tell(&mut raw, &["DEL", &value_name(&key)]).await;
    assert_eq!(told.next().await, Change::Entry(key));

    let error = tier(&url.replace("orders", "others"))
        .get(&key)
        .await
        .expect_err("there is no such master");
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_replica_is_left_for_the_master() {
    let (port, replica) = (free_port(), free_port());
    let _server = Program::listening(&mut redis_server(port), port);
    // A replica writes down what it takes from its master.
    let directory = tempfile::tempdir().expect("a directory");
    let _replica = Program::listening(redis_server(replica).current_dir(directory.path()), replica);
    let url = format!("redis://127.0.0.1:{replica}");
    let (tier, key) = (tier(&url), key("replica"));
    let mut told = listening(&tier).await;
    let mut raw = raw(&url).await;
    assert!(tier.set(&key, &entry("value")).await.expect("an answer"));
    let () = tell(&mut raw, &["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
    until(async || {
        let info: String = tell(&mut raw.clone(), &["INFO", "replication"]).await;
        info.contains("master_link_status:up")
    })
    .await;
    assert_eq!(
        told.next().await,
        Change::Unknown,
        "it was flushed when it took what the master has, or is given up"
    );
    let error = tier
        .set(&key, &entry("value"))
        .await
        .expect_err("it is read-only");
    assert!(
        error.contains("READONLY") || error.contains("read only"),
        "{error}"
    );
    let () = tell(&mut raw, &["REPLICAOF", "NO", "ONE"]).await;
    until(async || tier.set(&key, &entry("value")).await.is_ok()).await;
    assert_eq!(
        told.next().await,
        Change::Unknown,
        "another connection is made, to a master"
    );
}

#[tokio::test]
async fn a_cluster_is_used_like_a_server() {
    let port = free_port();
    let mut command = redis_server(port);
    let directory = tempfile::tempdir().expect("a directory");
    command.args([
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &free_port().to_string(),
    ]);
    let server = Program::listening(command.current_dir(directory.path()), port);
    let mut raw = raw(&format!("redis://127.0.0.1:{port}")).await;
    let () = tell(&mut raw, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until(async || {
        let info: String = tell(&mut raw.clone(), &["CLUSTER", "INFO"]).await;
        info.contains("cluster_state:ok")
    })
    .await;
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{port}", free_port());
    let (one, other, key) = (tier(&url), tier(&url), key("cluster"));
    let mut told = listening(&one).await;
    // The slots are known, and a connection to their master is made.
    told.until(Change::Unknown).await;
    let before = one.read(&key, &ORDERS).await.expect("an answer");
    assert!(before.entry.is_none());
    assert!(matches!(
        one.acquire(&key, &request(1)).await,
        Ok(LeaseOutcome::Won)
    ));
    assert!(matches!(
        other.acquire(&key, &request(2)).await,
        Ok(LeaseOutcome::Held(_))
    ));
    let fill = async {
        assert!(
            one.fill(&key, 1, &entry("value"))
                .await
                .expect("an answer")
                .is_stored()
        )
    };
    tokio::join!(other.changed(&key, MINUTE), fill);
    other.invalidate(&ORDERS).await.expect("an answer");
    told.until(Change::Marks).await;
    let after = other.read(&key, &ORDERS).await.expect("an answer");
    assert_eq!(after.entry.expect("an entry").bytes(), "value");
    assert_eq!(
        after.marks.now,
        Stamp {
            sequence: 1,
            ..before.marks.now
        }
    );
    assert_eq!(after.marks.newest, 1);
    assert!(one.get(&key).await.expect("an answer").is_some());
    other.remove(&key).await.expect("an answer");
    told.until(Change::Entry(key)).await;
    assert!(one.get(&key).await.expect("an answer").is_none());

    drop(server);
    until(async || one.get(&key).await.is_err()).await;
    let _server = Program::listening(&mut command, port);
    until(async || one.set(&key, &entry("value")).await.is_ok()).await;
}

#[tokio::test]
async fn tls_with_a_private_authority_and_client_certificates() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (ca, ca_key) = (file("ca.pem"), file("ca.key"));
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=authority",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ]);
    let (extensions, request) = (file("extensions"), file("request"));
    std::fs::write(
        &extensions,
        "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .expect("a file");
    let (certificate, key_file) = (file("certificate.pem"), file("certificate.key"));
    openssl(&[
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=both", "-keyout", &key_file, "-out",
        &request,
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        &extensions,
        "-out",
        &certificate,
    ]);
    let port = free_port();
    let mut command = redis_server(0);
    command.args(["--tls-port", &port.to_string(), "--tls-ca-cert-file", &ca]);
    command.args([
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key_file,
        "--tls-auth-clients",
        "yes",
    ]);
    let _server = Program::listening(&mut command, port);

    let key = key("tls");
    let known =
        format!("rediss://127.0.0.1:{port}?deadline=2s&ca={ca}&cert={certificate}&key={key_file}");
    let trusted = tier(&known);
    let mut told = listening(&trusted).await;
    assert!(trusted.set(&key, &entry("value")).await.expect("an answer"));
    tier(&known).remove(&key).await.expect("an answer");
    assert_eq!(told.next().await, Change::Entry(key));
    let system = format!("rediss://127.0.0.1:{port}?deadline=2s");
    tier(&system)
        .get(&key)
        .await
        .expect_err("the authority is not one of the system's");
    let anonymous = format!("{system}&ca={ca}");
    tier(&anonymous)
        .get(&key)
        .await
        .expect_err("the server wants a client certificate");
    assert!(
        RedisConfig::parse(&format!("{system}&ca={request}&cert={ca}&key={ca}")).is_err(),
        "that is no key"
    );
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
