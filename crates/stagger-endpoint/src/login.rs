//! A user and a password.

use std::fmt;

/// The user and the password of a hop, as bytes. `Debug` prints neither.
///
/// # Examples
///
/// ```
/// use stagger_endpoint::Login;
///
/// let login = Login::new("me").with_password("secret");
/// assert_eq!((login.user(), login.password()), (&b"me"[..], Some(&b"secret"[..])));
/// assert_eq!(format!("{login:?}"), "Login { .. }");
/// assert_eq!(login.without_password(), Login::new("me"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    user: Box<[u8]>,
    password: Option<Box<[u8]>>,
}

impl Login {
    /// A user without a password.
    pub fn new(user: impl AsRef<[u8]>) -> Self {
        Self { user: user.as_ref().into(), password: None }
    }

    /// Sets the password.
    pub fn with_password(mut self, password: impl AsRef<[u8]>) -> Self {
        self.password = Some(password.as_ref().into());
        self
    }

    /// Removes the password.
    pub fn without_password(mut self) -> Self {
        self.password = None;
        self
    }

    /// The user.
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// The password.
    pub fn password(&self) -> Option<&[u8]> {
        self.password.as_deref()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}
