//! The records of a message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

/// How many records of one message are read: 1024. The bound is ours. A message of 65 535 bytes can
/// have four times as many, but a usual one with the addresses of a name has far fewer.
pub(super) const MAX_RECORDS: usize = 1024;

/// How many pointers one name may have: 127. A name has at most that many labels (RFC 1035 §2.3.4),
/// and a pointer that saves space leads to a label.
const MAX_POINTERS: usize = 127;

/// The most bytes of a name in a message (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;

/// A record that has been read.
#[derive(Debug)]
pub(super) struct RawRecord {
    pub(super) owner: Name,
    /// In seconds.
    pub(super) ttl: u32,
    pub(super) data: RecordData,
}

#[derive(Debug)]
pub(super) enum RecordData {
    Address(IpAddr),
    Alias(Name),
    /// The beginning of a zone. Its negative answers are cached for this number of seconds
    /// (RFC 2308 §4).
    Authority {
        minimum: u32,
    },
    /// EDNS (RFC 6891 §6.1.2). The upper bits of the response code are in the TTL.
    Options(Vec<u8>),
    /// Data that this crate does not use.
    Other,
}

/// The reason why a record can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) what: &'static str,
    /// Whether the message ends before the record does.
    pub(super) is_cut: bool,
}

impl From<&'static str> for Unreadable {
    fn from(what: &'static str) -> Self {
        Self { what, is_cut: false }
    }
}

/// Reads the next record. The data of unused types, and of classes other than Internet, is skipped
/// unread.
pub(super) fn read_record(
    bytes: &[u8],
    decoder: &mut BinDecoder<'_>,
) -> Result<RawRecord, Unreadable> {
    let start = decoder.index();
    let owner = read_name(bytes, decoder).ok_or_else(|| Unreadable {
        what: "a record's name can't be read",
        is_cut: ends_within_name(bytes, start),
    })?;
    let mut read = || {
        let record_type = RecordType::from(decoder.read_u16().ok()?.unverified());
        let class = decoder.read_u16().ok()?.unverified();
        let ttl = decoder.read_u32().ok()?.unverified();
        let length = usize::from(decoder.read_u16().ok()?.unverified());
        let begin = decoder.index();
        let data = decoder.read_slice(length).ok()?.unverified();
        Some((record_type, class, ttl, begin, data))
    };
    let cut = Unreadable { what: "it ends within a record", is_cut: true };
    let (record_type, class, ttl, begin, data) = read().ok_or(cut)?;
    let is_internet = class == u16::from(DNSClass::IN);
    let data = match record_type {
        RecordType::OPT => RecordData::Options(data.to_vec()),
        RecordType::A if is_internet => {
            let octets = <[u8; 4]>::try_from(data).map_err(|_| "an A record has not 4 bytes")?;
            RecordData::Address(Ipv4Addr::from(octets).into())
        }
        RecordType::AAAA if is_internet => {
            let octets =
                <[u8; 16]>::try_from(data).map_err(|_| "an AAAA record has not 16 bytes")?;
            RecordData::Address(Ipv6Addr::from(octets).into())
        }
        RecordType::CNAME if is_internet => {
            let alias = within(bytes, begin, data.len(), read_name);
            RecordData::Alias(alias.ok_or("a CNAME record can't be read")?)
        }
        RecordType::SOA if is_internet => {
            let authority = within(bytes, begin, data.len(), |bytes, decoder| {
                // These names are checked before hickory reads them.
                let end = name_end(bytes, begin)?;
                name_end(bytes, end)?;
                SOA::read(decoder).ok()
            });
            let minimum = authority.ok_or("an SOA record can't be read")?.minimum;
            RecordData::Authority { minimum }
        }
        _ => RecordData::Other,
    };
    Ok(RawRecord { owner, ttl, data })
}

/// Reads data with names in it. The names may point to earlier bytes, and must end where the data
/// ends.
fn within<T>(
    bytes: &[u8],
    begin: usize,
    length: usize,
    read: impl FnOnce(&[u8], &mut BinDecoder<'_>) -> Option<T>,
) -> Option<T> {
    let end = begin + length;
    let mut decoder = BinDecoder::new(&bytes[..end]);
    decoder.read_slice(begin).ok()?;
    let value = read(&bytes[..end], &mut decoder)?;
    (decoder.index() == end).then_some(value)
}

/// Reads the next name, if it is valid and within the limits.
pub(super) fn read_name(bytes: &[u8], decoder: &mut BinDecoder<'_>) -> Option<Name> {
    name_end(bytes, decoder.index())?;
    Name::read(decoder).ok()
}

/// Whether the message ends before the name at `at` does, or within its pointer.
fn ends_within_name(bytes: &[u8], mut at: usize) -> bool {
    loop {
        match bytes.get(at).map(|byte| usize::from(*byte)) {
            None => return true,
            Some(label @ 1..64) => at += 1 + label,
            Some(0xc0..) => return bytes.len() <= at + 1,
            Some(_) => return false,
        }
    }
}

/// Follows the name that begins at `at`, within the limits. Returns the position after the name.
fn name_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let (mut length, mut pointers, mut end) = (1, 0, None);
    loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(end.unwrap_or(at + 1)),
            label @ 1..64 => {
                length += 1 + label;
                at += 1 + label;
            }
            high @ 0xc0.. => {
                pointers += 1;
                end = end.or(Some(at + 2));
                at = (high & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
            }
            _ => return None,
        }
        if length > MAX_NAME || pointers > MAX_POINTERS {
            return None;
        }
    }
}
