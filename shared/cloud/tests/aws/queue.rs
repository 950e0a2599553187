use crate::{
    refusing::Refusing,
    server::{config, config_at, new_name},
};
use aws_sdk_sqs::{Client, types::Message};
use cloud::SqsQueue;
use job::{ErrorKind, JobId, TaskId};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use store::{Queue, StoreError, Work};

/// Receives until nothing comes for as long as a poll waits, or there are so many.
async fn received(client: &Client, url: &str, at_most: usize) -> Vec<Message> {
    let mut all = Vec::new();
    while all.len() < at_most {
        let call = client.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(1);
        let messages = call.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        all.extend(messages);
    }
    all
}

async fn new_queue(name: &str) -> (Client, String, SqsQueue) {
    let config = config().await;
    let client = Client::new(&config);
    let url = client.create_queue().queue_name(new_name(name)).send().await.unwrap().queue_url.unwrap();
    let queue = SqsQueue::new(&config, &url);
    (client, url, queue)
}

#[tokio::test]
async fn what_is_sent_is_received_however_much_it_is() {
    let (client, url, queue) = new_queue("tasks").await;
    let job = JobId::random();
    let mut sent: Vec<Work> = (0..24).map(|index| Work::Task(TaskId { job, index })).collect();
    sent.push(Work::FanOut(job));
    queue.send(&sent).await.unwrap();
    queue.send(&[]).await.unwrap();
    let messages = received(&client, &url, 26).await;
    assert_eq!(messages.len(), 25);
    let work: HashSet<Work> =
        messages.iter().map(|message| cloud::work_of(message.body().unwrap()).unwrap()).collect();
    assert_eq!(work, sent.into_iter().collect());
}

#[tokio::test]
async fn delayed_work_comes_later() {
    let (client, url, queue) = new_queue("later").await;
    let work = Work::FanOut(JobId::random());
    let since = Instant::now();
    queue.send_after(&[work], Duration::from_millis(1_500)).await.unwrap();
    assert!(received(&client, &url, 1).await.is_empty());
    let mut messages = Vec::new();
    while messages.is_empty() && since.elapsed() < Duration::from_secs(20) {
        messages = received(&client, &url, 1).await;
    }
    assert!(since.elapsed() > Duration::from_millis(1_500));
    assert_eq!(cloud::work_of(messages[0].body().unwrap()).unwrap(), work);
}

#[tokio::test]
async fn a_queue_that_does_not_exist_refuses() {
    let (_, url, _) = new_queue("there").await;
    let queue = SqsQueue::new(&config().await, format!("{url}-not"));
    let error = queue.send(&[Work::FanOut(JobId::random())]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("NonExistentQueue")), "{error}");
}

#[tokio::test]
async fn what_a_batch_leaves_over_is_sent_again_and_nothing_twice() {
    let refusing = Refusing::new(false).await;
    let queue = SqsQueue::new(&config_at(&refusing.endpoint).await, format!("{}/1/tasks", refusing.endpoint));
    let work: Vec<Work> = (0..5).map(|_| Work::FanOut(JobId::random())).collect();
    queue.send(&work).await.unwrap();
    let taken: Vec<Work> = refusing.taken().iter().map(|body| cloud::work_of(body).unwrap()).collect();
    assert_eq!(taken, work);
}

#[tokio::test]
async fn what_is_left_over_for_good_is_an_error() {
    let work: Vec<Work> = (0..10).map(|_| Work::FanOut(JobId::random())).collect();
    for (sender_fault, tries, kind) in [(false, 6, ErrorKind::Transient), (true, 1, ErrorKind::Permanent)] {
        let refusing = Refusing::new(sender_fault).await;
        let url = format!("{}/1/tasks", refusing.endpoint);
        let error = SqsQueue::new(&config_at(&refusing.endpoint).await, url).send(&work).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().ends_with("send work: Unwell: not now"), "{error}");
        assert_eq!(refusing.taken().len(), tries);
    }
}
