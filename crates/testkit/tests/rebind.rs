//! The answer with the bound package is lost, and the LPA begins again: the chip still
//! has its one-time key, the SM-DP+ binds the package to it once more, and the chip
//! installs that.

use std::cell::RefCell;
use std::rc::Rc;

use edge_smdp::Protection;
use http::Method;
use lpa::{Options, Reply};
use rsp::DataObject;
use rsp::bpp::{BoundProfilePackage, InitialiseSecureChannel};
use rsp::es9::GetBoundProfilePackageResponse;
use testkit::{Settings, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[test]
fn the_chip_installs_a_package_that_was_bound_again() {
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        let mut world = World::with(31, Settings { protection, ..Settings::default() });
        world.attach(None).unwrap();
        let iccid = world.operational[0].iccid;
        let order = world.order(iccid, None);
        let packages: Rc<RefCell<Vec<BoundProfilePackage>>> = Rc::default();
        let seen = Rc::clone(&packages);
        world.change_answers(move |target, body| {
            if target.ends_with("getBoundProfilePackage") {
                let answer: GetBoundProfilePackageResponse = serde_json::from_slice(body).unwrap();
                seen.borrow_mut().push(BoundProfilePackage::decode(&answer.bound_profile_package.0).unwrap());
            }
        });
        world.lose_answer_of("getBoundProfilePackage");
        world.download(&order.code).unwrap_err();
        world.download(&order.code).unwrap();
        world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
        let state = world.ask_smdp(Method::GET, &format!("/operator/orders/{iccid}"), None).1;
        assert_eq!(state["state"], "Installed");

        let packages = packages.borrow();
        let [first, second] = &packages[..] else { unreachable!("two packages") };
        let channel = |package: &BoundProfilePackage| {
            InitialiseSecureChannel::decode(&package.initialise_secure_channel).unwrap()
        };
        assert_ne!(channel(first).transaction_id, channel(second).transaction_id);
        assert_eq!(channel(first).smdp_otpk, channel(second).smdp_otpk);
        assert_eq!(first.configure_isdp, second.configure_isdp);
        assert_eq!(first.store_metadata, second.store_metadata);
        assert_eq!(first.replace_session_keys, second.replace_session_keys);
        assert_eq!(first.profile_elements, second.profile_elements);
    }
}
