//! Any bytes are read as a `resolv.conf`, its variables and a host name, within every limit; and
//! what was read can be said by the settings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagger_dns::{
    ATTEMPTS_RANGE, Config, Environment, MAX_NOTES, MAX_SEARCH, MAX_SERVERS, NDOTS_RANGE,
    TRY_TIMEOUT_RANGE,
};

fuzz_target!(|input: (&[u8], Option<&str>, Option<&str>, Option<&str>)| {
    let (file, host_name, local_domain, res_options) = input;
    let mut environment = Environment::new().with_interfaces(|name| u32::try_from(name.len()).ok());
    if let Some(host_name) = host_name {
        environment = environment.with_host_name(host_name);
    }
    if let Some(local_domain) = local_domain {
        environment = environment.with_local_domain(local_domain);
    }
    if let Some(res_options) = res_options {
        environment = environment.with_res_options(res_options);
    }
    let parsed = Config::parse(file, &environment);

    assert!(parsed.notes.iter().len() <= MAX_NOTES);
    for note in parsed.notes.iter() {
        let printed = note.to_string();
        assert!(!printed.chars().any(char::is_control), "{printed:?}");
        assert!(printed.len() < 2000, "{printed}");
    }
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
        .with_edns0(config.edns0());
    assert_eq!(same, config);
});
