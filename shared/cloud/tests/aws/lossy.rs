//! A network that loses answers: requests reach the server, the answers to some never come back.

use crate::server::endpoint;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A way to the server on which the answers to the next `losses` requests of this operation are lost.
pub struct Lossy {
    pub endpoint: String,
    losses: Arc<AtomicUsize>,
}

impl Lossy {
    pub async fn new(operation: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let losses = Arc::new(AtomicUsize::new(0));
        let left = losses.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, operation, left.clone()));
            }
        });
        Self { endpoint, losses }
    }

    /// Loses the answers to so many requests from now on.
    pub fn lose(&self, answers: usize) {
        self.losses.store(answers, Ordering::SeqCst);
    }

    /// Answers that are still to be lost.
    pub fn left(&self) -> usize {
        self.losses.load(Ordering::SeqCst)
    }
}

async fn pass(mut client: TcpStream, operation: &str, losses: Arc<AtomicUsize>) {
    let mut server = TcpStream::connect(endpoint().trim_start_matches("http://")).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_lossy = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(bytes @ 1..) = read else { return };
                is_lossy |= String::from_utf8_lossy(&asked[..bytes]).contains(&format!("DynamoDB_20120810.{operation}"));
                server.write_all(&asked[..bytes]).await.unwrap();
            }
            read = server.read(&mut answered) => {
                let Ok(bytes @ 1..) = read else { return };
                let fewer = |left: usize| left.checked_sub(1);
                if std::mem::take(&mut is_lossy)
                    && losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok()
                {
                    return;
                }
                if client.write_all(&answered[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}
