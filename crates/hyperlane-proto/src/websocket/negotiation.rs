//! Whether and how messages are compressed: the parameters of `permessage-deflate` (RFC 7692 §7.1).

use super::Extension;

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
/// The largest window, 32 KiB, which is meant where none is named.
const MAX_BITS: u8 = 15;
/// What the grammar allows.
const MIN_BITS: u8 = 8;
/// The smallest window that the compressor can keep to: a smaller one can't be promised.
const MIN_OWN_BITS: u8 = 9;

/// What a server wants of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateSettings {
    /// Whether a message may refer to those before it, which compresses better and keeps a window for each direction of
    /// each connection.
    pub context_takeover: bool,
    /// The base-2 logarithm of the window, in bytes, that is used at most in either direction: 9 to 15.
    pub window_bits: u8,
}

/// What was agreed with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateAgreement {
    /// Whether the server's messages may refer to earlier ones.
    pub server_context_takeover: bool,
    /// Whether the client's messages may refer to earlier ones.
    pub client_context_takeover: bool,
    /// The window of the server's messages.
    pub server_window_bits: u8,
    /// The window of the client's messages.
    pub client_window_bits: u8,
    /// Whether the client has to be told its window.
    names_client_window: bool,
}

impl DeflateSettings {
    /// Takes the first offer that can be taken. `None`: there is none, and messages go uncompressed.
    ///
    /// An offer with a parameter that is unknown, there twice, or of a wrong value is declined, as is one that wants a
    /// window for the server's messages that it can't keep to (RFC 7692 §7.1.2.1: 8 bits).
    ///
    /// ```
    /// use hyperlane_proto::websocket::{DeflateSettings, parse_extensions};
    ///
    /// let settings = DeflateSettings { context_takeover: false, window_bits: 15 };
    /// let offers = parse_extensions("permessage-deflate; client_max_window_bits").expect("it is well-formed");
    /// let agreement = settings.agree(&offers).expect("it can be taken");
    /// assert_eq!(
    ///     agreement.to_header(),
    ///     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    /// );
    /// ```
    pub fn agree(&self, offers: &[Extension<'_>]) -> Option<DeflateAgreement> {
        let offers = offers.iter().filter(|offer| offer.name.eq_ignore_ascii_case(NAME));
        offers.filter_map(Offer::read).find_map(|offer| self.accept(&offer))
    }

    fn accept(&self, offer: &Offer) -> Option<DeflateAgreement> {
        let own_bits = self.window_bits.clamp(MIN_OWN_BITS, MAX_BITS);
        let server_window_bits = offer.server_max_window_bits.map_or(own_bits, |bits| bits.min(own_bits));
        if server_window_bits < MIN_OWN_BITS {
            return None;
        }
        // A client that does not say that it can be told is not told: what it sends is read with the largest window.
        let client_window_bits = match offer.client_max_window_bits {
            None => MAX_BITS,
            Some(None) => own_bits,
            Some(Some(bits)) => bits.min(own_bits),
        };
        Some(DeflateAgreement {
            server_context_takeover: self.context_takeover && !offer.server_no_context_takeover,
            client_context_takeover: self.context_takeover && !offer.client_no_context_takeover,
            server_window_bits,
            client_window_bits,
            names_client_window: offer.client_max_window_bits.is_some() && client_window_bits < MAX_BITS,
        })
    }
}

impl DeflateAgreement {
    /// The value of `Sec-WebSocket-Extensions` in the response.
    pub fn to_header(&self) -> String {
        let mut header = NAME.to_owned();
        let mut add = |parameter: &str| {
            header.push_str("; ");
            header.push_str(parameter);
        };
        if !self.server_context_takeover {
            add(SERVER_NO_CONTEXT_TAKEOVER);
        }
        if !self.client_context_takeover {
            add(CLIENT_NO_CONTEXT_TAKEOVER);
        }
        if self.server_window_bits < MAX_BITS {
            add(&format!("{SERVER_MAX_WINDOW_BITS}={}", self.server_window_bits));
        }
        if self.names_client_window {
            add(&format!("{CLIENT_MAX_WINDOW_BITS}={}", self.client_window_bits));
        }
        header
    }

    /// Reads a response, as a client does that offered everything. `None`: it names no compression, or wrongly.
    pub fn from_response(extensions: &[Extension<'_>]) -> Option<Self> {
        let response = extensions
            .iter()
            .find(|extension| extension.name.eq_ignore_ascii_case(NAME))?;
        let answer = Offer::read(response)?;
        Some(Self {
            server_context_takeover: !answer.server_no_context_takeover,
            client_context_takeover: !answer.client_no_context_takeover,
            server_window_bits: answer.server_max_window_bits.unwrap_or(MAX_BITS),
            client_window_bits: answer.client_max_window_bits.flatten().unwrap_or(MAX_BITS),
            names_client_window: answer.client_max_window_bits.is_some(),
        })
    }
}

/// The parameters of an offer.
#[derive(Debug, Default)]
struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// The client may say that it can keep to a window without naming one.
    client_max_window_bits: Option<Option<u8>>,
}

impl Offer {
    /// `None` if it is to be declined (RFC 7692 §7).
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut offer = Self::default();
        for parameter in &extension.parameters {
            let value = parameter.value.as_deref();
            let repeated = match parameter.name {
                SERVER_NO_CONTEXT_TAKEOVER if value.is_none() => {
                    std::mem::replace(&mut offer.server_no_context_takeover, true)
                }
                CLIENT_NO_CONTEXT_TAKEOVER if value.is_none() => {
                    std::mem::replace(&mut offer.client_no_context_takeover, true)
                }
                SERVER_MAX_WINDOW_BITS => offer.server_max_window_bits.replace(window_bits(value?)?).is_some(),
                CLIENT_MAX_WINDOW_BITS => {
                    let bits = match value {
                        Some(value) => Some(window_bits(value)?),
                        None => None,
                    };
                    offer.client_max_window_bits.replace(bits).is_some()
                }
                _ => return None,
            };
            if repeated {
                return None;
            }
        }
        Some(offer)
    }
}

/// A decimal number without zeros before it (RFC 7692 §7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    let plain = !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
    let bits = value.parse().ok().filter(|_| plain)?;
    (MIN_BITS..=MAX_BITS).contains(&bits).then_some(bits)
}
