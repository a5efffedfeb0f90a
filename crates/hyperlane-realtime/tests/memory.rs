//! What an idle member costs.

use hyperlane_realtime::Hub;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn an_idle_member_takes_less_than_a_kilobyte() {
    const MEMBERS: usize = 2000;
    let _profiler = dhat::Profiler::builder().testing().build();
    let hub = Hub::builder().presence_events(0).build();
    let before = dhat::HeapStats::get().curr_bytes;
    let mut members = Vec::with_capacity(MEMBERS);
    let list = dhat::HeapStats::get().curr_bytes - before;
    for number in 0..MEMBERS {
        let mut member = hub.join("room", format!("member-{number:06}")).unwrap();
        while member.try_recv().is_some() {}
        members.push(member);
    }
    hub.room("room").broadcast("x").unwrap();
    for member in &mut members {
        while member.try_recv().is_some() {}
    }
    let each = (dhat::HeapStats::get().curr_bytes - before - list) / MEMBERS + size_of::<hyperlane_realtime::Member>();
    println!("an idle member takes {each} bytes");
    assert!(each < 1024, "{each} bytes");
    drop(members);
    let left = dhat::HeapStats::get().curr_bytes - before;
    assert!(left < 64 * 1024, "{left} bytes are left when all have gone");
}
