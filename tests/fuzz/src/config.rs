//! `resolv.conf` and its variables.

use stagger_dns::{Config, Environment};

use crate::assert_warnings;

/// Any bytes are read as a `resolv.conf`, its variables and a host name, within every limit; and
/// what was read can be said by the settings.
///
/// After the file there may be, each behind a byte 0xff, the host name, `LOCALDOMAIN` and
/// `RES_OPTIONS`.
pub fn config(input: &[u8]) {
    let mut parts: Vec<_> = input.rsplitn(4, |byte| *byte == 0xff).collect();
    let file = parts.pop().unwrap_or_default();
    let text = |part: Option<&[u8]>| part.map(|part| String::from_utf8_lossy(part).into_owned());
    let mut environment =
        Environment::new().with_interface_index(|name| u32::try_from(name.len()).ok());
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

    assert_warnings(&parsed.warnings);
    let config = parsed.value;
    assert!((1..=Config::MAX_SERVERS).contains(&config.servers().len()));
    assert!(config.search().len() <= Config::MAX_SEARCH);
    assert!(Config::NDOTS_RANGE.contains(&config.ndots()));
    assert!(Config::TIMEOUT_RANGE.contains(&config.timeout()));
    assert!(Config::ATTEMPTS_RANGE.contains(&config.attempts()));

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
