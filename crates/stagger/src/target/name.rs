//! A name, encoded once. The file is long because its tests have many names.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use super::error::{Fault, TargetErrorKind};

/// The delimiters that no host may contain: the forbidden domain code points of the WHATWG URL
/// standard. Control characters and space are left out, because they are refused before.
pub(super) const FORBIDDEN: &str = "%#/:<>?@[\\]^|";

/// One bit for each character of [`FORBIDDEN`]. A search of that text for each character of a name
/// takes half the instructions of reading the name.
const FORBIDDEN_BITS: u128 = {
    let (mut bits, mut at) = (0, 0);
    while at < FORBIDDEN.len() {
        bits |= 1 << FORBIDDEN.as_bytes()[at];
        at += 1;
    }
    bits
};

/// The prefix of an A-label (RFC 5890 §2.3.2.1). The decoded label must not begin with it, because
/// it could not be read again (UTS 46 §4.1). The crate `idna` does not check that.
#[cfg(feature = "idna")]
const ACE_PREFIX: &str = "xn--";

/// The longest label in bytes (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// The longest name in bytes without its trailing dot. RFC 1035 §2.3.4 allows 255 bytes in a
/// message, and the first length byte and the root take two of them.
const MAX_NAME: usize = 253;

/// A name to be resolved, in two forms: as text for people, and as text for a resolver.
///
/// With the feature `idna` a name may be in Unicode. It is normalised (case, width, NFC) and
/// encoded by UTS 46 without transitional processing. So `faß.de` and `fass.de` are two names, as
/// in IDNA 2008 (RFC 5891). An A-label stays the same, in lower case. But it must be valid: the
/// text after its `xn--` has to decode to a valid label. The Bidi rule (RFC 5893 §2) applies to a
/// whole name in Unicode, but to each A-label separately. Without the feature a name must be ASCII,
/// and its A-labels are not checked.
///
/// The rules are those of a resolver, not those of a registry. Underscores, hyphens anywhere
/// (`r3---sn-abc.example.com`) and a trailing dot are valid. Control characters, white space and
/// the delimiters ``% # / : < > ? @ [ \ ] ^ |`` are not. A label has 1 to 63 bytes. A name has at
/// most 253, encoded and without the trailing dot (RFC 1035 §2.3.4).
///
/// A name is refused if `inet_aton` reads it as an IPv4 address in the loose old form. Examples are
/// `127.1`, `0x7f.1` and `0177.1`, with or without a trailing dot. `getaddrinfo` reads it as that
/// address, so it would pass a program's own check for literals (RFC 6943 §3.1.1). Four numbers are
/// refused too, because `256.1.1.1` is a mistyped address. Full-width digits are read as digits.
/// Any other name may end in a number: `web.1` and `123456789012` are names of hosts in private
/// networks. This rule is ours, and the WHATWG URL standard refuses these names as well.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::target::Host;
///
/// # #[cfg(feature = "idna")] {
/// let target = Target::parse("FAß.de:443")?;
/// let Host::Name(name) = target.host() else { unreachable!() };
/// assert_eq!(name.as_str(), "faß.de");
/// assert_eq!(name.ascii(), "xn--fa-hia.de");
/// # }
/// # Ok::<(), stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Name {
    text: Arc<str>,
    ascii: Arc<str>,
}

impl Name {
    /// The name for people: normalised once, so it is in lower case and NFC.
    ///
    /// A name written in ASCII keeps its A-labels. A name written in Unicode has no A-labels.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name for a resolver: ASCII, in lower case, with A-labels. It must not be encoded again.
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// The name in ASCII without its trailing dot, for comparisons without a search list.
    pub(crate) fn absolute(&self) -> &str {
        self.ascii.strip_suffix('.').unwrap_or(&self.ascii)
    }

    /// Reads a name from any text.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::whole(TargetErrorKind::EmptyHost, text));
        }
        Fault::find_control(text)?;
        Self::parse(text)
    }

    /// Reads a name that is not empty and has no control characters.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let is_forbidden = |c: char| c.is_ascii() && FORBIDDEN_BITS >> u32::from(c) & 1 == 1;
        Fault::find(TargetErrorKind::ForbiddenCharacter, text, is_forbidden)?;
        if text.is_ascii() {
            let mut ascii: Arc<str> = text.into();
            Arc::get_mut(&mut ascii).expect("it is new").make_ascii_lowercase();
            check(&ascii)?;
            check_a_labels(&ascii)?;
            return Ok(Self { text: Arc::clone(&ascii), ascii });
        }
        let whole = |kind| Fault::whole(kind, text);
        let name = Self::encode(text).map_err(whole)?;
        // The faulty bytes are in the encoded name, which the caller did not write.
        check(&name.ascii).map_err(|fault| whole(fault.kind()))?;
        Ok(name)
    }

    #[cfg(feature = "idna")]
    fn encode(text: &str) -> Result<Self, TargetErrorKind> {
        use idna::uts46::{AsciiDenyList, ErrorPolicy, Hyphens, Uts46};

        let mut unicode = String::new();
        let mut ascii = String::new();
        let processed = Uts46::new().process(
            text.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Allow,
            ErrorPolicy::FailFast,
            |_, _, _| true,
            &mut unicode,
            Some(&mut ascii),
        );
        match processed {
            Err(_) => Err(TargetErrorKind::InvalidName),
            Ok(_) if unicode.split('.').any(|label| label.starts_with(ACE_PREFIX)) => {
                Err(TargetErrorKind::InvalidName)
            }
            // The second sink stays empty if normalising alone makes the name ASCII.
            Ok(_) if ascii.is_empty() => {
                let text: Arc<str> = unicode.into();
                Ok(Self { text: Arc::clone(&text), ascii: text })
            }
            Ok(_) => Ok(Self { text: unicode.into(), ascii: ascii.into() }),
        }
    }

    #[cfg(not(feature = "idna"))]
    fn encode(_text: &str) -> Result<Self, TargetErrorKind> {
        Err(TargetErrorKind::NotAscii)
    }
}

/// Checks lengths, and that nothing can read the name as an address.
fn check(ascii: &str) -> Result<(), Fault> {
    if ascii.is_empty() {
        return Err(Fault::whole(TargetErrorKind::EmptyHost, ascii));
    }
    let name = ascii.strip_suffix('.').unwrap_or(ascii);
    for (part, label) in labels(name) {
        if label.is_empty() {
            return Err(Fault::whole(TargetErrorKind::EmptyLabel, ascii));
        }
        if label.len() > MAX_LABEL {
            return Err(Fault::new(TargetErrorKind::LabelTooLong, part));
        }
    }
    if name.len() > MAX_NAME {
        return Err(Fault::whole(TargetErrorKind::NameTooLong, ascii));
    }
    if is_like_ipv4(name) {
        return Err(Fault::whole(TargetErrorKind::InvalidIpv4, ascii));
    }
    Ok(())
}

/// Whether `inet_aton` reads the name, or the name is four numbers.
fn is_like_ipv4(name: &str) -> bool {
    // The last label is enough for nearly every name.
    if !name.rsplit('.').next().is_some_and(is_number) {
        return false;
    }
    let labels = name.split('.').count();
    if labels > 4 || !name.split('.').all(is_number) {
        return false;
    }
    // The last number fills the remaining bytes.
    let last = u32::MAX >> (8 * (labels - 1));
    let most = |place| if place + 1 == labels { last } else { u8::MAX.into() };
    let reads = |(place, label)| number(label).is_some_and(|value| value <= most(place));
    labels == 4 || name.split('.').enumerate().all(reads)
}

/// Whether the label looks like a number, even if it is too large or has a wrong digit.
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// The number that `inet_aton` reads: hexadecimal after `0x`, octal after `0`, and otherwise
/// decimal. Some systems read a bare `0x` as zero.
fn number(label: &str) -> Option<u32> {
    match (label.strip_prefix("0x"), label.strip_prefix('0')) {
        (Some(""), _) | (_, Some("")) => Some(0),
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) => u32::from_str_radix(digits, 8).ok(),
        (None, None) => label.parse().ok(),
    }
}

/// Checks each A-label separately. The Bidi rule over a whole name would refuse `_sip._tcp` before
/// a right-to-left label. That rule is about the display of a name, not about the lookup.
#[cfg(feature = "idna")]
fn check_a_labels(ascii: &str) -> Result<(), Fault> {
    use idna::uts46::{AsciiDenyList, Hyphens, Uts46};

    for (part, label) in labels(ascii).filter(|(_, label)| label.starts_with(ACE_PREFIX)) {
        let bytes = label.as_bytes();
        let (decoded, checked) = Uts46::new().to_unicode(bytes, AsciiDenyList::URL, Hyphens::Allow);
        if checked.is_err() || decoded.starts_with(ACE_PREFIX) {
            return Err(Fault::new(TargetErrorKind::InvalidName, part));
        }
    }
    Ok(())
}

#[cfg(not(feature = "idna"))]
fn check_a_labels(_ascii: &str) -> Result<(), Fault> {
    Ok(())
}

/// The labels of a name, and their positions in it.
fn labels(name: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut next = 0;
    name.split('.').map(move |label| {
        let begin = next;
        next = begin + label.len() + 1;
        (begin..begin + label.len(), label)
    })
}

/// Two spellings of one name are equal: only the form for a resolver counts.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.ascii == other.ascii
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ascii.hash(state);
    }
}

/// Prints [`Name::ascii`], which is safe in any log.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.ascii)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> TargetErrorKind {
        Name::parse(text).expect_err(text).kind()
    }

    #[test]
    fn an_ascii_name_is_kept_in_lower_case() {
        for text in [
            "example.com",
            "example.com.",
            "localhost",
            "_dmarc._tcp.example.com",
            "r3---sn-abc.example.com",
            "-a-.example",
            "xn--fa-hia.de",
            "3com.com",
            "1.2.3.4.in-addr.arpa",
            "0xg",
            "1e5",
            &format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "b".repeat(61)),
        ] {
            let name = Name::parse(&text.to_ascii_uppercase()).unwrap();
            assert_eq!((name.ascii(), name.as_str()), (text, text));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn a_name_that_getaddrinfo_may_take_for_an_address_is_refused() {
        for text in [
            "127.1",
            "0x7f.1",
            "0X7F",
            "0x",
            "0",
            "1",
            "00000000000000000000001",
            "4294967295",
            "0xffffffff",
            "037777777777",
            "0177.1",
            "127.1.",
            "127.0.1",
            "127.0x0.01",
            "255.16777215",
            "255.255.65535",
            "0xff.0xff.0xffff",
            "01.2.3.4",
            "1.2.3.0x4",
            "192.0.2.1.",
            "1.2.3.4.",
            "192.000.002.001",
        ] {
            assert_eq!((text, kind(text)), (text, TargetErrorKind::InvalidIpv4));
        }
    }

    #[test]
    fn four_numbers_are_a_mistyped_address() {
        for text in [
            "256.1.1.1",
            "1.2.3.256",
            "1.2.3.999999999999",
            "1000.0.0.1.",
            "08.1.1.1",
            "1.2.3.09",
            "0x100.1.1.1",
            "1.2.3.0x",
        ] {
            assert_eq!((text, kind(text)), (text, TargetErrorKind::InvalidIpv4));
        }
    }

    #[test]
    fn a_name_may_end_in_a_number_if_it_cannot_be_taken_for_an_address() {
        for text in [
            "web.1",
            "web.1.",
            "web-1.0x7f",
            "rack.12.0xff.",
            "1.2.3.4.5",
            "1.2.3.4.5.",
            "123456789012",
            "4294967296",
            "0x100000000",
            "040000000000",
            "99999999999999999999999999",
            "256.1",
            "1.16777216",
            "1.2.65536",
            "256.2.3",
            "08",
            "127.09",
            "0x7f.x.1",
            "1.a.2",
            "0xg.1",
            "_1.2.3.4",
            "1.2.3.4-5",
        ] {
            let name = Name::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
            assert_eq!(name.ascii(), text);
        }
    }

    #[test]
    fn lengths_are_those_of_the_encoded_name() {
        assert_eq!(kind(&format!("a.{}.b", "a".repeat(64))), TargetErrorKind::LabelTooLong);
        let name = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(Name::parse(&name).unwrap().ascii().len(), MAX_NAME);
        assert_eq!(kind(&format!("{name}b")), TargetErrorKind::NameTooLong);
        assert_eq!(kind(&format!("{name}b.")), TargetErrorKind::NameTooLong);
    }

    #[test]
    fn a_label_must_not_be_empty() {
        for text in [".", "..", ".a", "a..", "a..b"] {
            assert_eq!((text, kind(text)), (text, TargetErrorKind::EmptyLabel));
        }
    }

    #[test]
    fn a_delimiter_is_refused_where_it_stands() {
        for delimiter in FORBIDDEN.chars() {
            let fault = Name::parse(&format!("ex{delimiter}mple")).unwrap_err();
            assert_eq!(fault, Fault::new(TargetErrorKind::ForbiddenCharacter, 2..3));
        }
    }

    #[cfg(not(feature = "idna"))]
    #[test]
    fn without_the_feature_a_name_outside_ascii_is_refused() {
        assert_eq!(kind("faß.de"), TargetErrorKind::NotAscii);
    }

    #[cfg(feature = "idna")]
    mod idna {
        use super::*;

        #[test]
        fn a_unicode_name_is_normalised_and_encoded_once() {
            for (written, text, ascii) in [
                ("faß.de", "faß.de", "xn--fa-hia.de"),
                ("FASS.de", "fass.de", "fass.de"),
                ("BÜCHER.example.", "bücher.example.", "xn--bcher-kva.example."),
                ("bu\u{308}cher.example", "bücher.example", "xn--bcher-kva.example"),
                ("ｅｘａｍｐｌｅ。com", "example.com", "example.com"),
                ("_sip.bücher.example", "_sip.bücher.example", "_sip.xn--bcher-kva.example"),
                ("xn--fa-hia.bücher", "faß.bücher", "xn--fa-hia.xn--bcher-kva"),
                ("☃.net", "☃.net", "xn--n3h.net"),
                ("r3---sn.ü", "r3---sn.ü", "r3---sn.xn--tda"),
            ] {
                let name = Name::parse(written).unwrap();
                assert_eq!((name.as_str(), name.ascii()), (text, ascii));
                assert_eq!(Name::parse(name.ascii()).as_ref(), Ok(&name));
                assert_eq!(Name::parse(name.as_str()).as_ref(), Ok(&name));
            }
        }

        #[test]
        fn an_a_label_stays_as_it_is_and_must_be_one() {
            assert_eq!(Name::parse("XN--FA-HIA.de").unwrap().as_str(), "xn--fa-hia.de");
            assert_eq!(
                Name::parse("_sip._tcp.xn--4dbrk0ce").unwrap().as_str(),
                "_sip._tcp.xn--4dbrk0ce"
            );
            for text in [
                "xn--",
                "xn--a",
                "xn--abc-",
                "xn--999999999",
                "ok.xn--zz-.de",
                "xn--xn--d--nmm", // decodes to what looks like an A-label
            ] {
                assert_eq!((text, kind(text)), (text, TargetErrorKind::InvalidName));
            }
        }

        #[test]
        fn a_name_that_cannot_be_encoded_is_refused() {
            for text in [
                "\u{fffd}.example",
                "a\u{202e}b.example",
                "\u{300}a.example",
                "a\u{2100}b.example", // normalises to a text with a slash in it
                "a\u{200d}b.example",
                "א1a.example",
                "xn--xn--d\u{ad}--nmm", // the soft hyphen is removed
            ] {
                assert_eq!((text, kind(text)), (text, TargetErrorKind::InvalidName));
            }
        }

        #[test]
        fn what_normalising_brings_about_is_checked_too() {
            for (text, expected) in [
                ("１２７.1", TargetErrorKind::InvalidIpv4),
                ("０ｘ７ｆ.１", TargetErrorKind::InvalidIpv4),
                ("２５６.１.１.１", TargetErrorKind::InvalidIpv4),
                ("١٢٧.1", TargetErrorKind::InvalidName),
                ("１９２.０.２.１", TargetErrorKind::InvalidIpv4),
                ("192。0。2。1", TargetErrorKind::InvalidIpv4),
                ("\u{ad}", TargetErrorKind::EmptyHost),
                ("a.\u{ad}.b", TargetErrorKind::EmptyLabel),
                ("。", TargetErrorKind::EmptyLabel),
                (&"ü".repeat(64), TargetErrorKind::LabelTooLong),
                (&"ü.".repeat(40), TargetErrorKind::NameTooLong),
            ] {
                assert_eq!((text, kind(text)), (text, expected));
            }
        }
    }
}
