//! A queue that takes some messages of a batch and leaves the others, as SQS may and no local server does.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Answers every `SendMessageBatch`.
pub struct Refusing {
    pub endpoint: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Refusing {
    /// Takes only the first message of each batch. The fault of the others is the sender's, or not.
    pub async fn new(sender_fault: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let bodies = taken.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, bodies.clone(), sender_fault));
            }
        });
        Self { endpoint, taken }
    }

    /// The bodies that it has taken.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

async fn serve(client: TcpStream, taken: Arc<Mutex<Vec<String>>>, sender_fault: bool) {
    let mut client = BufReader::new(client);
    loop {
        let (mut length, mut line) = (0, String::new());
        while client.read_line(&mut line).await.unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if line.is_empty() {
            return;
        }
        let mut body = vec![0; length];
        client.read_exact(&mut body).await.unwrap();
        let request: Value = serde_json::from_slice(&body).unwrap();
        let entries = request["Entries"].as_array().unwrap();
        taken.lock().unwrap().push(entries[0]["MessageBody"].as_str().unwrap().to_owned());
        let failed = |entry: &Value| {
            let id = &entry["Id"];
            json!({"Id": id, "Code": "Unwell", "Message": "not now", "SenderFault": sender_fault})
        };
        let done = json!({"Id": entries[0]["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
        let failed: Vec<Value> = entries[1..].iter().map(failed).collect();
        let answer = json!({"Successful": [done], "Failed": failed}).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        client.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
    }
}
