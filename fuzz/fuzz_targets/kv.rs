//! Consul's answer to a list of keys: sorted, once each, inside of the folder; or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lictor::consul::kv::decode;

fuzz_target!(|input: &[u8]| {
    for folder in ["", "a/"] {
        let Ok(pairs) = decode(folder, input) else { continue };
        assert!(pairs.windows(2).all(|two| two[0].key < two[1].key), "unsorted, or twice");
        assert!(pairs.iter().all(|pair| !pair.key.is_empty()), "the folder itself is no key");
    }
});
