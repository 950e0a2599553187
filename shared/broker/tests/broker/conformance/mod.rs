//! What holds on every cluster. Each kind of cluster runs [`check`].

mod publishing;
mod resuming;
mod topics;

pub use publishing::a_topic_that_is_gone_is_a_lasting_failure;
pub use resuming::arrived;

use crate::cluster::Cluster;
use std::time::Instant;

pub const PARTITIONS: usize = 3;

macro_rules! run {
    ($cluster:expr, $($part:ident::$case:ident),+ $(,)?) => {$(
        let begun = Instant::now();
        $part::$case($cluster).await;
        eprintln!("{:6.2} s {} {}", begun.elapsed().as_secs_f32(), $cluster.config.bootstrap, stringify!($case));
    )+};
}

/// Runs the whole suite. Its cases use topics of their own, so a cluster may be shared.
pub async fn check(cluster: &Cluster) {
    run!(
        cluster,
        topics::both_topics_are_made_as_configured,
        topics::a_topic_that_exists_is_accepted_or_refused,
        topics::what_the_cluster_cannot_do_is_not_tried_again,
        topics::the_schema_is_there_a_thousand_times_however_often_it_is_published,
        topics::deleted_topics_are_gone_and_may_be_made_again,
        publishing::messages_arrive_in_order_without_a_gap_under_their_keys,
        publishing::a_message_may_have_ten_megabytes_and_no_more,
        publishing::a_full_queue_is_waited_for_and_a_stop_leaves_a_prefix,
        resuming::two_tasks_fill_a_topic_at_once,
        resuming::only_the_task_s_own_messages_count_and_a_gap_is_refused,
    );
}
