//! The password itself.

use std::fmt;
use std::io::{self, Read};

use chatcore::CREDENTIAL_BYTES_MAX;
use zeroize::Zeroizing;

/// A password. It is overwritten when it is dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(Zeroizing<Vec<u8>>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Password {
    /// What a person has typed.
    pub(crate) fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// What a keyring has kept.
    #[cfg(feature = "keyring")]
    pub(super) fn kept(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// # Errors
    ///
    /// If no password has so many bytes.
    pub(super) fn checked(self) -> Result<Self, String> {
        match self.0.len() {
            0 => Err("the password is empty".into()),
            bytes if bytes > CREDENTIAL_BYTES_MAX => {
                Err(format!("the password is too long: it may have at most {CREDENTIAL_BYTES_MAX} bytes"))
            }
            _ => Ok(self),
        }
    }

    /// The first line, without its end. Of a longer line than a password may be, one byte more than that.
    pub(super) fn first_line(input: &mut impl Read) -> io::Result<Self> {
        let bytes_max = CREDENTIAL_BYTES_MAX + 2;
        // It never grows, which would leave what it held behind. Nothing in between holds it, either.
        let mut line = Zeroizing::new(vec![0; bytes_max]);
        let mut length = 0;
        while length < bytes_max && !line[..length].contains(&b'\n') {
            match input.read(&mut line[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut line = &line[..length];
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line = &line[..end];
            line = line.strip_suffix(b"\r").unwrap_or(line);
        }
        Ok(Self(Zeroizing::new(line.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> Vec<u8> {
        Password::first_line(&mut { text }).expect("memory can be read").0.to_vec()
    }

    #[test]
    fn the_first_line_is_the_password_to_the_byte() {
        assert_eq!(line(b"secret\nmore\n"), b"secret");
        assert_eq!(line(b"secret\r\n"), b"secret");
        assert_eq!(line(b" with blanks "), b" with blanks ");
        assert_eq!(line(b"\nsecret\n"), b"");
        assert_eq!(line(b""), b"");
        assert_eq!(line(&[b'x'; CREDENTIAL_BYTES_MAX]).len(), CREDENTIAL_BYTES_MAX);
        assert!(line(&vec![b'x'; 1 << 20]).len() > CREDENTIAL_BYTES_MAX);
    }

    #[test]
    fn nobody_sees_it_in_debug() {
        assert_eq!(format!("{:?}", Password::typed("secret")), "[secret]");
    }
}
