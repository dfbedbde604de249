//! Consul writes its keys in SEC1; the other common form of the same key is made here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The same P-256 key in PKCS#8.
pub fn from_sec1(pem: &str) -> String {
    const VERSION: &[u8] = b"\x02\x01\x00";
    const P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = tagged(0x04, &STANDARD.decode(lines).unwrap());
    let whole = tagged(0x30, &[VERSION, P256, &key].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(whole))
}

/// A DER element of up to 255 bytes.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut element = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
    element.extend_from_slice(content);
    element
}
