//! The ICMP errors of one socket that no receive has returned yet.

use std::collections::VecDeque;
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::sync::{Mutex, MutexGuard};

use super::IcmpError;
use super::icmp::system;
use stagger::drivers::lock;

/// How many errors are kept if the program does not receive them: 64. The oldest are dropped. The
/// number is ours.
const KEPT: usize = 64;

/// How often a send is tried at most: 4 times. An earlier datagram may cause a failure, and another
/// report may arrive between two tries. The number is ours.
const TRIES: usize = 4;

/// The errors that the system has reported.
///
/// Receives and sends both take them from the system. The system reports a socket with a queued
/// error as ready, also to write. So a waiting send would spin if it did not take them.
#[derive(Debug)]
pub(super) struct Reported {
    is_on: bool,
    errors: Mutex<VecDeque<IcmpError>>,
}

impl Reported {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, errors: Mutex::default() }
    }

    /// Receives a datagram, or returns an error that was reported.
    pub(super) fn receive<T>(
        &self,
        socket: &impl AsSocket,
        receive: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.is_on {
            return receive();
        }
        if let Some(error) = self.lock().pop_front() {
            return Err(error.into());
        }
        receive().map_err(|error| {
            let mut errors = self.lock();
            // The error of the receive itself is used if the system reports nothing more.
            let _ = take(socket, &mut errors);
            errors.pop_front().map_or(error, io::Error::from)
        })
    }

    /// Sends a datagram. Reports about earlier datagrams are kept for receives, and `wake` wakes
    /// these.
    pub(super) fn send<T>(
        &self,
        socket: &impl AsSocket,
        wake: impl FnOnce(),
        mut send: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let outcome = send();
        if !self.is_on || outcome.is_ok() {
            return outcome;
        }
        let (mut outcome, mut is_any) = (outcome, false);
        for tried in 1..TRIES {
            let Err(error) = &outcome else { break };
            let is_blocked = error.kind() == io::ErrorKind::WouldBlock;
            let taken = take(socket, &mut self.lock()).unwrap_or_default();
            is_any |= taken > 0;
            // Another task may have taken the report of an earlier datagram since this send failed.
            // So the first failure proves nothing about this datagram.
            if is_blocked || taken == 0 && tried > 1 {
                break;
            }
            outcome = send();
        }
        if is_any {
            wake();
        }
        outcome
    }

    /// Takes all errors, oldest first.
    pub(super) fn take(&self, socket: &impl AsSocket) -> io::Result<Vec<IcmpError>> {
        let mut errors = self.lock();
        if self.is_on {
            take(socket, &mut errors)?;
        }
        Ok(std::mem::take(&mut *errors).into())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<IcmpError>> {
        lock(&self.errors)
    }
}

/// Moves the queued errors of the system into `errors`, and returns their number.
fn take(socket: &impl AsSocket, errors: &mut VecDeque<IcmpError>) -> io::Result<usize> {
    let mut taken = 0;
    system::take(socket, IcmpError::TAKEN_AT_ONCE, |error| {
        if errors.len() == KEPT {
            errors.pop_front();
        }
        errors.push_back(error);
        taken += 1;
    })?;
    Ok(taken)
}
