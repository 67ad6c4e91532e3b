//! Finding the error of a dial among the sources of a client's error.

use std::error::Error as StdError;

use stagger::Error;
use stagger::error::causes;

/// Finds the [`stagger::Error`] in the error of a client, or among its sources.
///
/// A client wraps the error of its connector: hyper-util's `Error`, tonic's and kube's have it as a
/// source. The `stagger::Error` has the kind, the target and the report of the failed race. An
/// error inside an [`io::Error`](std::io::Error) is found too, although the source of an
/// `io::Error` skips it.
///
/// The error of hyper-util's `SocksV4` and `SocksV5` has no source, so nothing is found below it.
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use stagger::error::ErrorKind;
/// use stagger_hyper::{find_error, tokio::connector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = connector(stagger_tokio::dialer());
/// let client = Client::builder(TokioExecutor::new()).build::<_, String>(connector);
/// let error = client.get("http://example.com:0/".parse()?).await.unwrap_err();
/// assert_eq!(find_error(&error).unwrap().kind(), ErrorKind::InvalidTarget);
/// # Ok(())
/// # }
/// ```
pub fn find_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(error).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::io;

    use stagger::Target;

    use super::*;

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let error = Error::from(Target::parse("example.com").unwrap_err());
        let wrapped = io::Error::other(io::Error::from(error));
        assert!(find_error(&wrapped).is_some());
        assert!(find_error(&io::Error::other("another")).is_none());
        assert!(find_error(&io::Error::from(io::ErrorKind::NotFound)).is_none());
    }
}
