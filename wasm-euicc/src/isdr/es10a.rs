//! ES10a: the addresses configured in the eUICC (SGP.22 §5.7.3, §5.7.4).

use apdu::StatusWord;
use rsp::DataObject as _;
use rsp::addresses::{EuiccConfiguredAddresses, SetDefaultDpAddress};
use rsp::codes::FunctionResult;
use rsp::profiles::encode_result;

use super::configuration::Configuration;
use super::{IsdrContext, keys, memory_problem};
use crate::nvm::{Error, View as _};

/// GetEuiccConfiguredAddresses.
pub(super) fn configured_addresses(context: &IsdrContext<'_>) -> Result<Vec<u8>, StatusWord> {
    let configuration = Configuration::load(context.store).ok_or(StatusWord::CONDITIONS)?;
    let default = context.store.get(keys::DEFAULT_DP_ADDRESS);
    Ok(EuiccConfiguredAddresses {
        default_dp_address: default.and_then(|text| String::from_utf8(text.to_vec()).ok()),
        root_ds_address: configuration.root_ds_address,
    }
    .encode())
}

/// SetDefaultDpAddress. The address is not checked: the LPA dials it.
pub(super) fn set_default_dp_address(
    context: &mut IsdrContext<'_>,
    request: &SetDefaultDpAddress,
) -> Result<Vec<u8>, StatusWord> {
    let mut tx = context.store.begin();
    let done = if request.0.is_empty() {
        tx.delete(keys::DEFAULT_DP_ADDRESS);
        Ok(())
    } else {
        tx.put(keys::DEFAULT_DP_ADDRESS, request.0.as_bytes().to_vec())
    };
    let result = match done.and_then(|()| tx.commit(context.env.medium())) {
        Ok(()) => FunctionResult::OK,
        Err(Error::Full) => FunctionResult::UNDEFINED_ERROR,
        Err(error) => return Err(memory_problem(error)),
    };
    Ok(encode_result(SetDefaultDpAddress::TAG, result.0))
}
