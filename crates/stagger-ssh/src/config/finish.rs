//! The end of a reading: tokens are replaced, and defaults fill the gaps.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use sha1::{Digest as _, Sha1};
use stagger::resolve::Families;

use super::error::shown;
use super::options::{Canonicalize, ControlMaster, Jump, Text, bracketed};
use super::reader::Reader;
use super::{
    ConfigError, ControlPersist, HASH_OF_JUMP, HostConfig, ProxyConfig, StrictHostKeyChecking,
    USER_TOKENS, token,
};
use crate::Destination;
use crate::destination::parse_hop;

impl Reader<'_> {
    pub(super) fn finish(&mut self) -> Result<HostConfig, ConfigError> {
        let options = &self.options;
        let alias = self.request.destination().host();
        let (host, port) = (self.host.clone(), self.port_so_far());
        let key_alias = options.host_key_alias.as_ref().map(|it| it.text.to_ascii_lowercase());
        let key_name = key_alias.as_deref().unwrap_or(alias);
        let user = self.expanded_user(&host, port, key_name)?;

        let tokens = |token| self.token(token, &host, &user, port, key_name);
        let path = |name: &str, text: &Text| {
            let path = self.with_tilde(&text.text);
            let path = path.and_then(|it| token::percent_dollar(&it, &tokens, self.environment));
            path.map(PathBuf::from).map_err(|why| fault(name, text, &why))
        };
        let paths = |name: &str, texts: &mut dyn Iterator<Item = &Text>| {
            let is_path = |text: &&Text| !text.text.eq_ignore_ascii_case("none");
            texts.filter(is_path).map(|text| path(name, text)).collect::<Result<Vec<_>, _>>()
        };
        let set = |text: &Option<Text>| {
            text.as_ref().filter(|it| !it.text.eq_ignore_ascii_case("none")).cloned()
        };
        let control_path = set(&options.control_path);
        let control_path = control_path.map(|it| path("ControlPath", &it)).transpose()?;
        let agent = options.identity_agent.as_ref();
        let agent = agent.map(|it| path("IdentityAgent", it)).transpose()?;
        let identities = &mut options.identity_files.iter().map(|(file, _)| file);
        let identity_files = paths("IdentityFile", identities)?;
        let certificates = &mut options.certificate_files.iter().map(|(file, _)| file);
        let certificate_files = paths("CertificateFile", certificates)?;
        let home = |name: &str| self.environment.home().join(".ssh").join(name);
        let user_known_hosts_files = match &options.user_known_hosts[..] {
            [] => vec![home("known_hosts"), home("known_hosts2")],
            files => paths("UserKnownHostsFile", &mut files.iter())?,
        };
        let system = |name: &str| PathBuf::from("/etc/ssh").join(name);
        let global_known_hosts_files = match &options.global_known_hosts[..] {
            [] => vec![system("ssh_known_hosts"), system("ssh_known_hosts2")],
            [none] if none.text.eq_ignore_ascii_case("none") => Vec::new(),
            files => files.iter().map(|file| PathBuf::from(&file.text)).collect(),
        };
        let attempts = match &options.connection_attempts {
            Some((0, place)) => {
                let text = "ConnectionAttempts \"0\" is less than 1";
                return Err(ConfigError::new(place.as_ref(), text));
            }
            Some((attempts, _)) => *attempts,
            None => 1,
        };
        let command_tokens = |token: char| match token {
            'h' | 'k' | 'n' | 'p' | 'r' => tokens(token),
            _ => None,
        };
        let proxy = self.proxy(&host, &user, port, &command_tokens)?;

        let text = |text: &Option<Text>| text.as_ref().map(|it| it.text.clone());
        let timeout = options.connect_timeout.filter(|seconds| *seconds > 0);
        let mut config = HostConfig {
            alias: alias.to_owned(),
            host_name: host.clone(),
            port,
            user: user.clone(),
            families: options.families.unwrap_or_default(),
            bind_address: text(&options.bind_address),
            bind_interface: text(&options.bind_interface),
            connect_timeout: timeout.map(|seconds| Duration::from_secs(seconds.into())),
            connection_attempts: attempts,
            proxy,
            proxy_use_fdpass: options.proxy_use_fdpass.unwrap_or(false)
                && !matches!(options.jump, Some(Jump::Through { .. })),
            host_key_alias: key_alias.clone(),
            control_path,
            control_master: options.control_master.is_some_and(|it| it != ControlMaster::No),
            control_persist: options.control_persist.unwrap_or(ControlPersist::Unset),
            strict_host_key_checking: options.strict.unwrap_or(StrictHostKeyChecking::Ask),
            user_known_hosts_files,
            global_known_hosts_files,
            identity_files,
            identities_only: options.identities_only.unwrap_or(false),
            identity_agent: agent,
            certificate_files,
            tag: text(&options.tag),
            entries: Vec::new(),
            notes: options.notes.clone(),
        };
        if config.proxy_use_fdpass && matches!(&config.proxy, ProxyConfig::Command(it) if it == "-")
        {
            let text = "ProxyCommand \"-\" and ProxyUseFdpass do not go together";
            return Err(ConfigError::new(None, text));
        }
        config.entries = self.entries(&config);
        Ok(config)
    }

    /// The value of a token (ssh_config(5), section TOKENS).
    pub(super) fn token(
        &self,
        token: char,
        host: &str,
        user: &str,
        port: u16,
        key_name: &str,
    ) -> Option<String> {
        let local = self.environment.host_name();
        let release = self.environment.release();
        Some(match token {
            'C' => {
                let mut hash = Sha1::new();
                hash.update(local);
                hash.update(host);
                hash.update(port.to_string());
                hash.update(user);
                if release >= HASH_OF_JUMP {
                    hash.update(self.jump_host());
                }
                hash.finalize().iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                })
            }
            'L' => local.split('.').next().unwrap_or_default().to_owned(),
            'd' => self.environment.home().to_string_lossy().into_owned(),
            'h' => host.to_owned(),
            'i' => self.environment.uid().to_string(),
            'j' if release >= HASH_OF_JUMP => self.jump_host(),
            'k' => key_name.to_owned(),
            'l' => local.to_owned(),
            'n' => self.request.destination().host().to_owned(),
            'p' => port.to_string(),
            'r' => user.to_owned(),
            'u' => self.environment.user().to_owned(),
            _ => return None,
        })
    }

    /// The last jump host (`%j`).
    fn jump_host(&self) -> String {
        let asked = self.request.jumps().map(|jumps| jumps.last().map(|hop| hop.host().to_owned()));
        asked.unwrap_or_else(|| Some(self.last_hop()?.host)).unwrap_or_default()
    }

    fn last_hop(&self) -> Option<Destination> {
        match &self.options.jump {
            Some(Jump::Through { hops, .. }) => parse_hop(hops.last()?, &|name| self.service(name)),
            _ => None,
        }
    }

    fn expanded_user(&self, host: &str, port: u16, key_name: &str) -> Result<String, ConfigError> {
        let user = self.user_so_far();
        let Some(text) = &self.options.user else { return Ok(user) };
        if text.place.is_none() || self.environment.release() < USER_TOKENS {
            return Ok(user);
        }
        let tokens = |token| match token {
            'C' | 'r' => None,
            other => self.token(other, host, "", port, key_name),
        };
        let expanded = token::percent_dollar(&user, &tokens, self.environment);
        expanded.map_err(|why| fault("User", text, &why))
    }

    /// Replaces `~` and `~user` at the start.
    fn with_tilde(&self, text: &str) -> Result<String, String> {
        let Some(rest) = text.strip_prefix('~') else { return Ok(text.to_owned()) };
        let (user, rest) = match rest.split_once('/') {
            Some((user, rest)) => (user, rest.trim_start_matches('/')),
            None => (rest, ""),
        };
        let home = self.home_of(user);
        let home = home.ok_or_else(|| format!("{} is no user of this machine", shown(user)))?;
        let home = home.to_str().ok_or("the home directory is not UTF-8")?;
        let slash = if home.ends_with('/') { "" } else { "/" };
        Ok(format!("{home}{slash}{rest}"))
    }

    fn proxy(
        &self,
        host: &str,
        user: &str,
        port: u16,
        tokens: token::Tokens<'_>,
    ) -> Result<ProxyConfig, ConfigError> {
        let (hops, place) = match &self.options.jump {
            Some(Jump::Through { hops, place }) => (hops, place.as_ref()),
            _ => {
                let command = self.options.proxy_command.as_ref();
                let command = command.filter(|it| !it.text.eq_ignore_ascii_case("none"));
                let Some(command) = command else { return Ok(ProxyConfig::Direct) };
                let text = token::percent(&command.text, tokens);
                let text = text.map_err(|why| fault("ProxyCommand", command, &why))?;
                return Ok(ProxyConfig::Command(text));
            }
        };
        let fail = |text: String| ConfigError::new(place, format!("ProxyJump {text}"));
        let hops = match self.request.jumps() {
            Some(jumps) => jumps.to_vec(),
            None => {
                let expand = |text: &str| {
                    let text = token::percent(text, tokens);
                    text.map_err(|why| fail(format!("has a fault: {why}")))
                };
                // The parts are split first, because a value may have a colon or a slash.
                let hop = |text: &String| {
                    let hop = parse_hop(text, &|name| self.service(name));
                    let hop = hop.ok_or_else(|| fail(format!("{} is no host", shown(text))))?;
                    let user = hop.user.as_deref().map(expand).transpose()?;
                    let hop = Destination { user, host: expand(&hop.host)?, port: hop.port };
                    hop.checked().map_err(|why| fail(format!("has a fault: {why}")))
                };
                hops.iter().map(hop).collect::<Result<Vec<_>, _>>()?
            }
        };
        let last = match self.request.jumps() {
            Some(jumps) => jumps.last().cloned(),
            None => self.last_hop(),
        };
        // As in OpenSSH, before tokens are replaced.
        let is_loop = last.is_some_and(|last| {
            last.host == host
                && last.port.unwrap_or(22) == port
                && last.user.as_deref().is_none_or(|it| it == user)
        });
        if is_loop {
            let host = shown(host);
            return Err(fail(format!("leads back to the host itself, {host}; name another host")));
        }
        Ok(ProxyConfig::Jump(hops))
    }

    /// What was read, in the form of `ssh -G`.
    fn entries(&self, config: &HostConfig) -> Vec<(&'static str, String)> {
        let options = &self.options;
        let mut entries = Vec::new();
        let mut add = |name, value: String| entries.push((name, value));
        let flag = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let line = |values: Vec<String>| match values.is_empty() {
            true => "none".to_owned(),
            false => values.join(" "),
        };
        add("host", config.alias.clone());
        add("user", config.user.clone());
        add("hostname", config.host_name.clone());
        add("port", config.port.to_string());
        let families = match config.families {
            Families::Any => "any",
            Families::Ipv4 => "inet",
            Families::Ipv6 => "inet6",
        };
        add("addressfamily", families.to_owned());
        add("canonicalizefallbacklocal", flag(options.fallback_local.unwrap_or(true)));
        let canonicalize = match options.canonicalize {
            None | Some(Canonicalize::No) => "false",
            Some(Canonicalize::Yes) => "true",
            Some(Canonicalize::Always) => "always",
        };
        add("canonicalizehostname", canonicalize.to_owned());
        let master = match options.control_master {
            None | Some(ControlMaster::No) => "false",
            Some(ControlMaster::Yes) => "true",
            Some(ControlMaster::Auto) => "auto",
            Some(ControlMaster::Ask) => "ask",
            Some(ControlMaster::AutoAsk) => "autoask",
        };
        add("controlmaster", master.to_owned());
        add("identitiesonly", flag(config.identities_only));
        add("proxyusefdpass", flag(config.proxy_use_fdpass));
        let strict = match config.strict_host_key_checking {
            StrictHostKeyChecking::Yes => "true",
            StrictHostKeyChecking::No => "false",
            StrictHostKeyChecking::Ask => "ask",
            StrictHostKeyChecking::AcceptNew => "accept-new",
        };
        add("stricthostkeychecking", strict.to_owned());
        add("canonicalizemaxdots", options.max_dots.unwrap_or(1).to_string());
        add("connectionattempts", config.connection_attempts.to_string());
        let mut add_set = |name, value: Option<String>| {
            if let Some(value) = value {
                add(name, value);
            }
        };
        add_set("bindaddress", config.bind_address.clone());
        add_set("bindinterface", config.bind_interface.clone());
        add_set("controlpath", config.control_path.as_ref().map(path));
        add_set("hostkeyalias", config.host_key_alias.clone());
        add_set("identityagent", config.identity_agent.as_ref().map(path));
        add_set("ignoreunknown", options.ignore_unknown.as_ref().map(|it| it.text.clone()));
        add_set("tag", config.tag.clone());
        for (file, _) in &options.identity_files {
            add("identityfile", file.text.clone());
        }
        add("canonicaldomains", line(options.canonical_domains.clone()));
        for (file, _) in &options.certificate_files {
            add("certificatefile", file.text.clone());
        }
        add(
            "globalknownhostsfile",
            line(config.global_known_hosts_files.iter().map(path).collect()),
        );
        add("userknownhostsfile", line(config.user_known_hosts_files.iter().map(path).collect()));
        let timeout = options.connect_timeout.map(|seconds| seconds.to_string());
        add("connecttimeout", timeout.unwrap_or_else(|| "none".to_owned()));
        let rule = |(from, to): &(String, String)| format!("{from}:{to}");
        add("canonicalizePermittedcnames", line(options.cname_rules().iter().map(rule).collect()));
        let persist = match config.control_persist {
            ControlPersist::Unset | ControlPersist::No => "no".to_owned(),
            ControlPersist::Forever => "yes".to_owned(),
            ControlPersist::For(time) => time.as_secs().to_string(),
        };
        add("controlpersist", persist);
        match &options.jump {
            Some(Jump::Through { hops, .. }) => {
                let last = hops.last().map_or("", String::as_str);
                let hop = self.last_hop().map_or_else(|| last.to_owned(), |hop| shown_hop(&hop));
                let first = hops.iter().take(hops.len().saturating_sub(1)).cloned();
                add("proxyjump", first.chain([hop]).collect::<Vec<_>>().join(","));
            }
            _ => {
                let command = options.proxy_command.as_ref().map(|it| &it.text);
                let command = command.filter(|it| !it.eq_ignore_ascii_case("none"));
                if let Some(command) = command {
                    add("proxycommand", command.clone());
                }
            }
        }
        entries
    }
}

fn shown_hop(hop: &Destination) -> String {
    let user = hop.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let port = hop.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{user}{}{port}", bracketed(&hop.host))
}

fn fault(name: &str, text: &Text, why: &str) -> ConfigError {
    ConfigError::new(text.place.as_ref(), format!("{name} has a fault: {why}"))
}
