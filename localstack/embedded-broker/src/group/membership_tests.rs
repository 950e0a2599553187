use super::*;

const SESSION: Duration = Duration::from_secs(10);
const DELAY: Duration = Duration::from_millis(100);

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn request(member_id: &StrBytes, protocols: &[&str]) -> JoinRequest {
    JoinRequest {
        member_id: member_id.clone(),
        instance: None,
        client_id: "reader".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session: SESSION,
        rebalance: 3 * SESSION,
        protocol_type: text("consumer"),
        protocols: protocols.iter().map(|name| (text(name), Bytes::from(name.to_string()))).collect(),
        names_first: true,
    }
}

fn named(group: &mut Membership, now: Instant) -> StrBytes {
    match group.join(request(&StrBytes::new(), &["range"]), now) {
        Waiting::Now(Err((ResponseError::MemberIdRequired, member_id))) => member_id,
        _ => panic!("a client without id is given one first"),
    }
}

fn later<T>(waiting: Waiting<T>) -> oneshot::Receiver<T> {
    match waiting {
        Waiting::Later(reply) => reply,
        Waiting::Now(_) => panic!("answered at once"),
    }
}

fn now<T>(waiting: Waiting<T>) -> T {
    match waiting {
        Waiting::Now(reply) => reply,
        Waiting::Later(_) => panic!("not answered at once"),
    }
}

fn join(group: &mut Membership, at: Instant) -> (StrBytes, oneshot::Receiver<JoinReply>) {
    let member_id = named(group, at);
    let reply = later(group.join(request(&member_id, &["range"]), at));
    (member_id, reply)
}

/// A stable group of two, the first its leader.
fn stable_pair(at: Instant) -> (Membership, StrBytes, StrBytes) {
    let mut group = Membership::new(DELAY);
    let (one, mut one_joined) = join(&mut group, at);
    let (two, mut two_joined) = join(&mut group, at);
    assert!(one_joined.try_recv().is_err(), "a new group waits for others");
    group.tick(at + DELAY);
    let joined = one_joined.try_recv().unwrap().unwrap();
    let other = two_joined.try_recv().unwrap().unwrap();
    let (leader, follower) = if joined.leader == one { (one, two) } else { (two, one) };
    assert_eq!((joined.generation, other.generation), (1, 1));
    assert_eq!(joined.members.len() + other.members.len(), 2, "the leader alone is told the members");
    let mut waiting = later(group.sync((&follower, None, 1), Vec::new(), at));
    let shares = vec![(leader.clone(), Bytes::from("a")), (follower.clone(), Bytes::from("b"))];
    assert_eq!(now(group.sync((&leader, None, 1), shares, at)).unwrap().assignment, "a");
    assert_eq!(waiting.try_recv().unwrap().unwrap().assignment, "b");
    (group, leader, follower)
}

#[test]
fn members_agree_and_commit() {
    let at = Instant::now();
    let (mut group, leader, follower) = stable_pair(at);
    assert_eq!(group.heartbeat(&follower, None, 1, at), Ok(()));
    assert_eq!(group.may_commit(&leader, None, 1, at), Ok(()));
    assert_eq!(group.may_commit(&leader, None, 0, at), Err(ResponseError::IllegalGeneration));
    assert_eq!(group.may_commit(&text(""), None, -1, at), Err(ResponseError::UnknownMemberId));
    assert_eq!(group.summary().state, "Stable");
}

#[test]
fn a_member_that_leaves_makes_the_others_join_again() {
    let at = Instant::now();
    let (mut group, leader, follower) = stable_pair(at);
    group.leave(&leader, None, at).unwrap();
    assert_eq!(group.heartbeat(&follower, None, 1, at), Err(ResponseError::RebalanceInProgress));
    let mut reply = later(group.join(request(&follower, &["range"]), at));
    let joined = reply.try_recv().unwrap().unwrap();
    assert_eq!((joined.generation, joined.leader), (2, follower));
}

#[test]
fn a_silent_member_is_dropped_and_a_group_without_members_is_empty() {
    let at = Instant::now();
    let (mut group, leader, follower) = stable_pair(at);
    let later = at + SESSION - Duration::from_secs(1);
    group.heartbeat(&follower, None, 1, later).unwrap();
    group.tick(at + SESSION + DELAY);
    assert_eq!(group.heartbeat(&leader, None, 1, later), Err(ResponseError::UnknownMemberId));
    assert_eq!(group.heartbeat(&follower, None, 1, later), Err(ResponseError::RebalanceInProgress));
    group.tick(at + 10 * SESSION);
    assert_eq!(group.summary().state, "Empty");
    assert!(group.is_empty());
    assert_eq!(group.may_commit(&text(""), None, -1, at), Ok(()));
}

#[test]
fn who_does_not_join_again_in_time_is_left_behind() {
    let at = Instant::now();
    let (mut group, leader, follower) = stable_pair(at);
    let mut reply = later(group.join(request(&leader, &["range"]), at));
    let mut second = at;
    while second < at + 3 * SESSION {
        second += SESSION / 2;
        let _ = group.heartbeat(&follower, None, 1, second);
        group.tick(second);
    }
    let joined = reply.try_recv().unwrap().unwrap();
    assert_eq!(joined.members.len(), 1);
    assert_eq!(group.heartbeat(&follower, None, 2, second), Err(ResponseError::UnknownMemberId));
}

#[test]
fn the_protocol_is_one_that_all_know() {
    let at = Instant::now();
    let mut group = Membership::new(Duration::ZERO);
    let one = named(&mut group, at);
    let mut first = later(group.join(request(&one, &["sticky", "range"]), at));
    assert_eq!(first.try_recv().unwrap().unwrap().protocol, text("sticky"));
    let two = named(&mut group, at);
    let odd = now(group.join(request(&two, &["odd"]), at));
    assert_eq!(odd.unwrap_err().0, ResponseError::InconsistentGroupProtocol);
    let mut second = later(group.join(request(&two, &["range"]), at));
    let mut again = later(group.join(request(&one, &["sticky", "range"]), at));
    assert_eq!(again.try_recv().unwrap().unwrap().protocol, text("range"));
    assert_eq!(second.try_recv().unwrap().unwrap().protocol, text("range"));
}

#[test]
fn an_instance_that_restarts_takes_its_place_and_fences_its_former_self() {
    let at = Instant::now();
    let mut group = Membership::new(Duration::ZERO);
    let mut instance = request(&StrBytes::new(), &["range"]);
    instance.instance = Some(text("i"));
    let first = later(group.join(instance, at)).try_recv().unwrap().unwrap();
    let mut restarted = request(&StrBytes::new(), &["range"]);
    restarted.instance = Some(text("i"));
    let _ = group.join(restarted, at);
    let fenced = group.heartbeat(&first.member_id, Some(&text("i")), first.generation, at);
    assert_eq!(fenced, Err(ResponseError::FencedInstanceId));
    assert_eq!(group.summary().members.len(), 1);
    group.leave(&StrBytes::new(), Some(&text("i")), at).unwrap();
    assert!(!group.has_members());
}

#[test]
fn members_and_names_are_bounded() {
    let at = Instant::now();
    let mut group = Membership::new(DELAY);
    for _ in 0..MAX_MEMBERS {
        named(&mut group, at);
    }
    let refused = now(group.join(request(&StrBytes::new(), &["range"]), at));
    assert_eq!(refused.unwrap_err().0, ResponseError::GroupMaxSizeReached);
    group.tick(at + SESSION);
    named(&mut group, at);
    let endless = JoinRequest { session: 2 * MAX_SESSION, ..request(&StrBytes::new(), &["range"]) };
    assert_eq!(now(group.join(endless, at)).unwrap_err().0, ResponseError::InvalidSessionTimeout);
}
