//! What the tests that try to break the system share.

#![allow(dead_code, reason = "every test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

pub(crate) mod phone;

use http::Method;
use lpa::{Answer, Effect, Failure, HttpAnswer, Options, Outcome, Procedure, Reply};
use rsp::ActivationCode;
use rsp::profiles::{ProfileInfo, ProfileState};
use serde_json::Value;
use testkit::{Order, World};

pub(crate) fn ordered(world: &World) -> Order {
    world.order(world.operational[0].iccid, None)
}

pub(crate) fn profiles(world: &mut World) -> Vec<ProfileInfo> {
    let Ok(Outcome::Profiles(list)) = world.run(lpa::list(Options::default()), |_| Reply::Accept) else {
        panic!()
    };
    list
}

pub(crate) fn detail(world: &World, iccid: &str) -> Value {
    world.ask_smdp(Method::GET, &format!("/operator/orders/{iccid}"), None).1
}

pub(crate) fn device() -> rsp::auth::DeviceInfo {
    rsp::auth::DeviceInfo { tac: [0x35; 4], capabilities: [None; 11], imei: None }
}

pub(crate) fn download(code: &ActivationCode) -> Procedure {
    lpa::download(code.clone(), device(), Options::default())
}

/// A World with a profile installed and not enabled, terminal ready, attached.
pub(crate) fn installed(seed: u64) -> (World, Order) {
    let mut world = World::new(seed);
    world.terminal_profile();
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.download(&order.code).unwrap();
    (world, order)
}

/// Performs what a procedure wants in a session of the network.
pub(crate) fn perform(
    world: &mut World,
    session: &str,
    effect: Effect,
) -> Result<Answer, Result<Outcome, Failure>> {
    Ok(match effect {
        Effect::Card(command) => Answer::Card(world.transmit(&command)),
        Effect::Server(call) => {
            let function = call.function.name();
            let path =
                format!("/network/sessions/{session}/http/{}/gsma/rsp2/es9plus/{function}", call.address);
            let body = serde_json::from_slice(&call.body).unwrap();
            let (status, answer) = world.ask_network(Method::POST, &path, Some(&body));
            let body = if answer.is_null() { Vec::new() } else { answer.to_string().into_bytes() };
            Answer::Server(Ok(HttpAnswer { status, body }))
        }
        Effect::Ask(_) => Answer::Reply(Reply::Accept),
        Effect::Progress(_)
        | Effect::Keep(_)
        | Effect::Forget(_)
        | Effect::KeepCancellation(_)
        | Effect::ForgetCancellation(_) => Answer::Continue,
        Effect::Refresh(_) => {
            world.refresh();
            Answer::Continue
        }
        Effect::Done(result) => return Err(result),
    })
}

pub(crate) fn enabled(world: &mut World) -> Vec<String> {
    let list = profiles(world);
    let on = list.iter().filter(|info| info.state == Some(ProfileState::Enabled));
    on.map(|info| info.iccid.unwrap().to_string()).collect()
}
