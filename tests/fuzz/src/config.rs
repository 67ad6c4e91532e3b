//! `resolv.conf` and its variables.

use stagger_dns::{
    ATTEMPTS_RANGE, Config, Environment, MAX_SEARCH, MAX_SERVERS, NDOTS_RANGE, TRY_TIMEOUT_RANGE,
};

use crate::assert_notes;

/// Any bytes are read as a `resolv.conf`, its variables and a host name, within every limit; and
/// what was read can be said by the settings.
///
/// After the file there may be, each behind a byte 0xff, the host name, `LOCALDOMAIN` and
/// `RES_OPTIONS`.
pub fn config(input: &[u8]) {
    let mut parts: Vec<_> = input.rsplitn(4, |byte| *byte == 0xff).collect();
    let file = parts.pop().unwrap_or_default();
    let text = |part: Option<&[u8]>| part.map(|part| String::from_utf8_lossy(part).into_owned());
    let mut environment = Environment::new().with_interfaces(|name| u32::try_from(name.len()).ok());
    if let Some(host_name) = text(parts.pop()) {
        environment = environment.with_host_name(&host_name);
    }
    if let Some(local_domain) = text(parts.pop()) {
        environment = environment.with_local_domain(&local_domain);
    }
    if let Some(res_options) = text(parts.pop()) {
        environment = environment.with_res_options(&res_options);
    }
    let parsed = Config::parse(file, &environment);

    assert_notes(&parsed.notes);
    let config = parsed.value;
    assert!((1..=MAX_SERVERS).contains(&config.servers().len()));
    assert!(config.search().len() <= MAX_SEARCH);
    assert!(NDOTS_RANGE.contains(&config.ndots()));
    assert!(TRY_TIMEOUT_RANGE.contains(&config.timeout()));
    assert!(ATTEMPTS_RANGE.contains(&config.attempts()));

    let same = Config::new()
        .with_servers(config.servers().iter().copied())
        .and_then(|same| same.with_search(config.search()))
        .and_then(|same| same.with_ndots(config.ndots()))
        .and_then(|same| same.with_timeout(config.timeout()))
        .and_then(|same| same.with_attempts(config.attempts()))
        .expect("what is read is within every range")
        .with_rotate(config.rotate())
        .with_use_vc(config.use_vc())
        .with_edns0(config.edns0())
        .with_no_aaaa(config.no_aaaa())
        .with_no_tld_query(config.no_tld_query());
    assert_eq!(same, config);
}
