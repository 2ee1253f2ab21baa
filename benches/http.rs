//! HTTP round trips over a kept connection; server and client on separate
//! runtimes.

use std::cell::{Cell, OnceCell};

use benchgate::suite::http::{Client, Server};
use criterion::{Criterion, criterion_group, criterion_main};

fn keep_alive(criterion: &mut Criterion) {
    // Polled by this thread alone; the server has its own.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = OnceCell::new();
    let turn = Cell::new(0_u64);
    criterion.benchmark_group("http").bench_function("keep_alive_round_trip", |bencher| {
        let (_, client): &(Server, Client) = started.get_or_init(|| {
            let server = Server::start().expect("a server");
            let client = runtime.block_on(Client::connect(server.address())).expect("a client");
            let sum = runtime.block_on(client.get_lead(7)).expect("a reply");
            let body = br#"{"id":7,"score":0.433,"stage":"qualified","email":"lead7@example.com"}"#;
            assert_eq!(sum, body.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            (server, client)
        });
        bencher.to_async(&runtime).iter(|| {
            turn.set(turn.get() + 1);
            let id = turn.get();
            async move { client.get_lead(id).await.expect("a reply") }
        });
    });
    if let Some((server, _)) = started.get() {
        assert_eq!(server.accepted(), 1, "one connection carried all requests");
    }
}

criterion_group!(benches, keep_alive);
criterion_main!(benches);
