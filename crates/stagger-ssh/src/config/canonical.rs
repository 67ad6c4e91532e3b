//! Canonical names of hosts (`CanonicalizeHostname`).

use stagger::resolve::Families;

use super::error::shown;
use super::options::Canonicalize;
use super::reader::{Reader, Stop};
use super::request::Names;
use super::{ConfigError, Question, address, pattern};
use crate::destination::is_domain;

impl Reader<'_> {
    /// Replaces the host's name by its canonical one.
    pub(super) fn canonicalize(&mut self) -> Result<(), Stop> {
        let families = self.options.families.unwrap_or_default();
        if let Some(text) = address::canonical(&self.host, families) {
            if !text.eq_ignore_ascii_case(&self.host) {
                self.host = text;
            }
            return Ok(());
        }
        let is_name = !address::looks_like_address(&self.host);
        if is_name {
            self.host.make_ascii_lowercase();
        }
        let canonicalize = self.options.canonicalize.unwrap_or(Canonicalize::No);
        let is_direct = self.options.is_direct(self.environment);
        // A proxy resolves the name otherwise.
        let is_ours = is_direct || canonicalize == Canonicalize::Always;
        let follows = is_ours && canonicalize != Canonicalize::No;
        if let Some(names) = self.candidates().filter(|_| follows && is_name) {
            if let Some((name, canonical)) = self.resolve(&names, families)? {
                self.host = name.strip_suffix('.').unwrap_or(&name).to_owned();
                self.follow(&canonical);
                return Ok(());
            }
            if self.options.fallback_local == Some(false) {
                let host = shown(&self.host);
                let text = format!(
                    "{host} exists in no domain of CanonicalDomains, and CanonicalizeFallbackLocal \
                     is no"
                );
                return Err(ConfigError::new(None, text).into());
            }
        }
        if is_ours && !self.options.cname_rules().is_empty() {
            match self.resolve(std::slice::from_ref(&self.host), families)? {
                Some((_, canonical)) if follows => self.follow(&canonical),
                None if is_direct => {
                    let text = format!("the host name {} does not exist", shown(&self.host));
                    return Err(ConfigError::new(None, text).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The names that the host may have, or `None` if it has too many dots.
    fn candidates(&self) -> Option<Vec<String>> {
        if self.host.ends_with('.') {
            return Some(vec![self.host.clone()]);
        }
        let dots = self.host.bytes().filter(|byte| *byte == b'.').count();
        let max_dots = usize::try_from(self.options.max_dots.unwrap_or(1)).unwrap_or(usize::MAX);
        let domains = self.options.canonical_domains.iter();
        let domains = domains.take_while(|domain| !domain.eq_ignore_ascii_case("none"));
        let name = |domain: &String| format!("{}.{domain}.", self.host);
        (dots <= max_dots).then(|| domains.map(name).collect())
    }

    /// The first name that exists, and its canonical name.
    fn resolve(
        &self,
        names: &[String],
        families: Families,
    ) -> Result<Option<(String, String)>, Stop> {
        for (at, name) in names.iter().enumerate() {
            match self.facts.name(name) {
                Some(Some(canonical)) => return Ok(Some((name.clone(), canonical.to_owned()))),
                Some(None) => {}
                None => {
                    let names = names[at..].to_vec();
                    return Err(Stop::Ask(Question::Resolve(Names { names, families })));
                }
            }
        }
        Ok(None)
    }

    /// Follows an alias of the DNS, if a rule of `CanonicalizePermittedCNAMEs` permits it.
    fn follow(&mut self, canonical: &str) {
        let mut canonical = canonical.to_ascii_lowercase();
        if !is_domain(&canonical) || canonical == self.host {
            return;
        }
        if canonical.ends_with('.') {
            canonical.pop();
        }
        let is_permitted = |(from, to): &(String, String)| {
            pattern::is_list_match(from.as_bytes(), self.host.as_bytes(), true)
                && pattern::is_list_match(to.as_bytes(), canonical.as_bytes(), true)
        };
        if self.options.cname_rules().iter().any(is_permitted) {
            self.host = canonical;
        }
    }
}
